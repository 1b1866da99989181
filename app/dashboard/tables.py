"""Figures as tables: sortable columns, and cells that link to the receipts behind them. PURE."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..ledger.stats import Figures, Verdicts
from . import formats
from .address import Address
from .names import Grouped, Name, name_of

MOST_ROWS = 100
BAD_RATE = 0.05
_UP = "up"  # as in `sort=cost.up`

Number = Decimal | float | None


@dataclass(frozen=True, slots=True)
class Head:
    """A column's header; a click sorts by it."""

    label: str
    css: str
    href: str
    sorted: str  # the value of `aria-sort`; empty: not sorted by this column


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. `verdicts` and `share` are drawn as bars."""

    text: str
    css: str = ""
    href: str = ""
    verdicts: Verdicts | None = None
    share: float | None = None
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers; the first cell of each row is its name."""

    id: str
    title: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: int = 0  # rows
    bound: str = ""  # the time from which receipts are counted, if not all are


@dataclass(frozen=True, slots=True)
class Entry:
    """The data of a row; `attempts` are failed attempts that are not counted as errors."""

    name: Name
    figures: Figures
    attempts: int = 0

    @property
    def error_rate(self) -> float | None:
        """The share of failures in the requests sent."""
        sent = self.figures.requests - self.figures.refused + self.attempts
        return (self.figures.errors + self.attempts) / sent if sent else None


@dataclass(frozen=True, slots=True)
class Column:
    """A column's definition; `filters` select the receipts behind it."""

    label: str
    value: Callable[[Entry], Number]
    shown: Callable[[Any], str]
    css: str = ""
    filters: Mapping[str, str] | None = None
    money: bool = False  # the same number of digits after the point in all rows


_OF_VERDICT: Mapping[str, Callable[[Entry], Number]] = {
    "kept": lambda each: each.figures.verdicts.kept,
    "unproven": lambda each: each.figures.verdicts.unproven,
    "broken": lambda each: each.figures.verdicts.broken,
}
COLUMNS: Mapping[str, Column] = {
    "requests": Column("Requests", lambda each: each.figures.requests, formats.count, filters={}),
    "share": Column("Share", lambda each: each.figures.requests, formats.percent),
    "verdicts": Column("Verdicts", lambda each: each.figures.verdicts.broken, formats.count),
    **{
        word: Column(word.capitalize(), value, formats.count, "wide", {"verdict": word})
        for word, value in _OF_VERDICT.items()
    },
    "failed": Column(
        "Failed", lambda each: each.figures.errors, formats.count, "", {"failed": "true"}
    ),
    "errors": Column(
        "Error rate", lambda each: each.error_rate, formats.percent, "", {"failed": "true"}
    ),
    "attempts": Column("Failed attempts", lambda each: each.attempts, formats.count),
    "ttft": Column(
        "TTFT median", lambda each: each.figures.ttft_p50_ms, formats.duration, filters={}
    ),
    "slow": Column(
        "TTFT 95 %", lambda each: each.figures.ttft_p95_ms, formats.duration, "wide", {}
    ),
    "speed": Column(
        "Tokens/s", lambda each: each.figures.tokens_per_second_p50, formats.rate, filters={}
    ),
    "cost": Column("Cost", lambda each: each.figures.cost_usd, formats.dollars, "", {}, money=True),
    "price": Column(
        "Per 1k tokens",
        lambda each: each.figures.cost_per_1k_tokens,
        formats.dollars,
        "wide",
        {},
        money=True,
    ),
    "prompt": Column("Prompt", lambda each: each.figures.prompt_tokens, formats.count, "wide", {}),
    "completion": Column(
        "Completion", lambda each: each.figures.completion_tokens, formats.count, "wide", {}
    ),
    "cached": Column("Cached", lambda each: each.figures.cached_share, formats.percent, "wide", {}),
    "flips": Column("Flips", lambda each: each.figures.flips, formats.count, "wide", {}),
    "lost": Column(
        "Flips cost", lambda each: each.figures.flip_usd, formats.dollars, "wide", {}, money=True
    ),
}
_NAME = "name"


