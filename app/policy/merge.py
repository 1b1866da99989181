"""Joins two `provider` objects: the policy's and the caller's, or those of two rules.

`tighten` guarantees that a caller may narrow and never widen: the result admits no endpoint that
either side refuses. The table `FIELDS` has how two values of a field are combined; three fields
can't be combined alone. `order` with `allow_fallbacks: false` is a closed list, so it binds like
an `only`; and an `order` is reduced to the entries that `only` and `ignore` admit. A policy's
`allow_fallbacks: false` without an order means one endpoint, so the caller's `order`, which would
make it a list, is left out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

from . import tags
from .fields import FIELDS, MEETS
from .meets import mapping, over, texts
from .tags import NO_TIERS

Preferences = Mapping[str, Any]
Tiers = Collection[str]  # tags that only a listing identifies as a service tier's


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two sides have nothing in common: the field, and each side's value."""

    field: str
    ours: Any
    theirs: Any


def tighten(
    ours: Preferences, theirs: Preferences, tiers: Tiers = NO_TIERS
) -> dict[str, Any] | Conflict:
    """Enforce both sides; among mere wishes (order, speed), the policy's go first.

    If a value is the caller's unchanged, it is the same object, so that its spelling can be
    kept. Raises `MalformedBody` if the caller's value must be read and can't be.
    """
    ours, theirs = stated(ours), stated(theirs)
    met = {**ours, **theirs}
    for field in ours.keys() & theirs.keys() & MEETS.keys():
        met[field] = MEETS[field](ours[field], theirs[field])
    if met.get("quantizations") == []:
        return Conflict("quantizations", ours["quantizations"], theirs["quantizations"])
    return _bound(met, ours, theirs, tiers)


def fill(
    ours: Preferences, theirs: Preferences, tiers: Tiers = NO_TIERS
) -> dict[str, Any] | Conflict:
    """The caller's value wins; the policy's fills absent values, by price and by option."""
    ours, theirs = stated(ours), stated(theirs)
    met = {**ours, **theirs}
    for field in ours.keys() & theirs.keys() & {"max_price", "options"}:
        met[field] = over(mapping(field, theirs[field]), ours[field])
    if "sort" in theirs and "order" not in theirs:
        met.pop("order", None)  # the policy's order would disable the caller's sort
    return settle(met, tiers)


def settle(preferences: Preferences, tiers: Tiers = NO_TIERS) -> dict[str, Any] | Conflict:
    """Return one consistent object that may be sent, or the conflict."""
    settled = dict(preferences)
    only, ignore = (texts(field, settled.get(field, [])) for field in ("only", "ignore"))
    if only and ignore:
        settled["only"] = _admitted(only, [], ignore, tiers)
        if not settled["only"]:
            return Conflict("ignore", only, ignore)
    if "order" in settled and (only or ignore):
        settled["order"] = _admitted(texts("order", settled["order"]), only, ignore, tiers)
    if settled.get("order"):
        settled.pop("sort", None)  # upstream ignores a sort beside an order
    return stated(settled)


def stated(preferences: Preferences) -> dict[str, Any]:
    """Preferences without null and empty lists, which have no effect, upstream or here."""
    return {
        field: value
        for field, value in preferences.items()
        if field not in FIELDS or (value is not None and value != [])
    }


def _bound(
    met: dict[str, Any], ours: Preferences, theirs: Preferences, tiers: Tiers
) -> dict[str, Any] | Conflict:
    """Restrict `only` and `order` to every binding list of either side."""
    if "order" in ours:
        met["order"] = ours["order"]
    elif takes_one(ours):
        met.pop("order", None)
    our_bounds, their_bounds = _bounds(ours), _bounds(theirs)
    bounds = our_bounds + their_bounds
    only = _meet_all(bounds, tiers)
    if bounds and not only:
        return Conflict("only", _meet_all(our_bounds, tiers), _meet_all(their_bounds, tiers))
    if only:
        met["only"] = theirs["only"] if only == theirs.get("only") else only
    settled = settle(met, tiers)
    if isinstance(settled, dict) and _is_strict(settled) and "only" in settled:
        if "only" in ours or "only" in theirs:
            settled["only"] = _admitted(settled["only"], settled["order"], [], tiers)
        else:
            del settled["only"]  # redundant: the order is already a closed list
    return settled


def takes_one(side: Preferences) -> bool:
    """Whether a side allows only the best endpoint: no order, and no fallbacks."""
    return side.get("allow_fallbacks") is False and not side.get("order")


def _is_strict(side: Preferences) -> bool:
    """Whether a side's `order` is a closed list, without fallbacks."""
    return side.get("allow_fallbacks") is False and "order" in side


def _bounds(side: Preferences) -> list[list[str]]:
    """The lists outside of which no endpoint passes."""
    fields = ["only"] if "only" in side else []
    if _is_strict(side):
        fields.append("order")
    return [texts(field, side[field]) for field in fields]


def _meet_all(bounds: Sequence[list[str]], tiers: Tiers) -> list[str]:
    return reduce(partial(tags.meet, tiers=tiers), bounds) if bounds else []


def _admitted(entries: list[str], only: list[str], ignore: list[str], tiers: Tiers) -> list[str]:
    """The entries that `only` and `ignore` admit; the list itself if they admit all of it."""
    inside = tags.meet(entries, only, tiers) if only else entries
    shut_out = tags.lowered(ignore)
    kept = [entry for entry in inside if not tags.covered(entry, shut_out, tiers)]
    return entries if kept == entries else kept
