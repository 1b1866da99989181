"""Distributions on one logarithmic axis. PURE."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..ledger.histogram import Histogram
from ..ledger.stats import Figures
from .address import Address
from .charts import SHOWN, Unit
from .names import Grouped

_MOST_SPREADS = 8
_COLUMNS = 48
_STEPS = (1, 2, 5)
_FEWEST_TICKS_FOR_TENS = 7


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a distribution, of 100 each way."""

    start: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of one group's values, on the axis shared by all groups."""

    name: str
    href: str
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


def spreads_of(
    title: str,
    unit: Unit,
    groups: Grouped,
    histogram_of: Callable[[Figures], Histogram],
    address: Address,
) -> Spreads:
    """The distributions of the groups that have values, in the groups' order."""
    shown = SHOWN[unit]
    named = [(name, histogram_of(figures)) for name, figures in groups if not name.is_grey]
    named = [(name, histogram) for name, histogram in named if histogram.count][:_MOST_SPREADS]
    bars = [bar for _, histogram in named for bar in histogram.bars()]
    if not bars:
        return Spreads(title, (), ())
    axis = _Axis(min(bar.low for bar in bars), max(bar.high for bar in bars))
    spreads = (
        Spread(
            name=name.text,
            href=address.receipts(**(name.filters or {})),
            colour=name.colour,
            columns=axis.columns(histogram),
            median_at=axis.at(histogram.percentile(50) or axis.low),
            median=shown(histogram.percentile(50)),
            p95=shown(histogram.percentile(95)),
            count=histogram.count,
        )
        for name, histogram in named
    )
    return Spreads(title, tuple(spreads), tuple(Tick(axis.at(v), shown(v)) for v in axis.ticks()))


@dataclass(frozen=True, slots=True)
class _Axis:
    """A logarithmic axis from `low` to `high`, which are never equal."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """The position of a value, of 100."""
        return 100 * math.log(value / self.low) / math.log(self.high / self.low)

    def columns(self, histogram: Histogram) -> tuple[Column, ...]:
        """The histogram in columns of equal width; the highest one has the full height."""
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
        """Round values on the axis: 1, 2 and 5 of each decade, or only the decades if too many."""
        tens = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        values = [step * 10.0**ten for ten in tens for step in _STEPS]
        inside = [value for value in values if self.low <= value <= self.high]
        if len(inside) < _FEWEST_TICKS_FOR_TENS:
            return inside
        return [value for value in inside if math.log10(value).is_integer()]
