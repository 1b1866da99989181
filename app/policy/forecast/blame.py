"""Attributes the drop of an endpoint to its causes: which sides, and which of their clauses.

Rule 1  Each side is evaluated alone. A side whose own preferences would drop the endpoint is a
        cause, however the sides were joined; so both sides may be causes.
Rule 2  A drop at `only`, at `ignore` or at an `order` without fallbacks may be due to any of the
        three: joined, an `only` may be short because of what another side ignores.
Rule 3  If no side alone drops it, one side's order and another's `allow_fallbacks: false` may do
        so together: then both sides are causes.
Rule 4  An endpoint that would be dropped without any preferences is dropped because of what the
        request needs, or of the clauses that set these fields; or only requests that name its
        tag use it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...catalog.endpoint import Endpoint
from ..bars import KEYS as BARS
from ..filters import FILTERS, Asked, Filter, caps_exceeded
from ..merge import takes_one
from ..precision import UNKNOWN
from ..rule import Clause
from ..sides import Behind, Side

_BY_NAME = {each.name: each for each in FILTERS}
_ORDER = _BY_NAME["order"]
_NAMES = (_BY_NAME["only"], _BY_NAME["ignore"], _ORDER)
_NEITHER = Side({})  # a side without preferences
_BY_TAG = (_BY_NAME["regional_surcharge"], _BY_NAME["service_tier"])
# For an endpoint dropped at one of these filters: the filters at which a side alone may drop it.
_KIN: Mapping[str, tuple[Filter, ...]] = {
    **{each.name: _NAMES for each in _NAMES},
    "service_tier": (_BY_NAME["service_tier"], *_NAMES),  # an order excludes a variant's tier
}


@dataclass(frozen=True, slots=True)
class Cause:
    """One filter, and the side that drops an endpoint there; None: not due to a preference."""

    filter: Filter
    side: Side | None


def causes(
    each: Filter, asked: Asked, endpoint: Endpoint, everybody: Sequence[Endpoint]
) -> tuple[Cause, ...]:
    """Return the causes, by side, of an endpoint's drop at a filter."""
    if each.drops(asked.alone(_NEITHER), endpoint, everybody):
        return (Cause(each, None),)
    alone = [
        Cause(other, side)
        for side in asked.sides
        for other in _KIN.get(each.name, (each,))
        if other.drops(asked.alone(side), endpoint, everybody)
    ]
    return tuple(alone) or together(asked, endpoint, everybody)


def together(asked: Asked, endpoint: Endpoint, everybody: Sequence[Endpoint]) -> tuple[Cause, ...]:
    """The sides that together exclude an endpoint: one sets an order, another forbids fallbacks."""
    ordering = next((side for side in asked.sides if "order" in side.preferences), None)
    forbidding = [s for s in asked.sides if s.preferences.get("allow_fallbacks") is False]
    if ordering is None or not forbidding or ordering in forbidding:
        return ()
    one = (s for s in forbidding if not s.is_request and takes_one(s.preferences))
    if asked.merge != "fill" and next(one, None):
        return ()  # that policy allows one endpoint: no other side's order applies
    strict = {**ordering.preferences, "allow_fallbacks": False}
    falls = _ORDER.drops(replace(asked, preferences=strict), endpoint, everybody)
    return tuple(Cause(_ORDER, side) for side in (ordering, *forbidding)) if falls else ()


def behind(each: Filter, asked: Asked, endpoint: Endpoint, everybody: Sequence[Endpoint]) -> Behind:
    """The clauses that drop an endpoint at a filter, and whether the request is a cause.

    If there is neither, only requests that name the endpoint's tag use it.
    """
    clauses: dict[Clause, None] = {}
    request = False
    for cause in causes(each, asked, endpoint, everybody):
        if cause.side is not None:
            clauses |= dict.fromkeys(clauses_of(cause.filter, cause.side, asked, endpoint))
            request = request or cause.side.is_request
        elif each not in _BY_TAG or not must_be_named(asked, endpoint):
            clauses |= dict.fromkeys(
                asked.set_by[name] for name in each.needs if name in asked.set_by
            )
            request = request or asked.set_by.keys().isdisjoint(each.needs)
    return Behind(tuple(clauses), request)


def must_be_named(asked: Asked, endpoint: Endpoint) -> bool:
    """Whether an endpoint has to be named: it has a service tier, or a regional surcharge.

    A request reaches it only by its tag, or by asking for its tier (openrouter.md §2.7).
    """
    return bool(endpoint.tier) or asked.tells("regional_surcharge", endpoint) is False


def clauses_of(each: Filter, side: Side, asked: Asked, endpoint: Endpoint) -> tuple[Clause, ...]:
    """A side's clauses that drop an endpoint: of prices and labels, those that exclude it."""
    clauses = side.clauses(*each.fields)
    if each in _NAMES:
        return tuple(clause for clause in clauses if clause.key not in BARS)  # filters of their own
    if each.name == "max_price":
        above = {f"max_price.{key}" for key in caps_exceeded(asked.alone(side), endpoint)}
        return tuple(clause for clause in clauses if clause.key in above)
    if each.name == "quantizations":
        label = endpoint.quantization
        return tuple(c for c in clauses if shuts_out(c, label, clauses, asked.ladder))
    return clauses


def shuts_out(
    clause: Clause, label: str | None, beside: Sequence[Clause], ladder: Mapping[str, float]
) -> bool:
    """Whether a clause about precision excludes a label, given the other clauses in force.

    A floor applies to `unknown` too, unless `unknown_quantization` is set.
    """
    if clause.key == "quantization_floor":
        if label == UNKNOWN:
            return all(other.key != "unknown_quantization" for other in beside)
        return label is None or label not in ladder or ladder[label] < ladder[clause.value]
    if clause.key == "unknown_quantization":
        return label not in ladder and bool(clause.value != "allow")
    return label not in clause.value
