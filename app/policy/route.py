"""The book's result for one request: model, preferences, and the source of each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import reduce
from typing import Any, NamedTuple, TypeVar

import msgspec

from ..catalog.catalog import PLAIN, Spelling
from ..exact_numbers import exact
from .bar import Bar
from .budgets import Budget
from .deadlines import DEADLINES, Deadlines, deadlines_of
from .merge import Conflict, takes_one, tighten
from .policy_preferences import Origins, Wishes, contradiction
from .rule import Clause
from .sides import Side
from .slug import read_slug, stands_for_others, without_preset, without_variant
from .terms import Terms, terms_of

MERGES = ("tighten", "replace", "fill")  # strictest first
PRESETS = ("refuse", "join", "pass")  # strictest first
ROUTES = ("refuse", "pass")  # strictest first
AFFINITIES = ("strict", "pin", "hint", "off")  # strictest first
PINNING = frozenset({"strict", "pin"})  # those that need to know the last turn's host
VIOLATIONS = ("block_unproven", "block", "log")  # strictest first

# The keys of a route that `origins` lists in addition to its preferences.
_OWN = (
    *("model", "merge", "on_violation", "router_metadata", "presets", "routes", "affinity"),
    *DEADLINES,
    "max_request_usd",
)

_Value = TypeVar("_Value")


class Cap(NamedTuple):
    """The most that one request may cost, and whether its answer is limited to keep to that."""

    usd: Decimal
    clamp: bool
    clause: Clause

    @classmethod
    def of(cls, standing: Mapping[str, Clause]) -> "Cap | None":
        """The cap in the clauses in force; None if there is none."""
        clause = standing.get("max_request_usd")
        if clause is None:
            return None
        told = clause.value if isinstance(clause.value, Mapping) else {"usd": clause.value}
        return cls(exact(told["usd"]) or Decimal(0), told.get("clamp", False), clause)

    def stricter(self, other: "Cap | None") -> "Cap":
        """The lower of two caps; of two equal ones, the one that refuses."""
        return self if other is None else min(self, other, key=lambda cap: (cap.usd, cap.clamp))


@dataclass(frozen=True, slots=True)
class Route:
    """The policy decisions for one request, made before its body is changed.

    `preferences` are the policy's own, before the caller's are joined to them. `origins` has the
    clauses behind each of them, and behind `model`, `merge`, `on_violation`, `router_metadata`,
    `presets`, `routes`, `affinity`, `max_request_usd` and each deadline.
    `set`, `strip` and `refuse` are by top-level field, `strip_headers` by name or prefix.
    """

    model_asked: str
    model_sent: str
    alias: str | None = None
    rules: tuple[str, ...] = ()  # most specific first
    preferences: Mapping[str, Any] = field(default_factory=dict)
    origins: Origins = field(default_factory=dict)
    merge: str = "tighten"
    set: Mapping[str, Clause] = field(default_factory=dict)
    strip: Mapping[str, Clause] = field(default_factory=dict)
    refuse: Mapping[str, Clause] = field(default_factory=dict)
    strip_headers: Mapping[str, Clause] = field(default_factory=dict)
    on_violation: str = "log"
    router_metadata: bool = True
    presets: str = "join"
    routes: str = "refuse"
    affinity: str = "off"
    deadlines: Deadlines | None = None
    budgets: tuple[Budget, ...] = ()  # of every rule; all of them hold
    cap: Cap | None = None  # of one request's cost
    conflict: str | None = None  # the rules contradict each other, so nothing can be sent
    aliases: frozenset[str] = frozenset()  # among all the models asked
    sent_as: Mapping[str, str] = field(default_factory=dict)  # models asked under another name
    encoded: bytes = field(default=b"{}", repr=False, compare=False)  # the preferences as JSON
    terms: Terms = field(default=Terms(), repr=False, compare=False)  # what answers are judged by
    spelling: Spelling = PLAIN  # from the models' listings, about tags and providers' names
    online: bool = False  # a model's name asks for OpenRouter's own web search
    bars: tuple[Bar, ...] = field(default=(), repr=False, compare=False)  # of all models
    stands_in: bool = False  # a model other than the one named may answer
    parts: tuple[Side, ...] = field(default=(), repr=False, compare=False)  # by model, not joined

    def names_sent(self, models: tuple[str, ...]) -> tuple[str, ...]:
        """The models that a request names, under the names that are sent upstream."""
        if not self.sent_as:
            return models
        return tuple(self.sent_as.get(name, name) for name in models)

    @property
    def matched(self) -> bool:
        """Whether any policy applies to this request."""
        return bool(self.rules or self.aliases)


def route_of(
    standing: Mapping[str, Clause],
    wishes: Wishes,
    *,
    asked: str,
    alias: str | None,
    rules: tuple[str, ...],
    spelling: Spelling = PLAIN,
    budgets: tuple[Budget, ...] = (),
) -> Route:
    """The route of one model, given the clauses in force for it, and the rules' budgets."""

    def value(key: str, default: Any) -> Any:
        return standing[key].value if key in standing else default

    return Route(
        model_asked=asked,
        model_sent=value("model", asked),
        alias=alias,
        rules=rules,
        preferences=wishes.preferences,
        origins=dict(wishes.origins) | {key: (standing[key],) for key in _OWN if key in standing},
        merge=value("merge", MERGES[0]),
        set=_under("set.", standing),
        strip=_under("strip.", standing),
        refuse=_under("refuse.", standing),
        strip_headers=_under("strip_headers.", standing),
        on_violation=value("on_violation", VIOLATIONS[-1]),
        router_metadata=value("router_metadata", default=True),
        presets=value("presets", "join"),
        routes=value("routes", "refuse"),
        affinity=value("affinity", AFFINITIES[-1]),
        deadlines=deadlines_of(standing),
        budgets=budgets,
        cap=Cap.of(standing),
        conflict=wishes.conflict,
        aliases=frozenset({asked} if alias else ()),
        spelling=spelling,
        bars=wishes.bars,
    )


