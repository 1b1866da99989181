"""Wanted: a filter on receipts. Commands, URLs and pages all parse their filters into it. PURE.

Rule 1  A receipt matches if it matches every filter that is given.
Rule 2  `model` matches the name that the client requested (also an alias), the model that was
        sent, or the model that served.
Rule 3  In `model`, `alias`, `user_agent` and `path`, `*` matches any run of characters and `?` any
        one. Every other text is compared exactly, including upper and lower case.
Rule 4  `failed` means what the figure `errors` counts: `app/ledger/receipt.py:has_failed`.
        A refusal by Pointsman does not count as failed; `refused` selects refusals.
Rule 5  `defect` is the name of a defect, of a group of defects (any of them), `any`, or `none`.
Rule 6  An audit's receipts match only if `audit` asks for them: by the audit's id, or `any`.
Rule 7  `none` in any field of `MAY_BE_NONE` matches the receipts that have no such value.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from fnmatch import translate
from functools import lru_cache, partial
from typing import Any, Literal, get_args

from ..defects.table import GROUPS
from ..defects.table import NAMES as DEFECTS
from ..suggest import did_you_mean
from .moments import moment
from .receipt import Ending, Receipt, has_failed, quantization_of

VerdictFilter = Literal["kept", "broken", "unproven", "none"]
NONE, ANY = "none", "any"
DEFECT_FILTERS = (*DEFECTS, *GROUPS, ANY, NONE)

_WILD = re.compile(r"[*?]")
_STATUSES = range(100, 600)
_BOOLEANS = {"true": True, "false": False}


class FilterError(ValueError):
    """A filter that doesn't exist or can't be parsed: its name and the problem."""

    def __init__(self, name: str, problem: str) -> None:
        self.name, self.problem = name, problem
        super().__init__(f"{name}: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A filter on receipts; a field that is None matches every receipt, but for audits' own."""

    model: str | None = None
    alias: str | None = None
    provider: str | None = None  # the slug of the provider that served
    quantization: str | None = None  # as listed: fp8, or `bf16 or fp8` if undecided
    caller: str | None = None
    user_agent: str | None = None
    rule: str | None = None  # one of the rules that applied
    verdict: str | None = None  # a `VerdictFilter`; none: there was nothing to judge
    status: int | None = None
    failed: bool | None = None
    refused: bool | None = None
    ending: str | None = None  # an `Ending`
    defect: str | None = None  # see rule 5
    session: str | None = None  # a digest, as receipts have it
    path: str | None = None
    dialect: str | None = None
    audit: str = NONE  # see rule 6
    since: datetime | None = None
    until: datetime | None = None  # exclusive

    @property
    def asks_more_than_tallies_know(self) -> bool:
        """Whether the filters can be answered only from the receipts."""
        alone = any(getattr(self, name) is not None for name in _OF_RECEIPTS_ALONE)
        return alone or self.audit != NONE

    def fits(self, receipt: Receipt) -> bool:
        """Whether a receipt matches the filters."""
        return all(
            fit(wanted, receipt) or (wanted == NONE and _has_no(name, receipt))
            for name, fit in _FITS.items()
            if (wanted := getattr(self, name)) is not None
        )


EVERYTHING = Wanted()
NAMES = tuple(field.name for field in fields(Wanted))
MAY_BE_NONE: Mapping[str, str] = {  # and the receipt's field that then has no value
    **{name: name for name in ("alias", "provider", "caller", "user_agent", "session")},
    "quantization": "quantizations_listed",
    "rule": "rules",
}
_OF_RECEIPTS_ALONE = (
    *("alias", "user_agent", "status", "failed", "refused", "ending", "defect"),
    *("session", "path", "dialect"),
)


def read(given: Mapping[str, str], *, now: datetime | None = None) -> Wanted:
    """Parse the filters of a command or a URL, given by name as text.

    Raises `FilterError` for a name that is not one of `NAMES` and for a value that can't be parsed.
    """
    for name in given:
        if name not in NAMES:
            raise unknown(name, NAMES)
    return Wanted(**{name: _read(name, text, now) for name, text in given.items()})


