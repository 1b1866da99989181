"""The policy's own `provider` object: from the clauses of all rules that apply to a request.

Clauses are flat (`max_price.prompt`, `refuse.plugins`), so one principle is enough: for each key,
the most specific layer's clause wins. As a result, lists of fields to strip or refuse are united,
`set` and `max_price` merge by key, and everything else is replaced. A pin is an `only` and an
`order` in one, and each of the two is replaced separately: a more specific `order` leaves the
pin's `only`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import tags
from .bar import Bar, narrowed
from .bars import KEYS, NO_FACTS, Facts, bars_of
from .fields import FIELDS
from .merge import Conflict, tighten
from .precision import Weights, at_least, lowest
from .rule import Clause, named

Origins = Mapping[str, tuple[Clause, ...]]
Standing = Mapping[str, Clause]
Layer = Mapping[str, Clause]

# The clauses that a conflict in a field is between.
_BETWEEN: Mapping[str, tuple[str, ...]] = {
    "ignore": ("only", "order", "ignore"),
    "only": ("only", "order"),
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """The preferences that a policy sends to the router."""

    preferences: Mapping[str, Any]
    origins: Origins
    conflict: str | None  # why no endpoint can satisfy them
    bars: tuple[Bar, ...] = ()  # the scores and audits that narrowed them


def cascade(layers: Iterable[Layer]) -> dict[str, Clause]:
    """The clauses in force, given the layers from the most specific to the most general."""
    standing: dict[str, Clause] = {}
    for layer in layers:
        standing |= {key: each for key, each in apart(layer).items() if key not in standing}
    return standing


def apart(layer: Layer) -> Layer:
    """A layer with its pin split into the two preferences that it stands for."""
    if "pin" not in layer:
        return layer
    pin = layer["pin"]
    others = {key: clause for key, clause in layer.items() if key != "pin"}
    return {"only": pin, "order": pin, **others}


def wishes_of(
    standing: Standing,
    weights: Weights,
    ladder: Mapping[str, float],
    tiers: Collection[str] = tags.NO_TIERS,
    facts: Facts = NO_FACTS,
) -> Wishes:
    """The preferences from the clauses in force, for a model whose weights are open or closed.

    `tiers`: the model's tags that its listing assigns to a service tier. `facts`: its benchmark
    scores and audits.
    """
    wanted: dict[str, Any] = {}
    origins: dict[str, tuple[Clause, ...]] = {}
    for key, clause in standing.items():
        field, _, part = key.partition(".")
        if field == "max_price":
            wanted[field] = {**wanted.get(field, {}), part: clause.value}
            origins[field] = (*origins.get(field, ()), clause)
        elif field in FIELDS:
            wanted[field], origins[field] = clause.value, (clause,)
    if "ignore" in wanted:
        wanted["ignore"] = tags.with_tiers(wanted["ignore"], tiers)
    labels = _labels(standing, weights, ladder)
    if labels is not None:
        wanted["quantizations"] = labels
        origins["quantizations"] = tuple(standing[key] for key in _PRECISION if key in standing)
    found = _settled(wanted, origins, tiers)
    bars = bars_of(standing, facts, found.preferences, tiers)
    return _narrowed(found, bars) if bars else found


def _narrowed(found: Wishes, bars: tuple[Bar, ...]) -> Wishes:
    """The preferences narrowed to the endpoints that pass every bar."""
    origins = {**found.origins, **{bar.key: (bar.clause,) for bar in bars}}
    for bar in bars:
        if bar.entries:
            origins[bar.becomes] = (*origins.get(bar.becomes, ()), bar.clause)
    why = found.conflict or next(filter(None, (bar.refusal for bar in bars)), None)
    met = narrowed(found.preferences, bars)
    if why is None and isinstance(met, Conflict):
        why = contradiction(met, origins)
    if why is not None or isinstance(met, Conflict):
        return Wishes({}, origins, why, bars)
    return Wishes(_in_order(met), origins, None, bars)


def _settled(wanted: Mapping[str, Any], origins: Origins, tiers: Collection[str]) -> Wishes:
    if wanted.get("quantizations") == []:
        return Wishes({}, origins, f"no quantization satisfies {named(origins['quantizations'])}")
    settled = tighten(wanted, {}, tiers)
    if isinstance(settled, Conflict):
        return Wishes({}, origins, contradiction(settled, origins))
    return Wishes(_in_order(settled), origins, None)


def _in_order(settled: Mapping[str, Any]) -> dict[str, Any]:
    """In one order whatever the order of rules: upstream's response cache counts key order."""
    return {key: settled[key] for key in FIELDS if key in settled}


def contradiction(conflict: Conflict, origins: Origins) -> str:
    """Name the clauses that contradict each other."""
    between = _BETWEEN.get(conflict.field, (conflict.field,))
    fields = [field for field in between if field in origins]
    clauses = [clause for field in fields for clause in origins[field]]
    keys = [clause.key for clause in clauses if clause.key in KEYS]
    told = dict.fromkeys((*fields, *keys))
    return f"{named(clauses)} contradict each other ({', '.join(told)})"


_PRECISION = ("quantization_floor", "unknown_quantization", "quantizations")


def _labels(standing: Standing, weights: Weights, ladder: Mapping[str, float]) -> list[str] | None:
    """The labels that pass the floor and the explicit list; None if all do.

    `unknown_quantization: deny` without a floor requires any declared label.
    """
    floor, unknown, listed = (standing.get(key) for key in _PRECISION)
    setting = unknown.value if unknown else "auto"
    unknown_ok = setting == "allow" or (setting == "auto" and weights == "closed")
    if floor is None and (unknown is None or unknown_ok):
        return [*listed.value] if listed else None
    least = floor.value if floor else lowest(ladder)
    passing = at_least(least, unknown_ok=unknown_ok, ladder=ladder)
    return [label for label in listed.value if label in passing] if listed else [*passing]
