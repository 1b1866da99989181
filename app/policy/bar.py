"""Bar: a clause that admits endpoints by known facts about them, such as scores or audits.

Rule 1  A bar passes some entries and fails others; what no fact decides is unknown. The clause says
        what applies to the unknown: strictly it is excluded, laxly it is accepted.
Rule 2  A strict bar admits only what passes (an `only`), a lax one excludes only what fails (an
        `ignore`). Both are joined as any other list, so a bar can't widen anything. Service tiers
        are served where they are named, so an `only` has those that the rule itself names.
Rule 3  If no fact can be used, everything is unknown: a strict bar refuses the request.
Rule 4  Several bars in one rule all apply. Each is a filter of its own in the funnel.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from ..catalog.endpoint import Endpoint
from . import tags
from .merge import Conflict, Tiers, tighten
from .rule import Clause, named
from .tags import NO_TIERS

Preferences = Mapping[str, Any]

DENY, ALLOW = "deny", "allow"
UNKNOWNS = (DENY, ALLOW)  # strictest first
DAYS: Mapping[str, int] = {"d": 1, "w": 7}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar(ABC):
    """One clause over the facts of one model; `before` are the preferences that it narrows."""

    key: ClassVar[str]
    facts: ClassVar[str]  # what it requires, in words
    lax: ClassVar[str]  # the option that says what applies to the unknown

    clause: Clause
    value: Mapping[str, Any]  # of the clause, unless it is loosened
    before: Preferences
    tiers: Tiers = NO_TIERS
    entries: tuple[str, ...] = field(init=False, compare=False)  # of `becomes`, by slug or tag

    def __post_init__(self) -> None:
        """Find the entries that pass, or those that fail, once for many endpoints."""
        found = () if self.doubt else self.failing() if self.is_lax else self._nameable()
        object.__setattr__(self, "entries", tuple(found))

    def _nameable(self) -> list[str]:
        """The entries that pass, without service tiers: naming one would let it in (Rule 2)."""
        named_before = {*self.before.get("only", ()), *self.before.get("order", ())}
        return [
            entry
            for entry in self.passing()
            if entry in named_before or not tags.is_tier(entry, self.tiers)
        ]

    @property
    def is_lax(self) -> bool:
        """Whether the unknown is accepted."""
        return bool(self.value.get(self.lax) == ALLOW)

    @property
    def becomes(self) -> str:
        """The preference that it becomes."""
        return "ignore" if self.is_lax else "only"

    @property
    @abstractmethod
    def doubt(self) -> str | None:
        """Why no fact can be used; None if facts can."""

    @property
    @abstractmethod
    def unreached(self) -> str:
        """What nothing that is known has, and the way out."""

    @property
    @abstractmethod
    def told(self) -> str:
        """The facts that it applied, or why it applied none, for people."""

    @property
    @abstractmethod
    def source(self) -> str | None:
        """The facts that it applied, as evidence; None if it applied none."""

    @property
    @abstractmethod
    def command(self) -> str:
        """How to get facts: "run `pointsman ...`"."""

    @property
    @abstractmethod
    def accept(self) -> str:
        """How to accept the unknown: "write ... to accept ..."."""

    @abstractmethod
    def passing(self) -> Iterable[str]:
        """The entries of an `only` that pass."""

    @abstractmethod
    def failing(self) -> Iterable[str]:
        """The entries of an `ignore` that fail."""

    @property
    def refusal(self) -> str | None:
        """Why no provider passes; None if one may."""
        if self.entries or self.is_lax:
            return None
        place = named((self.clause,))
        if self.doubt:
            return f"{place} requires {self.facts}: {self.doubt}; {self.command}, or {self.accept}"
        return f"{place} leaves no provider: {self.unreached}"

    def admits(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint passes; an entry that may mean it is taken to mean it."""
        named_here = any(tags.means(each, endpoint) is not False for each in self.entries)
        return named_here != self.is_lax

    def over(self, before: Preferences) -> dict[str, Any] | Conflict:
        """Narrow other preferences by this bar."""
        name, entries = self.becomes, list(self.entries)
        if not entries and not self.is_lax:
            return Conflict(name, before.get(name, []), [])
        return tighten(before, {name: entries}, self.tiers)

    def loosened(self, value: Mapping[str, Any]) -> Self:
        """The same facts under another value."""
        return replace(self, value=value)


def narrowed(before: Preferences, bars: Iterable[Bar]) -> dict[str, Any] | Conflict:
    """Preferences narrowed by every bar; the first conflict if they can't be."""
    found: dict[str, Any] | Conflict = dict(before)
    for bar in bars:
        if not isinstance(found, Conflict):
            found = bar.over(found)
    return found


def max_days(value: Mapping[str, Any]) -> int | None:
    """The highest age of the facts in days; None: any age."""
    age = value.get("max_age")
    return None if age is None else int(age[:-1]) * DAYS[age[-1]]
