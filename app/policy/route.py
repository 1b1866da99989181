"""What the book says for one request: model, preferences, and where each of them comes from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import msgspec

from app.catalog.catalog import Weights
from app.policy.merge import FIELDS, Conflict, settle, tighten
from app.policy.precision import LADDER, at_least, lowest
from app.policy.rule import Clause

Origins = Mapping[str, tuple[Clause, ...]]

MERGES = ("tighten", "replace", "fill")  # strictest first
VIOLATIONS = ("block_unproven", "block", "log")  # strictest first


@dataclass(frozen=True, slots=True)
class Route:
    """One request's lot, decided before its body is touched."""

    model_asked: str
    model_sent: str
    alias: str | None = None
    rules: tuple[str, ...] = ()  # most specific first
    preferences: Mapping[str, Any] = field(
        default_factory=dict
    )  # the policy's own `provider` object
    origins: Origins = field(
        default_factory=dict
    )  # of each preference, and of merge, on_violation, router_metadata
    merge: str = "tighten"
    set: Mapping[str, Clause] = field(default_factory=dict)  # by top-level field
    strip: Mapping[str, Clause] = field(default_factory=dict)
    refuse: Mapping[str, Clause] = field(default_factory=dict)
    on_violation: str = "log"
    router_metadata: bool = True
    renamed: Mapping[str, str] = field(
        default_factory=dict
    )  # aliases among all models asked, to their models
    conflict: str | None = None  # the rules themselves leave nothing; nothing can be sent
    encoded: bytes = field(default=b"", repr=False, compare=False)  # preferences as JSON

    @property
    def matched(self) -> bool:
        """Whether any policy speaks for this request."""
        return bool(self.rules or self.renamed)


def route_of(
    standing: Mapping[str, Clause],
    *,
    asked: str,
    sent: str,
    alias: str | None,
    rules: tuple[str, ...],
    weights: Weights,
    ladder: Mapping[str, float] = LADDER,
) -> Route:
    """The route that the standing clauses make for one model."""
    wanted, origins = _wanted(standing, weights, ladder)
    settled = settle(wanted)
    conflict = _contradiction(settled, origins) if isinstance(settled, Conflict) else None
    if wanted.get("quantizations") == []:
        conflict = f"no quantization passes {_named(origins['quantizations'])}"
    preferences = {} if isinstance(settled, Conflict) else settled
    return Route(
        model_asked=asked,
        model_sent=sent,
        alias=alias,
        rules=rules,
        preferences=preferences,
        origins=origins,
        merge=_value(standing, "merge", "tighten"),
        set=_below(standing, "set."),
        strip=_below(standing, "strip."),
        refuse=_below(standing, "refuse."),
        on_violation=_value(standing, "on_violation", "log"),
        router_metadata=_value(standing, "router_metadata", default=True),
        renamed={asked: sent} if asked != sent else {},
        conflict=conflict,
        encoded=msgspec.json.encode(preferences),
    )


def join(routes: Sequence[Route]) -> Route:
    """The route of a request that lists several models: the strictest of each thing holds.

    There is one `provider` object for all of them, so whichever model answers must be within
    the policy of every other one too (T-37).
    """
    return reduce(_join_two, routes)


def _join_two(first: Route, other: Route) -> Route:
    origins = _united(first.origins, other.origins)
    met = tighten(first.preferences, other.preferences)
    conflict = first.conflict or other.conflict
    if isinstance(met, Conflict):
        conflict = conflict or _contradiction(met, origins)
        met = {}
    return replace(
        first,
        rules=tuple(dict.fromkeys((*first.rules, *other.rules))),
        preferences=met,
        origins=origins,
        merge=_strictest(MERGES, first.merge, other.merge),
        set={**other.set, **first.set},
        strip={**other.strip, **first.strip},
        refuse={**other.refuse, **first.refuse},
        on_violation=_strictest(VIOLATIONS, first.on_violation, other.on_violation),
        router_metadata=first.router_metadata or other.router_metadata,
        renamed={**other.renamed, **first.renamed},
        conflict=conflict,
        encoded=msgspec.json.encode(met),
    )


def _wanted(
    standing: Mapping[str, Clause], weights: Weights, ladder: Mapping[str, float]
) -> tuple[dict[str, Any], dict[str, tuple[Clause, ...]]]:
    """The policy's preferences, and which clauses each of them comes from."""
    wanted: dict[str, Any] = {}
    origins: dict[str, tuple[Clause, ...]] = {}
    for key, clause in standing.items():
        name, _, part = key.partition(".")
        if key == "pin":
            wanted["only"] = wanted["order"] = clause.value
            origins["only"] = origins["order"] = (clause,)
        elif name == "max_price":
            wanted[name] = {**wanted.get(name, {}), part: clause.value}
            origins[name] = (*origins.get(name, ()), clause)
        elif name in FIELDS or name in {"merge", "on_violation", "router_metadata"}:
            origins[name] = (clause,)
            if name in FIELDS:
                wanted[name] = clause.value
    labels = _labels(standing, weights, ladder)
    if labels is not None:
        wanted["quantizations"], origins["quantizations"] = labels
    return wanted, origins


def _labels(
    standing: Mapping[str, Clause], weights: Weights, ladder: Mapping[str, float]
) -> tuple[list[str], tuple[Clause, ...]] | None:
    """The quantizations that pass the floor and the explicit list, if there are such.

    `unknown_quantization: deny` without a floor asks for any declared label.
    """
    floor, listed, unknown = (
        standing.get(key) for key in ("quantization_floor", "quantizations", "unknown_quantization")
    )
    unknown_ok = _unknown_ok(unknown, weights)
    if floor is None and (unknown is None or unknown_ok):
        return ([*listed.value], (listed,)) if listed else None
    said = tuple(clause for clause in (floor, unknown, listed) if clause)
    passing = at_least(
        floor.value if floor else lowest(ladder), unknown_ok=unknown_ok, ladder=ladder
    )
    if listed is None:
        return [*passing], said
    return [label for label in listed.value if label in passing], said


def _unknown_ok(clause: Clause | None, weights: Weights) -> bool:
    setting = clause.value if clause else "auto"
    return setting == "allow" or (setting == "auto" and weights == "closed")


def _contradiction(conflict: Conflict, origins: Origins) -> str:
    fields = {"ignore": ("only", "order", "ignore")}.get(conflict.field, (conflict.field,))
    clauses = dict.fromkeys(clause for each in fields for clause in origins.get(each, ()))
    return f"{_named(clauses)} leave nothing: {conflict.field} of one shuts out the other's"


def _named(clauses: Iterable[Clause]) -> str:
    return " and ".join(dict.fromkeys(str(clause) for clause in clauses))


def _value(standing: Mapping[str, Clause], key: str, default: Any) -> Any:
    return standing[key].value if key in standing else default


def _below(standing: Mapping[str, Clause], prefix: str) -> dict[str, Clause]:
    """The clauses under a prefix, by what follows it."""
    return {
        key.removeprefix(prefix): clause
        for key, clause in standing.items()
        if key.startswith(prefix)
    }


def _united(first: Origins, other: Origins) -> dict[str, tuple[Clause, ...]]:
    return {
        key: tuple(dict.fromkeys((*first.get(key, ()), *other.get(key, ()))))
        for key in {**first, **other}
    }


def _strictest(ranked: Sequence[str], *values: str) -> str:
    return min(values, key=ranked.index)
