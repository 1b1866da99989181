"""A score floor: the providers of a model whose benchmark scores are high enough.

Rule 1  A provider passes if it has a score at or above every floor, fails if one of its scores is
        below a floor, and is unscored otherwise. `unscored` decides for those, by default `deny`:
        the export leaves out runs with a score of zero, so the most broken provider has no score.
Rule 2  `deny` admits only the providers that pass (an `only`), `allow` excludes only those that
        fail (an `ignore`). Both are joined as any other list, so a floor can't widen anything.
Rule 3  If no scores are kept, or they are older than `max_age`, every provider is unscored, and
        `unscored` decides for all of them: under `deny` the request is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from app.catalog.endpoint import Endpoint
from app.catalog.scores import NAMED, Scored
from app.exact_numbers import exact, plainly
from app.policy import tags
from app.policy.merge import Conflict, Tiers, tighten
from app.policy.rule import Clause, named
from app.policy.tags import NO_TIERS

Preferences = Mapping[str, Any]

KEY = "score_floor"
OPTIONS = ("max_age", "unscored")
UNSCORED = ("deny", "allow")  # strictest first
DAYS: Mapping[str, int] = {"d": 1, "w": 7}
_FETCH = "run `pointsman scores fetch`"


@dataclass(frozen=True, slots=True)
class Bar:
    """A score floor over one model's scores; `before` are the preferences that it narrows."""

    clause: Clause
    value: Mapping[str, Any]  # of the clause, unless it is loosened
    scored: Scored
    before: Preferences
    tiers: Tiers = NO_TIERS
    entries: tuple[str, ...] = field(init=False, compare=False)  # of `becomes`, by slug or tag

    def __post_init__(self) -> None:
        """Find the providers that pass, or those that fail, once for many endpoints."""
        object.__setattr__(self, "entries", tuple(self._entries()))

    @property
    def floors(self) -> dict[str, Decimal]:
        """The lowest accuracy accepted, by benchmark."""
        floors = {name: exact(self.value[name]) for name in benchmarks(self.value)}
        return {name: least for name, least in floors.items() if least is not None}

    @property
    def allows_unscored(self) -> bool:
        """Whether providers without a score are accepted."""
        return bool(self.value.get("unscored") == "allow")

    @property
    def becomes(self) -> str:
        """The preference that it becomes."""
        return "ignore" if self.allows_unscored else "only"

    @property
    def doubt(self) -> str | None:
        """Why no score can be used; None if scores can."""
        most = max_days(self.value)
        if self.scored.date is None:
            return self.scored.why_none
        if most is not None and self.scored.age > most:
            return f"{self.scored} are {self.scored.age} days old, over {self.value['max_age']}"
        return None

    def _entries(self) -> list[str]:
        if self.doubt:
            return []
        scores = self.scores
        failing = [name for name in scores if self.falls_short(name)]
        if self.allows_unscored:
            return tags.with_tiers(failing, self.tiers)
        # A slug means all of a provider: none of its tags may fail, and its own failure is theirs.
        out = {*failing, *(name.partition("/")[0] for name in failing)}
        return [
            name
            for name, found in scores.items()
            if found.keys() >= self.floors.keys()
            and name not in out
            and name.partition("/")[0] not in failing
        ]

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
    def refusal(self) -> str | None:
        """Why no provider passes; None if one may."""
        if self.entries or self.allows_unscored:
            return None
        place = named((self.clause,))
        if self.doubt:
            return f"{place} requires benchmark scores: {self.doubt}; {_FETCH}, or {_ALLOW}"
        return f"{place} leaves no provider: {self.unreached}"

    @property
    def unreached(self) -> str:
        """What no provider has, and the way out."""
        least = ", ".join(f"{name} {plainly(floor)}" for name, floor in self.floors.items())
        return (
            f"none has a score of at least {least} in {self.scored}; lower the floor, or {_ALLOW}"
        )

    @property
    def source(self) -> str | None:
        """The scores that it applied, as evidence; None if it applied none."""
        scored = self.scored
        return None if self.doubt else f"scores {scored.date} sha256:{scored.checksum[:NAMED]}"

    @property
    def told(self) -> str:
        """The scores that it applied, or why it applied none, for people."""
        return f"{KEY} not applied: {self.doubt}" if self.doubt else f"{KEY} by {self.scored}"

    def admits(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint passes; an entry that may mean it is taken to mean it."""
        named_here = any(tags.means(each, endpoint) is not False for each in self.entries)
        return named_here != self.allows_unscored

    def over(self, before: Preferences) -> dict[str, Any] | Conflict:
        """Narrow other preferences by this floor."""
        name, entries = self.becomes, list(self.entries)
        if not entries and not self.allows_unscored:
            return Conflict(name, before.get(name, []), [])
        return tighten(before, {name: entries}, self.tiers)

    def loosened(self, value: Mapping[str, Any]) -> "Bar":
        """The same scores under another floor."""
        return replace(self, value=value)


_ALLOW = "write `unscored: allow` to accept providers without a score"


def benchmarks(value: Mapping[str, Any]) -> list[str]:
    """The benchmarks that a floor names."""
    return [name for name in value if name not in OPTIONS]


def max_days(value: Mapping[str, Any]) -> int | None:
    """The highest age of a floor's scores in days; None: any age."""
    age = value.get("max_age")
    return None if age is None else int(age[:-1]) * DAYS[age[-1]]