def join(routes: Sequence[Route]) -> Route:
    """The route of a request that lists several models: the strictest value of each key applies.

    There is one `provider` object for all of them, so whichever model answers must be within
    the policy of every other one too (T-37).
    """
    joined = reduce(_join_two, routes)
    names = {each.model_asked: _name_sent(each, joined.strip) for each in routes}
    slugs = [read_slug(name) for name in names.values()]
    return replace(
        joined,
        model_sent=names[joined.model_asked],
        sent_as={asked: sent for asked, sent in names.items() if sent != asked},
        encoded=msgspec.json.encode(joined.preferences),
        terms=terms_of(joined.preferences),
        online=any("online" in slug.variants for slug in slugs),
        stands_in=any(map(stands_for_others, slugs)),
        parts=tuple(
            Side(each.preferences, each.origins, bars=each.bars) for each in routes if each.matched
        ),
    )


def _join_two(first: Route, other: Route) -> Route:
    origins = {
        key: tuple(dict.fromkeys((*first.origins.get(key, ()), *other.origins.get(key, ()))))
        for key in {**first.origins, **other.origins}
    }
    spelling = first.spelling | other.spelling
    # One endpoint without fallbacks stays one: the other side's order must not make a list of it.
    turned = takes_one(other.preferences)
    ours, theirs = (other, first) if turned else (first, other)
    met = tighten(ours.preferences, theirs.preferences, spelling.tiers)
    apart = contradiction(met, origins) if isinstance(met, Conflict) else None
    return replace(
        first,
        rules=tuple(dict.fromkeys((*first.rules, *other.rules))),
        preferences={} if isinstance(met, Conflict) else met,
        origins=origins,
        merge=_strictest(MERGES, first.merge, other.merge),
        set={**other.set, **first.set},
        strip={**other.strip, **first.strip},
        refuse={**other.refuse, **first.refuse},
        strip_headers={**other.strip_headers, **first.strip_headers},
        on_violation=_strictest(VIOLATIONS, first.on_violation, other.on_violation),
        router_metadata=first.router_metadata or other.router_metadata,
        presets=_strictest(PRESETS, first.presets, other.presets),
        routes=_strictest(ROUTES, first.routes, other.routes),
        affinity=_strictest(AFFINITIES, first.affinity, other.affinity),
        deadlines=first.deadlines.tightest(other.deadlines) if first.deadlines else other.deadlines,
        budgets=tuple(dict.fromkeys((*first.budgets, *other.budgets))),
        cap=first.cap.stricter(other.cap) if first.cap else other.cap,
        conflict=first.conflict or other.conflict or apart,
        aliases=first.aliases | other.aliases,
        spelling=spelling,
        bars=(*first.bars, *other.bars),
    )


def _strictest(ranked: Sequence[str], *values: str) -> str:
    return min(values, key=ranked.index)


def _under(prefix: str, standing: Mapping[str, _Value]) -> dict[str, _Value]:
    """The clauses under a prefix, by the rest of their keys."""
    return {
        key.removeprefix(prefix): clause
        for key, clause in standing.items()
        if key.startswith(prefix)
    }


def _name_sent(route: Route, strip: Mapping[str, Clause]) -> str:
    """A model's name without its stripped parts; empty if nothing else is left."""
    name = route.model_sent
    if "preset" in strip:
        name = without_preset(name)
    return without_variant(name, "online") if "plugins" in strip else name
