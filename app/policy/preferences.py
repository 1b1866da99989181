"""The `provider` object of one request: the policy's joined with the caller's, and its bytes."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from ..catalog.catalog import Spelling
from ..catalog.providers import as_slug
from ..errors import PolicyConflict
from . import tags
from .merge import Conflict, fill, tighten
from .request import Request
from .route import Route
from .rule import named
from .slices import split

Preferences = Mapping[str, Any]

_MERGES = {"tighten": tighten, "fill": fill}
_NOBODY = (
    "the request's provider object leaves no provider, whatever the policy: its `only`, "
    "`ignore`, and `order` without fallbacks contradict each other"
)


def joined(request: Request, route: Route) -> Preferences | None:
    """The preferences to send to the router; None if neither policy nor caller has any.

    Raises `PolicyConflict` if the two have nothing in common, and `MalformedBody` if a field of
    the caller must be read and can't be.
    """
    if request.provider is None or route.merge == "replace":
        return route.preferences or None
    asked, tiers = in_slugs(request.provider, route.spelling), route.spelling.tiers
    met = _MERGES[route.merge](route.preferences, asked, tiers)
    if isinstance(met, Conflict):
        by_itself = isinstance(tighten({}, asked, tiers), Conflict)
        raise PolicyConflict(_NOBODY if by_itself else _conflict_text(met, route, asked))
    return met or None


_NAMING = ("only", "order", "ignore")


def in_slugs(asked: Preferences, spelling: Spelling) -> Preferences:
    """A caller's preferences with slugs for display names; the same object if it has none.

    Upstream may not know "Amazon Bedrock", but it clearly names a provider.
    """
    more = dict(spelling.slugs)
    changed: dict[str, Any] = {}
    for field in _NAMING:
        entries = asked.get(field)
        if isinstance(entries, list):
            slugs = [as_slug(each, more) if isinstance(each, str) else each for each in entries]
            if slugs != entries:
                changed[field] = list(dict.fromkeys(slugs)) if _all_texts(slugs) else slugs
    return {**asked, **changed} if changed else asked


def _all_texts(entries: list[Any]) -> bool:
    return all(isinstance(each, str) for each in entries)


def as_bytes(preferences: Preferences | None, request: Request, route: Route) -> bytes | None:
    """The object to send, with the caller's own bytes for the caller's own values."""
    if preferences is None:
        return None
    if preferences is route.preferences:
        return route.encoded
    if request.provider is None:
        return msgspec.json.encode(preferences)  # a preset has joined it
    asked, raw = request.provider, bytes(request.fields["provider"])
    if _named_twice(raw):
        return msgspec.json.encode(preferences)
    kept = [field for field, value in preferences.items() if value is asked.get(field)]
    if len(kept) == len(preferences) == len(asked):
        return raw
    return msgspec.json.encode(_as_spelled(preferences, asked, raw))


def _named_twice(raw: bytes) -> bool:
    """Whether a key occurs twice at any depth, so that two readers could read different values."""
    twice = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal twice
        twice = twice or len(dict(pairs)) < len(pairs)

    json.loads(raw, object_pairs_hook=look)
    return twice


def _as_spelled(sent: Preferences, asked: Preferences, raw: bytes) -> dict[str, Any]:
    """`sent` with the caller's own bytes for each value that is the caller's own object."""
    _, theirs = split(raw)
    spelled: dict[str, Any] = {}
    for field, value in sent.items():
        wish = asked.get(field)
        if field in asked and value is wish:
            spelled[field] = theirs[field]
        elif isinstance(value, dict) and isinstance(wish, dict):
            spelled[field] = _as_spelled(value, wish, bytes(theirs[field]))
        else:
            spelled[field] = value
    return spelled


def _conflict_text(conflict: Conflict, route: Route, asked: Preferences) -> str:
    ours, theirs = map(_as_json, (conflict.ours, conflict.theirs))
    if conflict.field == "ignore":
        theirs = _as_json(tags.without_tiers(conflict.theirs))
        return (
            f"{_who(route, 'only', 'order', 'ignore')} and the request's provider object together "
            f"allow only {ours} and ignore {theirs}, so no provider is left; "
            "request a provider that the policy allows"
        )
    field = _field_at_odds(conflict, asked, route)
    ours_by = _who(route, *_binding(conflict.field, route))
    return (
        f"{ours_by} allows {conflict.field} {ours} and the request's "
        f"provider.{field} asks for {theirs}, which have nothing in common; request values "
        "that the policy allows, or "
        f"remove provider.{field}"
    )


def _binding(field: str, route: Route) -> tuple[str, ...]:
    """The policy's fields behind a conflict: an `order` binds only without fallbacks."""
    strict = field == "only" and route.preferences.get("allow_fallbacks") is False
    return (field, "order") if strict else (field,)


def _as_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _field_at_odds(conflict: Conflict, asked: Preferences, route: Route) -> str:
    """The caller's field in a conflict: an `order` without fallbacks binds like an `only`."""
    if conflict.field != "only":
        return conflict.field
    apart = (
        name
        for name in ("only", "order")
        if asked.get(name) and not tags.meet(conflict.ours, asked[name], route.spelling.tiers)
    )
    return next(apart, "only")


def _who(route: Route, *fields: str) -> str:
    """The clauses behind these fields."""
    clauses = [clause for field in fields for clause in route.origins.get(field, ())]
    return named(clauses)
