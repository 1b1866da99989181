"""A score floor: the providers of a model whose benchmark scores are high enough.

Rule 1  A provider passes if it has a score at or above every floor, fails if one of its scores is
        below a floor, and is unscored otherwise. `unscored` decides for those, by default `deny`:
        the export leaves out runs with a score of zero, so the most broken provider has no score.
Rule 2  If no scores are kept, or they are older than `max_age`, every provider is unscored, and
        `unscored` decides for all of them: under `deny` the request is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from ..catalog.scores import NAMED, Scored
from ..exact_numbers import exact, plainly
from . import tags
from .bar import Bar, max_days

KEY = "score_floor"
OPTIONS = ("max_age", "unscored")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFloor(Bar):
    """A score floor over one model's scores."""

    key: ClassVar[str] = KEY
    facts: ClassVar[str] = "benchmark scores"
    lax: ClassVar[str] = "unscored"

    scored: Scored

    @property
    def floors(self) -> dict[str, Decimal]:
        """The lowest accuracy accepted, by benchmark."""
        floors = {name: exact(self.value[name]) for name in benchmarks(self.value)}
        return {name: least for name, least in floors.items() if least is not None}

    @property
    def doubt(self) -> str | None:
        """Why no score can be used; None if scores can."""
        most = max_days(self.value)
        if self.scored.date is None:
            return self.scored.why_none
        if most is not None and self.scored.age > most:
            return f"{self.scored} are {self.scored.age} days old, over {self.value['max_age']}"
        return None

    def failing(self) -> list[str]:
        """The providers with a score below a floor."""
        return tags.with_tiers(self._short(), self.tiers)

    def passing(self) -> list[str]:
        """The providers with every score high enough.

        A slug means all of a provider: none of its tags may fail, and its own failure is theirs.
        """
        failing = self._short()
        out = {*failing, *(name.partition("/")[0] for name in failing)}
        return [
            name
            for name, found in self.scores.items()
            if found.keys() >= self.floors.keys()
            and name not in out
            and name.partition("/")[0] not in failing
        ]

    def _short(self) -> list[str]:
        return [name for name in self.scores if self.falls_short(name)]

    @property
    def scores(self) -> dict[str, dict[str, Decimal]]:
        """The accuracy in each benchmark that has a floor, by provider."""
        found: dict[str, dict[str, Decimal]] = {}
        for row in self.scored.rows:
            if row.benchmark in self.floors:
                found.setdefault(row.provider, {})[row.benchmark] = row.accuracy
        return found

    def falls_short(self, provider: str) -> dict[str, Decimal]:
        """The scores of a provider that are below their floors."""
        found = self.scores.get(provider, {})
        return {name: score for name, score in found.items() if score < self.floors[name]}

    @property
    def command(self) -> str:
        """How to get scores."""
        return "run `pointsman scores fetch`"

    @property
    def accept(self) -> str:
        """How to accept providers without a score."""
        return "write `unscored: allow` to accept providers without a score"

    @property
    def unreached(self) -> str:
        """What no provider has, and the way out."""
        least = ", ".join(f"{name} {plainly(floor)}" for name, floor in self.floors.items())
        none = f"none has a score of at least {least} in {self.scored}"
        return f"{none}; lower the floor, or {self.accept}"

    @property
    def source(self) -> str | None:
        """The scores that it applied, as evidence; None if it applied none."""
        scored = self.scored
        return None if self.doubt else f"scores {scored.date} sha256:{scored.checksum[:NAMED]}"

    @property
    def told(self) -> str:
        """The scores that it applied, or why it applied none, for people."""
        return f"{KEY} not applied: {self.doubt}" if self.doubt else f"{KEY} by {self.scored}"


def benchmarks(value: Mapping[str, Any]) -> list[str]:
    """The benchmarks that a floor names."""
    return [name for name in value if name not in OPTIONS]
