"""What is behind the fall of an endpoint: which sides, and which of their clauses.

Rule 1  Each side is asked alone. One whose own preferences would let the endpoint fall is behind
        its fall, however the sides were joined; so both may be.
Rule 2  `only`, `ignore`, and an `order` without fallbacks stand in for one another: a joined
        `only` may be short because of what another side ignores.
Rule 3  Where no side would do it alone, one orders and another forbids fallbacks: both are.
Rule 4  What falls with no preferences at all falls by what the request needs, unless the policy
        has set that; or it is a row that only requests get which ask for it by its tag.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.catalog.endpoint import Endpoint
from app.policy.filters import FILTERS, Asked, Filter, caps_exceeded
from app.policy.merge import takes_one
from app.policy.precision import UNKNOWN
from app.policy.rule import Clause
from app.policy.sides import Behind, Side

_BY_NAME = {each.name: each for each in FILTERS}
_ORDER = _BY_NAME["order"]
_NAMES = (_BY_NAME["only"], _BY_NAME["ignore"], _ORDER)
_NEITHER = Side({})  # one that wants nothing
_BY_TAG = (_BY_NAME["regional_surcharge"], _BY_NAME["service_tier"])
# The filters at which a side alone may let an endpoint fall that falls at one of these.
_KIN: Mapping[str, tuple[Filter, ...]] = {
    **{each.name: _NAMES for each in _NAMES},
    "service_tier": (_BY_NAME["service_tier"], *_NAMES),  # an order shuts out a variant's tier
}


@dataclass(frozen=True, slots=True)
class Cause:
    """One filter, and the side by which an endpoint falls there; None: no preference's doing."""

    filter: Filter
    side: Side | None


def causes(
    each: Filter, asked: Asked, endpoint: Endpoint, everybody: Sequence[Endpoint]
) -> tuple[Cause, ...]:
    """What lets an endpoint fall at a filter, side by side."""
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
    """The sides that shut an endpoint out by what one orders and another forbids to leave."""
    ordering = next((side for side in asked.sides if "order" in side.preferences), None)
    forbidding = [s for s in asked.sides if s.preferences.get("allow_fallbacks") is False]
    if ordering is None or not forbidding or ordering in forbidding:
        return ()
    one = (s for s in forbidding if not s.is_request and takes_one(s.preferences))
    if asked.merge != "fill" and next(one, None):
        return ()  # that policy lets one endpoint answer: no other side's order holds beside it
    strict = {**ordering.preferences, "allow_fallbacks": False}
    falls = _ORDER.drops(replace(asked, preferences=strict), endpoint, everybody)
    return tuple(Cause(_ORDER, side) for side in (ordering, *forbidding)) if falls else ()


def behind(each: Filter, asked: Asked, endpoint: Endpoint, everybody: Sequence[Endpoint]) -> Behind:
    """The clauses by which an endpoint falls at a filter, and whether the request is behind it.

    Neither: the row is only for requests that ask for it by its tag.
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
    """Whether a row is only for requests that ask for it by its tag (openrouter.md §2.7)."""
    return bool(endpoint.tier) or asked.tells("regional_surcharge", endpoint) is False


def clauses_of(each: Filter, side: Side, asked: Asked, endpoint: Endpoint) -> tuple[Clause, ...]:
    """A side's clauses by which an endpoint falls: of several behind one field, those it fails."""
    clauses = side.clauses(*each.fields)
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
    """Whether a clause about precision shuts a label out, given the clauses that stand beside it.

    A floor speaks for `unknown` too, unless `unknown_quantization` does.
    """
    if clause.key == "quantization_floor":
        if label == UNKNOWN:
            return all(other.key != "unknown_quantization" for other in beside)
        return label is None or label not in ladder or ladder[label] < ladder[clause.value]
    if clause.key == "unknown_quantization":
        return label not in ladder and bool(clause.value != "allow")
    return label not in clause.value
