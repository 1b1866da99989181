"""Attributes each preference to its source: the policy, the request itself, or both.

One `provider` object is sent for all sides, and it no longer shows which side set each field. So
each side is kept as it was before they were joined, and evaluated alone: a side is behind a value
that is its own (`held`), and behind the drop of an endpoint that its preferences alone would drop
(`app/policy/forecast/blame.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import MalformedBody
from ..exact_numbers import exact
from .bar import Bar
from .fields import BY_KEY
from .merge import Conflict, Tiers, fill, stated, takes_one, tighten
from .policy_preferences import Origins
from .rule import Clause, named
from .tags import NO_TIERS

Preferences = Mapping[str, Any]

REQUEST = "the request itself"


@dataclass(frozen=True, slots=True)
class Side:
    """The preferences of one side, and the clauses behind each field.

    The policy is one side for each model that a request lists. The request's own `provider` object
    has no clauses behind it: its `origins` is None.
    """

    preferences: Preferences
    origins: Origins | None = None
    bars: tuple[Bar, ...] = ()  # the scores and audits that narrowed them
    whole: Preferences | None = None  # of a `merge: fill` policy: all values, also overridden ones

    @property
    def stated(self) -> Preferences:
        """All of this side's preferences, including those that another side overrides."""
        return self.preferences if self.whole is None else self.whole

    @property
    def own(self) -> Preferences:
        """This side's preferences without what its bars add, each of which is a filter itself."""
        return self.bars[0].before if self.bars else self.preferences

    @property
    def is_request(self) -> bool:
        """Whether this is the request's own `provider` object."""
        return self.origins is None

    def bar(self, key: str) -> Bar | None:
        """This side's bar of a key."""
        return next((bar for bar in self.bars if bar.key == key), None)

    def clauses(self, *fields: str) -> tuple[Clause, ...]:
        """The clauses behind these fields, each once."""
        origins = self.origins or {}
        return tuple(dict.fromkeys(c for name in fields for c in origins.get(name, ())))


@dataclass(frozen=True, slots=True)
class Behind:
    """The cause of a value or a drop: clauses of the policy, the request itself, or both."""

    clauses: tuple[Clause, ...] = ()
    request: bool = False

    def __bool__(self) -> bool:
        """Whether anything is behind it."""
        return bool(self.clauses) or self.request

    def __str__(self) -> str:
        """Render as `rule "careful" (policies/default.yaml:12) and the request itself`."""
        return " and ".join(filter(None, (named(self.clauses), REQUEST * self.request)))


def sides_of(
    policy: Sequence[Side], merge: str, provider: Mapping[str, Any] | None
) -> tuple[Side, ...]:
    """The sides of a request, each with those of its preferences that apply under `merge`.

    `policy` has a side for each model that is under a policy, `provider` is the request's own.
    """
    theirs = {} if merge == "replace" else stated(provider or {})
    if merge == "fill":
        policy = [_filling(side, theirs) for side in policy]
    distinct = [side for place, side in enumerate(policy) if side not in policy[:place]]
    return (*distinct, *((Side(theirs),) if theirs else ()))


def _filling(side: Side, theirs: Preferences) -> Side:
    """A side of the policy without the values that the request sets, by price and by option."""
    kept = _left_by(theirs, side.preferences)
    bars = tuple(
        replace(bar, before=_left_by(theirs, bar.before))
        for bar in side.bars
        if bar.becomes not in theirs
    )
    return Side(kept, side.origins, bars, whole=side.preferences)


def _left_by(theirs: Preferences, preferences: Preferences) -> Preferences:
    kept = dict(preferences)
    if "sort" in theirs:
        kept.pop("order", None)
    for name in kept.keys() & theirs.keys():
        theirs_too = theirs[name] if name in {"max_price", "options"} else None
        keys = kept.pop(name)
        if isinstance(theirs_too, Mapping):
            kept[name] = {key: value for key, value in keys.items() if key not in theirs_too}
    return kept


def rejoined(
    sides: Sequence[Side], merge: str = "tighten", tiers: Tiers = NO_TIERS
) -> Preferences | None:
    """The joined preferences of these sides; None if they can't be joined.

    They can't if they contradict each other, or have a value that must be read and can't be.
    """
    met, *others = (replace(side, preferences=side.stated) for side in sides)
    for other in others:
        join = fill if other.is_request and merge == "fill" else tighten
        turned = takes_one(other.preferences) and not other.is_request
        ours, theirs = (other, met) if turned else (met, other)
        try:
            joined = join(ours.preferences, theirs.preferences, tiers)
        except MalformedBody:
            return None
        if isinstance(joined, Conflict):
            return None
        met = replace(met, preferences=joined)
    return met.preferences


# --- the side behind a value ------------------------------------------------------------------

# Fields that may suppress a field.
_SILENCED_BY: Mapping[str, tuple[str, ...]] = {"sort": ("order",), "order": ("only", "ignore")}


def held(name: str, sent: Any, sides: Sequence[Side]) -> Behind:
    """The sides whose value of a field is sent; if it is no side's, all sides that set the field.

    Prices, options and percentiles are compared by key, and the providers to ignore one by one. If
    a field is not sent (None), or no side sets it, returns the sides that suppress it.
    """
    stating = [side for side in sides if _said(name, side) is not None and sent is not None]
    holding = [side for side in stating if _holds(name, _said(name, side), sent)]
    found = [(side, name) for side in holding or stating] or _silencing(name, sides)
    clauses = dict.fromkeys(c for side, each in found for c in _clauses(each, side, sent))
    return Behind(tuple(clauses), any(side.is_request for side, _ in found))


def _silencing(name: str, sides: Sequence[Side]) -> list[tuple[Side, str]]:
    """The sides that keep a field from being sent, each with the field by which it does."""
    policy = [side for side in sides if not side.is_request]
    alone = [side for side in policy if takes_one(side.preferences)] if name == "order" else []
    if alone:
        return [(side, "allow_fallbacks") for side in alone]
    names = _SILENCED_BY.get(name, ())
    return [(side, each) for each in names for side in sides if _said(each, side) is not None]


def _said(name: str, side: Side) -> Any:
    """A side's value of a field; an order without fallbacks is an `only` as well."""
    strict = name == "only" and side.preferences.get("allow_fallbacks") is False
    return side.preferences.get(name, side.preferences.get("order") if strict else None)


def _holds(name: str, value: Any, sent: Any) -> bool:
    if name == "ignore" and isinstance(value, list):
        return any(entry in (sent or ()) for entry in value)
    if name in BY_KEY:
        return bool(_keys_held(value, sent))
    return bool(value == sent)


def _clauses(name: str, side: Side, sent: Any) -> tuple[Clause, ...]:
    if name == "only" and name not in side.preferences:
        return side.clauses("order", "allow_fallbacks")
    clauses = side.clauses(name)
    if name != "max_price":
        return clauses
    keys = _keys_held(side.preferences[name], sent)
    return tuple(clause for clause in clauses if clause.key.partition(".")[2] in keys)


def _keys_held(value: Any, sent: Any) -> set[str]:
    ours, theirs = _by_key(value), _by_key(sent)
    return {key for key in ours.keys() & theirs.keys() if _same(ours[key], theirs[key])}


def _by_key(value: Any) -> Mapping[str, Any]:
    """A value by its keys; a bare number is the median."""
    return value if isinstance(value, Mapping) else {"p50": value}


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal; a price may be written as a number or as a text."""
    number = exact(one)
    return bool(one == other) or (number is not None and number == exact(other))
