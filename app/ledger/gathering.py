"""Gathering: adds up tallies key by key to the figures of each group and the total. PURE."""

import operator
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import reduce

from .counting import Detail
from .stats import Dimension, Figures, Group, Line, Verdicts
from .tally import HISTOGRAMS, OTHERS, Key, Tally, total

MOST_GROUPS = 1_000  # in an answer; those with the fewest requests are added up as one

Names = tuple[str | None, ...]
Place = tuple[int, Names | None]  # a bucket of time and a group; None: all groups together


class Gathering:
    """Adds up tallies. Buckets of time are numbers whose meaning the caller defines."""

    def __init__(self, by: Sequence[Dimension]) -> None:
        self.by = tuple(by)
        self._tallies: dict[Place, list[Tally]] = defaultdict(list)
        self._verdicts: dict[Place, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._spread: dict[Place, list[int]] = defaultdict(lambda: [0, 0])

    def groups_of(self, key: Key | Detail) -> tuple[Names | None, ...]:
        """The places where the receipts of a key count: the total, and their groups."""
        return (None, *key.names(self.by))

    def add(self, bucket: int, key: Key | Detail, tally: Tally) -> None:
        """Add the tally of one key."""
        for names in self.groups_of(key):
            self._tallies[bucket, names].append(tally)
            self._verdicts[bucket, names][key.verdict or "none"] += tally.requests

    def add_spread(
        self, bucket: int, groups: Iterable[Names | None], ttft: int, speed: int
    ) -> None:
        """Add histograms that were left out of a tally; called in the innermost loop."""
        for names in groups:
            spread = self._spread[bucket, names]
            spread[0] += ttft
            spread[1] += speed

    def total(self, bucket: int = 0) -> Figures:
        """The total figures of a bucket."""
        return self._figures((bucket, None))

    def groups(self) -> tuple[Group, ...]:
        """The groups, most requests first."""
        whole = self.total().requests
        groups = (
            Group(names, figures, figures.requests / whole)
            for names in self._names()
            if (figures := self._figures((0, names))).requests
        )
        found = sorted(groups, key=lambda group: (-group.share, _as_text(group.names)))
        if len(found) <= MOST_GROUPS:
            return tuple(found)
        rest = found[MOST_GROUPS - 1 :]
        figures = reduce(operator.add, (group.figures for group in rest))
        share = sum(group.share for group in rest)
        return (*found[: MOST_GROUPS - 1], Group((OTHERS,) * len(self.by), figures, share))

    def lines(self, buckets: Sequence[int]) -> tuple[Line, ...]:
        """The groups over time, most requests first."""
        whole = [self.total(bucket).requests for bucket in buckets]
        lines = [
            Line(
                names,
                points := tuple(self._figures((bucket, names)) for bucket in buckets),
                tuple(
                    point.requests / of if of else 0.0
                    for point, of in zip(points, whole, strict=True)
                ),
            )
            for names in self._names()
        ]
        found = sorted(lines, key=lambda line: (-_requests(line), _as_text(line.names)))
        if len(found) <= MOST_GROUPS:
            return tuple(found)
        rest = joined(found[MOST_GROUPS - 1 :], (OTHERS,) * len(self.by))
        return (*found[: MOST_GROUPS - 1], rest)

    def _names(self) -> set[Names]:
        return {names for _, names in self._tallies if names is not None}

    def _figures(self, place: Place) -> Figures:
        if place not in self._tallies:
            return Figures()
        tally = total(self._tallies[place])
        ttft, speed = self._spread.get(place, (0, 0))
        added = {HISTOGRAMS[0]: tally.ttft + ttft, HISTOGRAMS[1]: tally.speed + speed}
        return Figures(tally._replace(**added), Verdicts(**self._verdicts[place]))


def joined(lines: Sequence[Line], names: Names) -> Line:
    """Add several lines up to one, under another name."""
    points = zip(*(line.points for line in lines), strict=True)
    shares = zip(*(line.shares for line in lines), strict=True)
    return Line(
        names, tuple(reduce(operator.add, each) for each in points), tuple(map(sum, shares))
    )


def _requests(line: Line) -> int:
    return sum(point.requests for point in line.points)


def _as_text(names: Names) -> tuple[str, ...]:
    return tuple(name or "" for name in names)
