"""Applies a policy on routes that accept only a part of the `provider` object.

Rule 1  The keys that a route accepts are sent; no other key of the table `FIELDS` ever is.
Rule 2  A wish that a route doesn't accept is dropped, and the receipt says so.
Rule 3  A hard clause (one that excludes endpoints) that a route doesn't accept refuses the
        request, unless the rule says `routes: pass`: then it is dropped like a wish.
Rule 4  Batches accept `only`, so the clauses that a listing can decide are written there, as the
        tags of the endpoints that certainly satisfy all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from ..catalog.catalog import Listing, is_fresh
from ..catalog.endpoint import Endpoint
from ..errors import PolicyRefused
from .fields import FIELDS
from .filters import BY_LISTING, Asked
from .overruled import Overruled
from .route import Route
from .sides import Behind, Side, held
from .tags import means

Preferences = Mapping[str, Any]
Rows = tuple[Endpoint, ...] | None  # a model's endpoints; None: no fresh listing


@dataclass(frozen=True, slots=True)
class OtherRoute:
    """One route: the keys of `provider` that it accepts.

    `stream_field`: a field that upstream reads as a stream, so all others must come before it.
    """

    path: str
    accepts: frozenset[str]
    stream_field: str | None = None
    takes_tags: bool = False  # clauses that a listing can decide are sent as tags


class Carriage(NamedTuple):
    """The route of one request, and the known endpoints of its model."""

    route: OtherRoute
    rows: Rows = None


_ROWS = (
    OtherRoute(
        "/images", frozenset({"allow_fallbacks", "ignore", "only", "order", "sort", "options"})
    ),
    OtherRoute("/audio/speech", frozenset({"zdr", "data_collection", "options"})),
    OtherRoute("/audio/transcriptions", frozenset({"zdr", "data_collection", "options"})),
    OtherRoute("/videos", frozenset({"options"})),
    *(
        OtherRoute(
            path,
            frozenset({"only", "allow_fallbacks"}),
            stream_field="requests",
            takes_tags=True,
        )
        for path in ("/batches", "/beta/batches")  # the second is where they were first
    ),
)
OTHER_ROUTES: Mapping[str, OtherRoute] = MappingProxyType({row.path: row for row in _ROWS})

# The fields that a listing decides.
_LISTED = frozenset({"ignore", "quantizations", "max_price", "order"})

_NO_LISTING = "the listing of the model's endpoints is missing or over 24 hours old"
_NONE_INSIDE = "none of the model's listed endpoints certainly satisfies it"


def rows_of(listing: Listing | None, now: float) -> Rows:
    """The endpoints of a fresh listing, else None; `now` in seconds since the epoch."""
    return listing.endpoints if listing is not None and is_fresh(listing, now) else None


def is_hard(field: str, preferences: Preferences) -> bool:
    """Whether a field excludes endpoints with its value in `preferences`."""
    value, row = preferences[field], FIELDS.get(field)
    if field == "order":
        return bool(value) and preferences.get("allow_fallbacks") is False
    if row is None or row.showing == "wish":
        return False
    return bool(value) if row.showing == "judged" else value is not None and value != row.harmless


def carried(
    on: Carriage, preferences: Preferences, route: Route, sides: Sequence[Side]
) -> tuple[Preferences | None, tuple[Overruled, ...]]:
    """The preferences to send on this route, and those that are not sent.

    The same object if the route accepts all of it, None if it accepts nothing. Raises
    `PolicyRefused` for a hard clause that the route can't carry.
    """
    left = [name for name in preferences if name in FIELDS and name not in on.route.accepts]
    if not left:
        return preferences, ()
    sent = {name: value for name, value in preferences.items() if name not in left}
    hard = [name for name in left if is_hard(name, preferences)]
    resolved, why = _resolved(preferences, hard, on, sent) if on.route.takes_tags else ((), None)
    lost = [name for name in hard if name not in resolved]
    if lost and route.routes == "refuse":
        raise PolicyRefused(_refusal(on.route, lost, preferences, sides, why))
    told = tuple(
        Overruled(
            name,
            preferences[name],
            None,
            _rules(name, preferences, route, sides),
            _why(on.route, name in resolved, name in lost),
        )
        for name in left
    )
    return sent or None, told


def _rules(name: str, preferences: Preferences, route: Route, sides: Sequence[Side]) -> str:
    """The rules behind a field, or all of them if none sets it."""
    clauses = held(name, preferences[name], sides).clauses
    return ", ".join(dict.fromkeys(clause.rule for clause in clauses) or route.rules)


def _why(route: OtherRoute, resolved: bool, lost: bool) -> str:  # noqa: FBT001 - both named above
    why = f"POST {route.path} does not accept it"
    if resolved:
        return f"{why}; `only` lists the endpoints that satisfy it"
    return f"{why}, and the rule has `routes: pass`" if lost else why


def _refusal(
    route: OtherRoute,
    lost: Sequence[str],
    preferences: Preferences,
    sides: Sequence[Side],
    why: str | None,
) -> str:
    behind = {name: held(name, preferences[name], sides) for name in lost}
    wanted = "; ".join(_wanted(name, by) for name, by in behind.items())
    accepted = ", ".join(f"`{name}`" for name in sorted(route.accepts))
    return (
        f"{wanted}; POST {route.path} accepts only {accepted} in `provider`"
        f"{f', and {why}' if why else ''}; use a model without such a rule, or set "
        "`routes: pass` in the rule to send requests without it"
    )


def _wanted(name: str, by: Behind) -> str:
    """Render as `rule "r" (policies/default.yaml:3) requires quantization_floor`."""
    keys = dict.fromkeys(clause.key for clause in by.clauses)
    return f"{by or 'a preset'} requires {', '.join(keys) or name}"


# --- batches ----------------------------------------------------------------------------------


def _resolved(
    preferences: Preferences, hard: Sequence[str], on: Carriage, sent: dict[str, Any]
) -> tuple[tuple[str, ...], str | None]:
    """Write into `sent` an `only` that satisfies these fields: returns which, and why not the rest.

    A strict order is a closed list, so it binds like an `only`; `tighten` has joined the two.
    """
    only: list[str] = preferences.get("only") or []
    found: list[str] = []
    if "order" in hard:
        only = sent["only"] = only or preferences["order"]
        found.append("order")
    if "ignore" in hard and only and not _meet(only, preferences["ignore"]):
        found.append("ignore")
    rest = [name for name in hard if name in _LISTED and name not in found]
    if not rest:
        return tuple(found), None
    if on.rows is None:
        return tuple(found), _NO_LISTING
    tags = _tags(Asked(preferences={**preferences, "only": only}), on.rows)
    if not tags:
        return tuple(found), _NONE_INSIDE
    sent["only"] = tags
    return (*found, *rest), None


def _tags(asked: Asked, rows: Sequence[Endpoint]) -> list[str]:
    """The tags whose every row certainly passes: one tag may cover several rows."""
    inside = {place for place, row in enumerate(rows) if _is_inside(row, asked, rows)}
    tags = dict.fromkeys(rows[place].tag for place in sorted(inside))
    return [
        tag
        for tag in tags
        if all(place in inside for place, row in enumerate(rows) if means(tag, row) is not False)
    ]


def _is_inside(row: Endpoint, asked: Asked, rows: Sequence[Endpoint]) -> bool:
    """Whether an endpoint passes every filter that a listing decides."""
    return all(each.passes(asked, row, rows) is True for each in BY_LISTING if each.runs(asked))


def _meet(only: Sequence[str], ignore: Sequence[str]) -> bool:
    """Whether the two lists have entries for the same provider."""
    return not {_provider(entry) for entry in only}.isdisjoint(map(_provider, ignore))


def _provider(entry: str) -> str:
    return entry.lower().partition("/")[0]
