"""Stats to what a template shows: tiles, charts, bars, distributions. PURE.

A chart is a table first: its numbers are in the page for everybody, and a script draws them.
Positions are percentages, since a page may not carry styles of its own.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from typing import Literal

from app.dashboard import formats
from app.ledger.histogram import Histogram
from app.ledger.receipt import iso
from app.ledger.stats import Figures, Group, Line, Series, Verdicts

Unit = Literal["share", "ms", "rate", "usd"]

_MOST_LINES = 8  # of bars on top of one another; more would be hard to tell apart
_MOST_CURVES = 5  # that cross one another
OTHERS = "others"
NOBODY = "nobody"

_ADDS_UP = frozenset({"share", "usd"})
_SHOWN: dict[Unit, Callable[[float | None], str]] = {
    "share": formats.percent,
    "ms": formats.duration,
    "rate": formats.rate,
    "usd": formats.dollars,
}


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time up to now, and how finely it is drawn."""

    word: str
    label: str
    length: timedelta
    points: int  # at most


PERIODS = (
    Period("1h", "1 hour", timedelta(hours=1), 40),
    Period("24h", "24 hours", timedelta(days=1), 30),
    Period("7d", "7 days", timedelta(days=7), 35),
    Period("30d", "30 days", timedelta(days=30), 35),
)
_BY_WORD = {period.word: period for period in PERIODS}


def period_of(word: str | None) -> Period:
    """The period of that name; a day, for any other."""
    return _BY_WORD.get(word or "", _BY_WORD["24h"])


# --- tiles ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure that matters, with what puts it into proportion."""

    label: str
    value: str
    note: str
    tone: Literal["", "good", "bad", "unsure"] = ""


def now_tiles(figures: Figures) -> tuple[Tile, ...]:
    """How things stand."""
    return (
        Tile("Requests", formats.count(figures.requests), _failures(figures)),
        kept_tile(figures.verdicts),
        Tile(
            "First token",
            formats.duration(figures.ttft_p50_ms),
            f"median; 95 of 100 within {formats.duration(figures.ttft_p95_ms)}",
        ),
        Tile(
            "Cost",
            formats.dollars(figures.cost_usd),
            f"{formats.dollars(figures.cost_per_1k_tokens)} per 1,000 tokens",
        ),
    )


def money_tiles(figures: Figures) -> tuple[Tile, ...]:
    """What it costs, and what saves or wastes."""
    return (
        Tile(
            "Cost", formats.dollars(figures.cost_usd), formats.plural(figures.requests, "request")
        ),
        Tile(
            "Per 1,000 tokens",
            formats.dollars(figures.cost_per_1k_tokens),
            f"{formats.count(figures.prompt_tokens)} prompt, "
            f"{formats.count(figures.completion_tokens)} completion",
        ),
        Tile(
            "From the cache",
            formats.percent(figures.cached_share),
            f"{formats.count(figures.cached_tokens)} prompt tokens were cached",
        ),
        Tile(
            "Provider flips",
            formats.count(figures.flips),
            f"{formats.dollars(figures.flip_usd)} for {formats.count(figures.flip_tokens)} tokens "
            "that a cache had",
            "unsure" if figures.flips else "",
        ),
    )


def kept_tile(verdicts: Verdicts) -> Tile:
    """How much of what was judged is kept; anything broken comes first."""
    judged = verdicts.kept + verdicts.broken + verdicts.unproven
    if not judged:
        return Tile("Policy kept", formats.UNKNOWN, "nothing to judge yet")
    share = formats.percent(verdicts.kept / judged)
    if verdicts.broken:
        note = (
            f"{formats.count(verdicts.broken)} broken, {formats.count(verdicts.unproven)} unproven"
        )
        return Tile("Policy kept", share, note, "bad")
    if verdicts.unproven:
        return Tile("Policy kept", share, f"{formats.count(verdicts.unproven)} unproven", "unsure")
    return Tile("Policy kept", share, f"all {formats.count(judged)} that were judged", "good")


def _failures(figures: Figures) -> str:
    parts = [
        f"{formats.count(number)} {word}"
        for number, word in ((figures.errors, "failed"), (figures.refused, "refused here"))
        if number
    ]
    return ", ".join(parts) or "none failed, none refused"


# --- bars -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a bar, of 100."""

    kind: str
    start: float
    width: float
    count: int


def verdict_parts(verdicts: Verdicts) -> tuple[Part, ...]:
    """The verdicts as stretches of one bar; what was not judged is left out."""
    counts = {"kept": verdicts.kept, "unproven": verdicts.unproven, "broken": verdicts.broken}
    whole = sum(counts.values())
    parts: list[Part] = []
    start = 0.0
    for kind, number in counts.items():
        if number:
            width = 100 * number / whole
            parts.append(Part(kind, start, width, number))
            start += width
    return tuple(parts)