def unknown(name: str, known: Iterable[str]) -> FilterError:
    """Return the error for a name that is not in `known`."""
    names = tuple(known)
    return FilterError(name, f"not known{did_you_mean(name, names)}; known are {', '.join(names)}")


def defects_in(name: str) -> tuple[str, ...]:
    """The defects that a filter names; of a group, all of its own."""
    return next(
        (tuple(row.name for row in GROUPS[each]) for each in GROUPS if each == name), (name,)
    )


def is_glob(text: str) -> bool:
    """Whether a text has wildcards, so that it can match more than one value."""
    return _WILD.search(text) is not None


def _read(name: str, text: str, now: datetime | None) -> Any:
    if not text.strip():
        raise FilterError(name, "there is no value")
    try:
        return _READERS[name](text) if name in _READERS else _moment_or_text(name, text, now)
    except ValueError as error:
        raise FilterError(name, str(error)) from None


def _moment_or_text(name: str, text: str, now: datetime | None) -> datetime | str:
    return moment(text, now) if name in {"since", "until"} else text


def _verdict(text: str) -> str:
    if text not in get_args(VerdictFilter):
        raise ValueError(f"{text!r} is not one of {', '.join(get_args(VerdictFilter))}")
    return text


def _among(known: Sequence[str], text: str) -> str:
    if text not in known:
        near = did_you_mean(text, known)
        raise ValueError(f"{text!r} is not one of {', '.join(known)}{near}")
    return text


def _status(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) == 3 and int(text) in _STATUSES):  # noqa: PLR2004
        raise ValueError(f"{text!r} is not an HTTP status; use e.g. 200 or 429")
    return int(text)


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError(f"{text!r} is not one of {', '.join(_BOOLEANS)}")
    return _BOOLEANS[text]


_READERS: Mapping[str, Callable[[str], Any]] = {
    "provider": str.lower,  # a slug
    "verdict": _verdict,
    "status": _status,
    "failed": _boolean,
    "refused": _boolean,
    "ending": partial(_among, get_args(Ending)),
    "defect": partial(_among, DEFECT_FILTERS),
}


@lru_cache(maxsize=64)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern.replace("[", "[[]")))


def _like(pattern: str, *names: str | None) -> bool:
    return any(name is not None and _glob(pattern).match(name) is not None for name in names)


def _has(receipt: Receipt, defect: str) -> bool:
    if defect in {ANY, NONE}:
        return bool(receipt.defects) == (defect == ANY)
    return not set(defects_in(defect)).isdisjoint(receipt.defects)


def _has_no(name: str, receipt: Receipt) -> bool:
    return name in MAY_BE_NONE and getattr(receipt, MAY_BE_NONE[name]) in {None, ()}


_FITS: Mapping[str, Callable[[Any, Receipt], bool]] = {
    "model": lambda model, one: _like(model, one.model_asked, one.model_sent, one.model_served),
    "alias": lambda alias, one: _like(alias, one.alias),
    "provider": lambda provider, one: one.provider == provider,
    "quantization": lambda label, one: quantization_of(one) == label,
    "caller": lambda caller, one: one.caller == caller,
    "user_agent": lambda agent, one: _like(agent, one.user_agent),
    "rule": lambda rule, one: rule in one.rules,
    "verdict": lambda verdict, one: (one.verdict or "none") == verdict,
    "status": lambda status, one: one.status == status,
    "failed": lambda failed, one: has_failed(one) == failed,
    "refused": lambda refused, one: (one.ending == "refused") == refused,
    "ending": lambda ending, one: one.ending == ending,
    "defect": lambda defect, one: _has(one, defect),
    "session": lambda session, one: one.session == session,
    "path": lambda path, one: _like(path, one.path),
    "dialect": lambda dialect, one: one.dialect == dialect,
    "audit": lambda audit, one: audit in {one.audit or NONE, ANY if one.audit else NONE},
    "since": lambda since, one: one.started_at >= since,
    "until": lambda until, one: one.started_at < until,
}
