"""Stats over time to charts. PURE.

A chart is a table first: its numbers are in the page even without scripts, and a script draws
them. Each number links to the receipts behind it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from typing import Literal

from ..ledger.receipt import iso
from ..ledger.stats import Figures, Series
from . import formats
from .address import Address
from .names import REST, Name

Unit = Literal["share", "count", "ms", "rate", "usd"]
Lines = Sequence[tuple[Name, tuple[Figures, ...]]]

_MOST_LINES = 8  # of stacked bars; more would be hard to distinguish
_MOST_CURVES = 5  # that cross one another
_ADDS_UP = frozenset({"share", "count", "usd"})
SHOWN: Mapping[Unit, Callable[[float | None], str]] = {
    "share": formats.percent,
    "count": formats.count,
    "ms": formats.duration,
    "rate": formats.rate,
    "usd": formats.dollars,
}
_VALUES: Mapping[Unit, Callable[[Figures], float | None]] = {
    "count": lambda figures: figures.requests,
    "ms": lambda figures: figures.ttft_p50_ms,
    "rate": lambda figures: figures.tokens_per_second_p50,
    "usd": lambda figures: float(figures.cost_usd),
}
_AXES: Mapping[Unit, str] = {
    "share": "share of requests",
    "count": "requests",
    "ms": "time",
    "rate": "tokens per second",
    "usd": "US dollars",
}
_LENGTHS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(0, 60)))


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a chart, as drawn and as text, with the link to its receipts."""

    value: float | None
    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over time."""

    title: str
    kind: Literal["stack", "lines"]
    unit: Unit
    names: tuple[Name, ...]
    hrefs: tuple[str, ...]  # the receipts of each name
    rows: tuple[tuple[str, str, tuple[Cell, ...]], ...]  # start and receipts of each bucket
    axis: str  # label of the vertical axis
    across: str  # label of the horizontal axis

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(cell.value for _, _, cells in self.rows for cell in cells)


def span_with_data(series: Series) -> tuple[datetime, datetime] | None:
    """The time from the first bucket with data to the end of the last one."""
    filled = [at for at, total in enumerate(series.total) if total.requests]
    if not filled:
        return None
    return series.starts[filled[0]], series.starts[filled[-1]] + series.bucket


def length_of(bucket: timedelta) -> str:
    """The length of a bucket: `hour`, `5 minutes`."""
    for word, unit in _LENGTHS:
        if bucket >= unit:
            number = bucket // unit
            return word if number == 1 else f"{number} {word}s"
    raise ValueError(bucket)


def chart_of(title: str, unit: Unit, series: Series, lines: Lines, address: Address) -> Chart:
    """Chart the lines with most requests over the buckets, and all others as one line."""
    adds_up = unit in _ADDS_UP
    shown = _foremost(lines) if adds_up else _served(lines)
    columns = [_values(unit, points, series) for _, points in shown]
    text = SHOWN[unit]

    def row(at: int, start: datetime) -> tuple[str, str, tuple[Cell, ...]]:
        times = {"since": iso(start), "until": iso(start + series.bucket)}
        cells = (
            Cell(column[at], text(column[at]), _receipts(address, name, times))
            for (name, _), column in zip(shown, columns, strict=True)
        )
        return iso(start), address.receipts(**times), tuple(cells)

    per = f" per {length_of(series.bucket)}" if adds_up else ", median"
    return Chart(
        title,
        "stack" if adds_up else "lines",
        unit,
        tuple(name for name, _ in shown),
        tuple(_receipts(address, name, {}) for name, _ in shown),
        tuple(row(at, start) for at, start in enumerate(series.starts)),
        _AXES[unit] + per,
        f"time, one {'bar' if adds_up else 'point'} per {length_of(series.bucket)}",
    )


def _receipts(address: Address, name: Name, times: Mapping[str, str]) -> str:
    return "" if name.filters is None else address.receipts(**name.filters, **times)


def _values(unit: Unit, points: Sequence[Figures], series: Series) -> list[float | None]:
    if unit == "share":
        return [
            point.requests / total.requests if total.requests else 0.0
            for point, total in zip(points, series.total, strict=True)
        ]
    return [_VALUES[unit](point) for point in points]


def _foremost(lines: Lines) -> Lines:
    """The first lines, and all the others as one."""
    if len(lines) <= _MOST_LINES:
        return lines
    rest = zip(*(points for _, points in lines[_MOST_LINES - 1 :]), strict=True)
    return (*lines[: _MOST_LINES - 1], (REST, tuple(reduce(add, each) for each in rest)))


def _served(lines: Lines) -> Lines:
    """The first lines that belong to a provider."""
    return tuple(each for each in lines if not each[0].is_grey)[:_MOST_CURVES]