def table_of(  # noqa: PLR0917 - what a table is made of
    id_: str,
    title: str,
    noun: str,
    groups: Grouped,
    columns: Sequence[str],
    address: Address,
    *,
    by: str,
    attempts: Mapping[str, int] | None = None,
    newest_first: bool = False,
    bound: str = "",
) -> Table:
    """Return a table of groups, sorted as the URL requires, or by its usual column.

    `attempts` are failed ones by provider; `bound` is the time from which receipts are counted, if
    not all are.
    """
    entries = _entries(groups, attempts or {})
    asked, _, turned = address.own.get("sort", "").partition(".")
    given = asked == _NAME or asked in columns
    sort = asked if given else by
    # Numbers are sorted in descending order, names in ascending order.
    up = (turned == _UP and given) != (sort == _NAME and (given or not newest_first))
    ordered = _ordered(entries, sort, up=up)[:MOST_ROWS]
    whole = sum(each.figures.requests for each in entries)
    digits = {
        key: formats.dollar_digits(COLUMNS[key].value(each) for each in ordered)
        for key in columns
        if COLUMNS[key].money
    }
    heads = (
        _head(_NAME, noun, "", sort, up=up, address=address),
        *(
            _head(key, COLUMNS[key].label, _css(key), sort, up=up, address=address)
            for key in columns
        ),
    )
    rows = tuple(
        (
            _named(entry.name, address),
            *(_cell(key, entry, whole, digits.get(key), address) for key in columns),
        )
        for entry in ordered
    )
    return Table(id_, title, heads, rows, max(len(entries) - len(rows), 0), bound)


def _entries(groups: Grouped, attempts: Mapping[str, int]) -> list[Entry]:
    """The groups, and providers that only failed before another provider served."""
    known = [Entry(name, figures, attempts.get(name.text, 0)) for name, figures in groups]
    named = {entry.name.text for entry in known}
    failed = (
        Entry(name_of("provider", host), Figures(), count)
        for host, count in attempts.items()
        if host not in named
    )
    return [*known, *failed]


def _ordered(entries: Sequence[Entry], sort: str, *, up: bool) -> list[Entry]:
    """Sort entries; those without a value come last in both orders."""
    if sort == _NAME:
        return sorted(entries, key=lambda each: each.name.text.lower(), reverse=not up)
    value = COLUMNS[sort].value
    known = [each for each in entries if value(each) is not None]
    unknown = [each for each in entries if value(each) is None]
    return [*sorted(known, key=lambda each: float(value(each) or 0), reverse=not up), *unknown]


def _head(key: str, label: str, css: str, sort: str, *, up: bool, address: Address) -> Head:
    if key != sort:
        return Head(label, css, address.showing(sort=key), "")
    usual = up == (key == _NAME)
    turned = f"{key}.{_UP}" if usual else key
    return Head(label, css, address.showing(sort=turned), "ascending" if up else "descending")


def _css(key: str) -> str:
    kind = "verdict-cell" if key == "verdicts" else "number"
    return f"{kind} {COLUMNS[key].css}".strip()


def _named(name: Name, address: Address) -> Cell:
    href = "" if name.filters is None else address.receipts(**name.filters)
    return Cell(name.text, "grey" if name.is_grey else "", href, colour=name.colour)


def _cell(key: str, entry: Entry, whole: int, digits: int | None, address: Address) -> Cell:
    column, css, name = COLUMNS[key], _css(key), entry.name
    if key == "verdicts":
        return Cell("", css, verdicts=entry.figures.verdicts)
    if key == "share":
        share = entry.figures.requests / whole if whole else None
        return Cell(formats.percent(share), css, share=share, colour=name.colour)
    value = column.value(entry)
    text = column.shown(value) if digits is None else formats.dollars(value, digits)
    if key == "errors" and (value or 0) >= BAD_RATE:
        css += " bad"
    linked = value and column.filters is not None and name.filters is not None
    filters = {**(name.filters or {}), **(column.filters or {})}
    return Cell(text, css, address.receipts(**filters) if linked else "")
