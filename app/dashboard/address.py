"""The filters in a page's URL, and the URLs of other pages with the same filters. PURE.

Rule 1  The filters of `Wanted` apply to every page, and every link includes them.
Rule 2  A visitor who may not read all callers' receipts sees only their own, whatever the URL.
Rule 3  Filters are kept as text, so that `since=7d` stays the last seven days.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from ..ledger.wanted import NAMES, Wanted, read
from .session_cookie import HOME

RECEIPTS = f"{HOME}/receipts"
OWN = ("sort", "show")  # of the page itself: the order of tables, the content of charts
IN_THE_FORM = (
    *("model", "provider", "caller", "user_agent", "rule", "verdict", "status", "failed"),
    *("defect", "since", "until"),
)
_TIMES = ("since", "until")
_WORDS = {"user_agent": "tool", "quantization": "listed as"}


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is set, and the URL without it."""

    label: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class Address:
    """The page that a visitor is on, and the receipts that it shows."""

    path: str
    filters: Mapping[str, str]
    own: Mapping[str, str]
    wanted: Wanted
    usual: str | None = None  # the page's period if none is given

    @property
    def since(self) -> str | None:
        """The start of the period as text, given or usual; None: the first receipt."""
        usual = None if "until" in self.filters else self.usual
        return self.filters.get("since", usual)

    @property
    def chips(self) -> Iterator[Chip]:
        """Every filter that is set, each with a way to remove it."""
        for name, text in self.filters.items():
            yield Chip(_WORDS.get(name, name), text, self.having(**{name: None}))

    @property
    def beside(self) -> Mapping[str, str]:
        """The parameters that have no field in the form; they are kept when the form is sent."""
        others = {name: text for name, text in self.filters.items() if name not in IN_THE_FORM}
        return {**others, **self.own}

    @property
    def is_filtered(self) -> bool:
        """Whether any filter but the time is set."""
        return bool(self.filters.keys() - set(_TIMES))

    @property
    def without_all(self) -> str:
        """This page without any filter."""
        return _joined(self.path, self.own)

    def having(self, **filters: str | None) -> str:
        """This page with some filters changed; None removes one."""
        return _joined(self.path, {**self._with(filters), **self.own})

    def showing(self, **own: str) -> str:
        """This page with another order of its tables or content of its charts."""
        return _joined(self.path, {**self.filters, **self.own, **own})

    def page(self, path: str) -> str:
        """Another page for the same receipts."""
        return _joined(path, self.filters)

    def receipts(self, **filters: str | None) -> str:
        """The receipts behind a figure of this page, with the figure's filters added."""
        usual = {} if self.since is None else {"since": self.since}
        return _joined(RECEIPTS, {**usual, **self._with(filters)})

    def turned(self, **place: str) -> str:
        """The next or previous page of this list."""
        return _joined(self.path, {**self.filters, **self.own, **place})

    def _with(self, changed: Mapping[str, str | None]) -> dict[str, str]:
        return {name: text for name, text in {**self.filters, **changed}.items() if text}


def address_of(
    path: str, parameters: Mapping[str, str], *, reads: str | None, usual: str | None = None
) -> Address:
    """Parse a URL; empty fields of the form are ignored.

    `reads` is the one caller whose receipts the visitor may read; None: those of all.
    Raises `FilterError` for a value that can't be parsed.
    """
    given = {name: parameters.get(name, "").strip() for name in NAMES}
    if reads is not None:
        del given["caller"]
    filters = {name: text for name, text in given.items() if text}
    asked = filters if usual is None or "until" in filters else {"since": usual, **filters}
    wanted = read(asked)
    if reads is not None:
        wanted = replace(wanted, caller=reads)
    own = {name: parameters[name] for name in OWN if parameters.get(name)}
    return Address(path, filters, own, wanted, usual)


def _joined(path: str, parameters: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(parameters, safe='/*:,')}" if parameters else path
