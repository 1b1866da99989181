"""What the tools ask, and the ledger and policy files as one answer to it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from ...budget.report import readable, standing_as_json
from ...budget.windows import Calendar
from ...catalog.providers import slug_of
from ...errors import SettingsError
from ...ledger.opening import is_current
from ...ledger.receipt import as_json_object
from ...ledger.scorecard import HostDimension, scorecard_as_json, within_days
from ...ledger.stats import Tallied, stats_as_json
from ...ledger.store import Store
from ...ledger.wanted import FilterError, Wanted, read
from ...settings import Settings
from ..budget import standings
from ..explain import told_as_json, told_of
from ..ledgers import to_read
from ..log import found
from ..which_ledger import absent, is_demo, with_ledger
from ..words import command
from .fault import Fault

QUESTION_SECONDS = 10.0  # of one question to the ledger, or to a running Pointsman

Json = dict[str, Any]
Filters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """What `explain` is asked about: a model, or a receipt by its name."""

    name: str
    is_receipt: bool
    provider: Json | None = None
    caller: str | None = None
    user_agent: str = ""


class Source(Protocol):
    """Answers the questions of tools, in the shapes of the HTTP API. Each may raise an error."""

    @property
    def name(self) -> str:
        """What the answers are from, for the agent."""
        ...

    def log(self, filters: Filters, *, limit: int, before: str | None) -> list[Json]:
        """The newest receipts that match, newest first."""
        ...

    def receipt(self, name: str) -> Json:
        """One receipt: by its id, the end of it, or `last`."""
        ...

    def stats(self, filters: Filters, by: tuple[Tallied, ...]) -> Json:
        """What the receipts add up to."""
        ...

    def score(self, filters: Filters, by: tuple[HostDimension, ...]) -> Json:
        """How often each host was at fault."""
        ...

    def budgets(self) -> list[Json]:
        """What is spent of each budget."""
        ...

    def explain(self, question: Question) -> Json:
        """What would be sent for a request."""
        ...


def wanted_of(filters: Filters, only: str | None) -> Wanted:
    """Parse filters as commands do, limited to one caller's receipts. Raises `Fault`."""
    try:
        wanted = read(filters)
    except FilterError as error:
        raise Fault(f"{error.name}: {error.problem}") from None
    if only is None or wanted.caller in {None, only}:
        return wanted if only is None else replace(wanted, caller=only)
    raise Fault(f"caller: only the receipts of {only!r} are shown here; leave the filter out")


@dataclass(frozen=True, slots=True)
class FromFiles:
    """The ledger and the policy files, read as commands read them; nothing is ever written."""

    settings: Settings
    only: str | None = None

    @property
    def name(self) -> str:
        """What the answers are from."""
        if is_demo(with_ledger(self.settings)):
            return "the demo's ledger and the policy files; no Pointsman answers"
        return "the ledger and the policy files; no Pointsman answers"

    def log(self, filters: Filters, *, limit: int, before: str | None) -> list[Json]:
        """The newest receipts that match."""
        wanted = wanted_of(filters, self.only)
        with self._store() as store:
            return [
                as_json_object(each) for each in store.recent(wanted, limit=limit, before=before)
            ]

    def receipt(self, name: str) -> Json:
        """One receipt."""
        if name == "last":
            newest = self.log({}, limit=1, before=None)
            if newest:
                return newest[0]
        with self._store() as store:
            receipt = found(store, name)
        if self.only not in {None, receipt.caller}:
            raise Fault(f"the ledger has no receipt {name} of the caller {self.only!r}")
        return as_json_object(receipt)

    def stats(self, filters: Filters, by: tuple[Tallied, ...]) -> Json:
        """What the receipts add up to."""
        wanted = wanted_of(filters, self.only)
        with self._store() as store:
            return stats_as_json(store.stats(by=by, wanted=wanted))

    def score(self, filters: Filters, by: tuple[HostDimension, ...]) -> Json:
        """How often each host was at fault."""
        wanted = within_days(wanted_of(filters, self.only), datetime.now(UTC))
        with self._store() as store:
            return scorecard_as_json(store.scorecard(slug=slug_of, by=by, wanted=wanted))

    def budgets(self) -> list[Json]:
        """What is spent of each budget."""
        self._must_be_current()
        rows, calendar = standings(self.settings), Calendar(self.settings.zone)
        return [standing_as_json(row, calendar) for row in readable(rows, self.only)]

    def explain(self, question: Question) -> Json:
        """What would be sent for a request."""
        self._must_be_current()
        name = self.receipt(question.name)["id"] if question.is_receipt else question.name
        told = told_of(
            self.settings,
            name,
            provider=question.provider,
            caller=question.caller or (None if question.is_receipt else self.only),
            user_agent=question.user_agent,
        )
        if told.subject.receipt is not None and not question.is_receipt:
            raise Fault(f"model: {name} is a receipt; name it as `receipt`")
        return told_as_json(told)

    @contextmanager
    def _store(self) -> Iterator[Store]:
        self._must_be_current()
        store = to_read(self.settings, patience=QUESTION_SECONDS)
        try:
            yield store
        finally:
            store.close()

    def _must_be_current(self) -> None:
        """Raise `SettingsError` if reading the ledger would migrate it first."""
        settings = with_ledger(self.settings)
        if not absent(settings) and not is_current(settings.ledger()):
            raise SettingsError(
                "the ledger was written by another version of Pointsman, and tools don't migrate "
                f"it; run {command()} log once"
            )
