"""The way out of an empty funnel: the fewest changes that leave one endpoint.

Every endpoint is examined separately: which filters it fails, because of which side, and which
value each side would need instead. Of the ways with the fewest changes, the result is the one that
gives up least (`app/policy/forecast/ways.py` has the order), then the one to the nearest provider,
then the cheapest endpoint.
A way is reported only if it helps: the sides are joined again with its changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ...catalog.endpoint import Endpoint
from ..bar import narrowed
from ..bars import KEYS as BARS
from ..filters import FILTERS, Asked, Filter
from ..merge import Conflict
from ..prices import list_price
from ..rule import named
from ..sides import Side, rejoined
from .blame import causes, together
from .funnel import funnel
from .nearness import distance
from .ways import (
    NEED,
    NEEDS,
    PARAMETERS,
    PRECISION,
    PRICE,
    QUALITY,
    Change,
    Fall,
    changes_for,
)

_SEVERAL = 2
_AMOUNTS = (PRECISION, QUALITY, PARAMETERS, PRICE)  # compared one by one, the most harmful first


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Changes that, made together, admit one endpoint."""

    endpoint: Endpoint
    changes: tuple[Change, ...]

    def __str__(self) -> str:
        """Render for people, with the endpoint that it would admit."""
        return f"{' and '.join(self.texts)} (allows {self.endpoint.tag})"

    @property
    def texts(self) -> tuple[str, ...]:
        """The changes, each once: a pin is two preferences, but one clause."""
        return tuple(dict.fromkeys(map(str, self.changes)))


def smallest_relaxation(
    endpoints: Sequence[Endpoint], asked: Asked, *, first: Sequence[str] = ()
) -> Relaxation | None:
    """Find the smallest relaxation that leaves an endpoint in an empty funnel.

    The changes at the filters named in `first` come first. None if no endpoint is offered, or if
    no change of policy or request would leave one.
    """
    filters = sorted(FILTERS, key=lambda each: each.name not in first)
    ways = [Relaxation(e, _changes(asked, e, endpoints, filters)) for e in endpoints]
    named = _providers_named(asked)
    ways.sort(key=lambda way: _cost(way, named))
    return next((way for way in ways if _helps(way, asked, endpoints)), None)


def loosened(asked: Asked, changes: Sequence[Change]) -> Asked | None:
    """The constraints after these changes; None if the sides then contradict each other."""
    sides = tuple(_changed(side, changes) for side in asked.sides)
    preferences = rejoined(sides, asked.merge, asked.tiers)
    if preferences is None:
        return None
    needs = asked.needs
    for change in changes:
        if change.side is None:
            needs = replace(needs, **NEEDS[change.key][1])
    return replace(asked, preferences=preferences, sides=sides, needs=needs)


def _changed(side: Side, changes: Sequence[Change]) -> Side:
    bars = {bar.key: bar for bar in side.bars}
    said = dict(side.own if bars else side.stated)
    for change in changes:
        if change.side is not side:
            continue
        if change.key in BARS:
            bar = bars.pop(change.key)
            if change.value is not None:
                bars[change.key] = bar.loosened(change.value)
        else:
            name, _, part = change.key.partition(".")
            said[name] = {**said[name], part: change.value} if part else change.value
    kept = tuple(replace(bar, before=said) for bar in bars.values())
    met = narrowed(said, kept)
    return Side(said if isinstance(met, Conflict) else met, side.origins, kept)


def _helps(way: Relaxation, asked: Asked, endpoints: Sequence[Endpoint]) -> bool:
    """Whether an endpoint is left: a gentle filter may still prefer one that is dropped later."""
    loose = loosened(asked, way.changes) if way.changes else None
    return loose is not None and bool(funnel(endpoints, loose).survivors)


def _changes(
    asked: Asked, endpoint: Endpoint, everybody: Sequence[Endpoint], filters: Sequence[Filter]
) -> tuple[Change, ...]:
    found: dict[tuple[str, str, int], Change] = {}
    for each in filters:
        if each.gentle or not each.drops(asked, endpoint, everybody):
            continue
        found_here = causes(each, asked, endpoint, everybody)
        for cause in (*found_here, *together(asked, endpoint, everybody)):
            for change in changes_for(Fall(cause, asked, endpoint, everybody)):
                placed = _placed(change, asked)
                found.setdefault((placed.key, placed.text, id(placed.side)), placed)
    return tuple(found.values())


def _placed(change: Change, asked: Asked) -> Change:
    """A change with its place, if the models of one request are under several rules."""
    policy = [side for side in asked.sides if not side.is_request]
    if len(policy) < _SEVERAL or change.side not in policy:
        return change
    place = named(change.side.clauses(change.key.partition(".")[0]))
    return replace(change, text=f"{change.text} in {place}")


def _cost(
    way: Relaxation, named: Sequence[str]
) -> tuple[bool, int, int, tuple[Decimal, ...], float, Decimal, str]:
    changes = way.changes
    amounts = (
        sum((each.amount for each in changes if each.harm == harm), Decimal(0)) for harm in _AMOUNTS
    )
    return (
        any(each.harm == NEED for each in changes),
        len(way.texts),
        sum(each.harm for each in changes),
        tuple(amounts),
        distance(way.endpoint, named),
        list_price(way.endpoint),
        way.endpoint.tag,
    )


def _providers_named(asked: Asked) -> list[str]:
    """The providers that any side names, by slug or tag."""
    return [
        entry
        for side in asked.sides
        for name in ("only", "order")
        for entry in Asked(side.preferences).entries(name)
    ]
