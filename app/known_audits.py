"""What the ledger's audits say of each endpoint today, as policies and pages use it."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, Protocol, TypeVar

import msgspec

from .audit import words
from .audit.results import Audit as Result
from .audit.results import Compared
from .catalog.audits import VERDICTS, Audit, Audits, newest
from .errors import LedgerError
from .ledger.audits import Audit as KeptAudit
from .ledger.audits import EndpointVerdict

T = TypeVar("T")

_MOST_KEPT = 1000  # audits of which the reference is remembered


class Ledger(Protocol):
    """The part of the store that has audits."""

    def verdicts(self, model: str | None = None, /) -> list[EndpointVerdict]:
        """Return the newest verdict on each endpoint."""
        ...

    def audit(self, name: str, /) -> KeptAudit | None:
        """Return an audit by its id."""
        ...


class AuditReader:
    """Reads the audits that count; remembers what can't change. For one thread at a time."""

    def __init__(self) -> None:
        self._results: dict[str, Result] = {}

    def read(self, ledger: Ledger, today: date, model: str | None = None) -> Audits:
        """The last audits, with their age on a day, in UTC. Raises `LedgerError`."""
        rows = sorted(ledger.verdicts(model), key=lambda each: each.at, reverse=True)
        return Audits(newest((row.model, self._audit(ledger, row, today)) for row in rows))

    def _audit(self, ledger: Ledger, row: EndpointVerdict, today: date) -> Audit:
        result = self._result(ledger, row.audit)
        reference = result.reference.tag if result and result.reference else ""
        found = compared(row)
        day = row.at.date()
        return Audit(
            tag=row.tag.lower(),
            verdict=row.verdict,
            id=row.audit,
            date=day.isoformat(),
            age=max((today - day).days, 0),
            against=reference.lower(),
            ratio=found.ratio if found else None,
            low=found.ratio_low if found else None,
            high=found.ratio_high if found else None,
            said=words.verdict(found, closed=bool(result and result.closed)) if found else "",
        )

    def _result(self, ledger: Ledger, name: str) -> Result | None:
        found = self._results.get(name)
        if found is None:  # an audit that is resumed gets its result later
            found = result_of(ledger.audit(name))
            if found is not None:
                if len(self._results) >= _MOST_KEPT:
                    self._results.clear()
                self._results[name] = found
        return found


def read_once(ledger: Ledger, today: date, model: str | None = None) -> Audits:
    """As `AuditReader.read`; if the ledger can't be read, no audits and the reason."""
    try:
        return AuditReader().read(ledger, today, model)
    except LedgerError as error:
        return Audits(why_none=str(error))


def result_of(audit: KeptAudit | None) -> Result | None:
    """What an audit found; None if it found nothing yet, or by records of another version."""
    return _converted(audit.result, Result) if audit and audit.result is not None else None


class _Plan(msgspec.Struct, frozen=True):
    endpoints: list[Any]
    prompts: int
    answers: int


class _Task(msgspec.Struct, frozen=True):
    plan: _Plan


def requests_of(audit: KeptAudit) -> int | None:
    """How many requests an audit was planned with; None if another version planned it."""
    task = _converted(audit.plan, _Task)
    if task is None:
        return None
    return len(task.plan.endpoints) * task.plan.prompts * task.plan.answers


def counts_of(result: Result | None) -> dict[str, int]:
    """How many endpoints have each verdict."""
    found = Counter[str](each.verdict for each in (result.compared if result else ()))
    return {word: found[word] for word in VERDICTS}


def compared(row: EndpointVerdict) -> Compared | None:
    """What was found of an endpoint; None if that was kept by another version."""
    return _converted(row.found, Compared)


def _converted(kept: Mapping[str, Any], kind: type[T]) -> T | None:
    try:
        return msgspec.convert(kept, kind, strict=False)
    except msgspec.ValidationError:
        return None
