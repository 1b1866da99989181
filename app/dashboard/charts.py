"""Stats over time to charts. PURE.

A chart is a table first: its numbers are in the page for everybody, and a script draws them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Literal

from app.dashboard import formats
from app.ledger.gathering import joined
from app.ledger.receipt import iso
from app.ledger.stats import Line, Series

Unit = Literal["share", "ms", "rate", "usd"]

OTHERS = "others"
NOBODY = "provider not named"

_MOST_LINES = 8  # of bars on top of one another; more would be hard to tell apart
_MOST_CURVES = 5  # that cross one another
Colours = Mapping[str, int]  # numbers of the palette, by name

_GREYS = {OTHERS: 0, NOBODY: 9}
_ADDS_UP = frozenset({"share", "usd"})
SHOWN: dict[Unit, Callable[[float | None], str]] = {
    "share": formats.percent,
    "ms": formats.duration,
    "rate": formats.rate,
    "usd": formats.dollars,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a chart, as it is drawn and as it is read."""

    value: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over time; `colours` are the numbers of the palette's."""

    title: str
    kind: Literal["stack", "lines"]
    unit: Unit
    names: tuple[str, ...]
    colours: tuple[int, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]  # by the start of each bucket, oldest first

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(cell.value for _, cells in self.rows for cell in cells)


def name_of(names: Sequence[str | None]) -> str:
    """A group's name; a provider that is None is nobody at all."""
    return " \N{MIDDLE DOT} ".join(name or NOBODY for name in names)


def share_chart(title: str, series: Series) -> Chart:
    """Each group's share of the requests in each bucket."""
    lines = _foremost(series.lines)
    return _chart(title, "share", lines, series.starts, [line.shares for line in lines])


def cost_chart(title: str, series: Series) -> Chart:
    """What each group cost in each bucket."""
    lines = _foremost(series.lines)
    costs = [[float(point.cost_usd) for point in line.points] for line in lines]
    return _chart(title, "usd", lines, series.starts, costs)


def ttft_chart(title: str, series: Series, colours: Colours) -> Chart:
    """The median time to the first token of those who served most, in colours they have already."""
    lines = _served(series.lines)
    medians = [[point.ttft_p50_ms for point in line.points] for line in lines]
    return _chart(title, "ms", lines, series.starts, medians, given=colours)


def speed_chart(title: str, series: Series, colours: Colours) -> Chart:
    """The median speed of those who served most, in colours they have already."""
    lines = _served(series.lines)
    medians = [[point.tokens_per_second_p50 for point in line.points] for line in lines]
    return _chart(title, "rate", lines, series.starts, medians, given=colours)


def _chart(
    title: str,
    unit: Unit,
    lines: Sequence[Line],
    starts: Sequence[datetime],
    columns: Sequence[Sequence[float | None]],
    *,
    given: Colours | None = None,
) -> Chart:
    shown = SHOWN[unit]
    kind: Literal["stack", "lines"] = "stack" if unit in _ADDS_UP else "lines"
    rows = (
        (iso(start), tuple(Cell(column[at], shown(column[at])) for column in columns))
        for at, start in enumerate(starts)
    )
    names = tuple(name_of(line.names) for line in lines)
    known = dict(zip(names, count(1), strict=False)) | _GREYS if given is None else given
    colours = tuple(known.get(name, 0) for name in names)
    return Chart(title, kind, unit, names, colours, tuple(rows))


def _foremost(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The first lines, and all the others as one."""
    if len(lines) <= _MOST_LINES:
        return tuple(lines)
    return (*lines[: _MOST_LINES - 1], joined(lines[_MOST_LINES - 1 :], (OTHERS,)))


def _served(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The first lines that stand for somebody who served."""
    return tuple(line for line in lines if line.names != (None,))[:_MOST_CURVES]
