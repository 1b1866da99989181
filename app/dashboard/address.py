"""What a page's address asks for, and the addresses of other pages that ask for the same. PURE.

Rule 1  The filters of `Wanted` hold on every page, and every link carries them.
Rule 2  A visitor who may not read all callers' receipts sees their own, whatever is asked for.
Rule 3  What an address says is kept as text, so that `since=7d` stays the last seven days.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from app.dashboard.session_cookie import HOME
from app.ledger.wanted import NAMES, Wanted, read

RECEIPTS = f"{HOME}/receipts"
OWN = ("sort", "show")  # of the page itself: how tables are sorted, what charts show
IN_THE_FORM = (
    *("model", "provider", "caller", "user_agent", "rule", "verdict", "status", "failed"),
    *("since", "until"),
)
_TIMES = ("since", "until")
_WORDS = {"user_agent": "tool", "quantization": "listed as"}


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is set, and the address without it."""

    label: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where a visitor is, and which receipts they ask for."""

    path: str
    filters: Mapping[str, str]
    own: Mapping[str, str]
    wanted: Wanted
    usual: str | None = None  # the period of a page that is given no time

    @property
    def since(self) -> str | None:
        """The word for when the receipts begin, given or usual; None: at the first one."""
        usual = None if "until" in self.filters else self.usual
        return self.filters.get("since", usual)

    @property
    def chips(self) -> Iterator[Chip]:
        """Every filter that is set, each with a way to remove it."""
        for name, text in self.filters.items():
            yield Chip(_WORDS.get(name, name), text, self.having(**{name: None}))

    @property
    def beside(self) -> Mapping[str, str]:
        """What the form has no field for; it stays when the form is sent."""
        others = {name: text for name, text in self.filters.items() if name not in IN_THE_FORM}
        return {**others, **self.own}

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the time is filtered by."""
        return bool(self.filters.keys() - set(_TIMES))

    @property
    def without_all(self) -> str:
        """This page without any filter."""
        return _joined(self.path, self.own)

    def having(self, **filters: str | None) -> str:
        """This page with some filters changed; None removes one."""
        return _joined(self.path, {**self._with(filters), **self.own})

    def showing(self, **own: str) -> str:
        """This page, sorted or drawn in another way."""
        return _joined(self.path, {**self.filters, **self.own, **own})

    def page(self, path: str) -> str:
        """Another page for the same receipts."""
        return _joined(path, self.filters)

    def receipts(self, **filters: str | None) -> str:
        """The receipts behind a figure of this page, narrowed by what the figure is of."""
        usual = {} if self.since is None else {"since": self.since}
        return _joined(RECEIPTS, {**usual, **self._with(filters)})

    def turned(self, **place: str) -> str:
        """This page of a list, further on or back."""
        return _joined(self.path, {**self.filters, **self.own, **place})

    def _with(self, changed: Mapping[str, str | None]) -> dict[str, str]:
        return {name: text for name, text in {**self.filters, **changed}.items() if text}


def address_of(
    path: str, parameters: Mapping[str, str], *, reads: str | None, usual: str | None = None
) -> Address:
    """What an address asks for; a field of the form that is left empty asks nothing.

    `reads` is the one caller whose receipts the visitor may read; None: those of all.
    Raises `FilterError` for a value that can't be read.
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