# --- charts -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a chart, as it is drawn and as it is read."""

    value: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over time; `colours` number the palette, 0 is for what is not singled out."""

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


def ttft_chart(title: str, series: Series) -> Chart:
    """The median time to the first token of those who served most."""
    lines = _served(series.lines)
    medians = [[point.ttft_p50_ms for point in line.points] for line in lines]
    return _chart(title, "ms", lines, series.starts, medians)


def speed_chart(title: str, series: Series) -> Chart:
    """The median speed of those who served most."""
    lines = _served(series.lines)
    medians = [[point.tokens_per_second_p50 for point in line.points] for line in lines]
    return _chart(title, "rate", lines, series.starts, medians)


def _chart(
    title: str,
    unit: Unit,
    lines: Sequence[Line],
    starts: Sequence[datetime],
    columns: Sequence[Sequence[float | None]],
) -> Chart:
    shown = _SHOWN[unit]
    kind: Literal["stack", "lines"] = "stack" if unit in _ADDS_UP else "lines"
    rows = (
        (iso(start), tuple(Cell(column[at], shown(column[at])) for column in columns))
        for at, start in enumerate(starts)
    )
    names = tuple(name_of(line.names) for line in lines)
    colours = tuple(0 if name in {OTHERS, NOBODY} else at for at, name in enumerate(names, start=1))
    return Chart(title, kind, unit, names, colours, tuple(rows))


def _foremost(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The first lines, and all the others as one."""
    if len(lines) <= _MOST_LINES:
        return tuple(lines)
    rest = lines[_MOST_LINES - 1 :]
    points = tuple(
        reduce(add, together) for together in zip(*(r.points for r in rest), strict=True)
    )
    shares = tuple(sum(together) for together in zip(*(r.shares for r in rest), strict=True))
    return (*lines[: _MOST_LINES - 1], Line((OTHERS,), points, shares))


def _served(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The first lines that stand for somebody who served."""
    return tuple(line for line in lines if line.names != (None,))[:_MOST_CURVES]


# --- distributions ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a distribution, of 100 each way."""

    start: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Spread:
    """How one group's values are spread, on the axis that all share."""

    name: str
    colour: int
    columns: tuple[Column, ...]
    median_at: float
    median: str
    p95: str
    count: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Spreads:
    """Several distributions on one logarithmic axis."""

    title: str
    spreads: tuple[Spread, ...]
    ticks: tuple[Tick, ...]


_COLUMNS = 48
_STEPS = (1, 2, 5)
_FEWEST_TICKS_FOR_TENS = 7


def spreads_of(
    title: str,
    unit: Unit,
    groups: Iterable[Group],
    histogram_of: Callable[[Figures], Histogram],
) -> Spreads:
    """The distributions of those groups that have any values, in the groups' order."""
    shown = _SHOWN[unit]
    named = [(name_of(group.names), histogram_of(group.figures)) for group in groups]
    named = [(name, histogram) for name, histogram in named if histogram.count][:_MOST_LINES]
    bars = [bar for _, histogram in named for bar in histogram.bars()]
    if not bars:
        return Spreads(title, (), ())
    axis = _Axis(min(bar.low for bar in bars), max(bar.high for bar in bars))
    spreads = (
        Spread(
            name=name,
            colour=colour,
            columns=axis.columns(histogram),
            median_at=axis.at(histogram.percentile(50) or axis.low),
            median=shown(histogram.percentile(50)),
            p95=shown(histogram.percentile(95)),
            count=histogram.count,
        )
        for colour, (name, histogram) in enumerate(named, start=1)
    )
    return Spreads(title, tuple(spreads), tuple(Tick(axis.at(v), shown(v)) for v in axis.ticks()))


@dataclass(frozen=True, slots=True)
class _Axis:
    """A logarithmic axis from `low` to `high`, which are never the same."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value is, of 100."""
        return 100 * math.log(value / self.low) / math.log(self.high / self.low)

    def columns(self, histogram: Histogram) -> tuple[Column, ...]:
        """The histogram in columns of equal width, its highest one as high as can be."""
        heights = [0.0] * _COLUMNS
        for bar in histogram.bars():
            first, last = self.at(bar.low) * _COLUMNS / 100, self.at(bar.high) * _COLUMNS / 100
            for column in range(int(first), min(math.ceil(last), _COLUMNS)):
                overlap = min(last, column + 1) - max(first, column)
                heights[column] += max(overlap, 0) * bar.count / (last - first)
        highest = max(heights)
        width = 100 / _COLUMNS
        return tuple(
            Column(at * width, width, 100 * height / highest)
            for at, height in enumerate(heights)
            if height
        )

    def ticks(self) -> list[float]:
        """Round values on the axis: 1, 2 and 5 of each ten, or the tens where those are many."""
        tens = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        values = [step * 10.0**ten for ten in tens for step in _STEPS]
        inside = [value for value in values if self.low <= value <= self.high]
        if len(inside) < _FEWEST_TICKS_FOR_TENS:
            return inside
        return [value for value in inside if math.log10(value).is_integer()]
