"""A request and its route: what is sent. Refusals happen here, before any socket opens."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from app.errors import PolicyConflict
from app.policy.merge import Conflict, fill, tighten
from app.policy.names import COUNTS_AS, name_sent, names
from app.policy.overruled import Overruled, overruled
from app.policy.refuse import refuse
from app.policy.request import Request
from app.policy.route import Route
from app.policy.rule import Clause
from app.policy.slices import edit, split


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What will be asked of OpenRouter."""

    body: bytes  # the request's own object when nothing had to change
    model_sent: str
    preferences: Mapping[str, Any] | None  # the provider object as sent
    overruled: tuple[Overruled, ...]
    changed: tuple[str, ...]  # top-level fields that differ from what the caller sent
    router_metadata: bool


def apply(request: Request, route: Route) -> Outgoing:
    """The request as the route wants it.

    Raises `PolicyConflict` if policy and caller have nothing in common, `PolicyRefused` if the
    request uses what a rule refuses, `MalformedBody` if a preference that must be read can't be.
    """
    if route.conflict:
        raise PolicyConflict(
            f"the policy for {route.model_asked} contradicts itself: {route.conflict}"
        )
    if not route.matched:
        preferences = request.provider
        changes: dict[str, bytes | None] = {}
    else:
        refuse(request, route)
        preferences = _preferences(request, route)
        changes = _changes(request, route, preferences)
    return Outgoing(
        body=edit(request.body, request.fields, changes),
        model_sent=name_sent(request.model, route),
        preferences=preferences,
        overruled=overruled(request.provider or {}, preferences or {}, route),
        changed=tuple(changes),
        router_metadata=route.router_metadata,
    )


# --- the provider object ----------------------------------------------------------------------


def _preferences(request: Request, route: Route) -> Mapping[str, Any] | None:
    """The policy's preferences joined with the caller's; None if nobody wants anything."""
    if request.provider is None or route.merge == "replace":
        return route.preferences or None
    met = _MERGES[route.merge](route.preferences, request.provider)
    if isinstance(met, Conflict):
        raise PolicyConflict(_conflict_text(met, route))
    return met or None


_MERGES = {"tighten": tighten, "fill": fill}


def _conflict_text(conflict: Conflict, route: Route) -> str:
    clauses = route.origins.get(conflict.field) or route.origins.get("only", ())
    named = " and ".join(dict.fromkeys(map(str, clauses)))
    ours, theirs = (msgspec.json.encode(side).decode() for side in (conflict.ours, conflict.theirs))
    if conflict.field == "ignore":
        return (
            f"`only` {ours} and `ignore` {theirs}, joined from {named} and the request's provider "
            "object, leave no provider; ask for one that the policy doesn't shut out"
        )
    return (
        f"{named} allows {conflict.field} {ours}, the request's provider object asks for {theirs}, "
        f"and they have nothing in common; ask for some of the former, or leave "
        f"provider.{conflict.field} out"
    )


def _provider_value(request: Request, route: Route, sent: Mapping[str, Any] | None) -> bytes | None:
    """The bytes of the provider object to send, the caller's own where they say the same."""
    if sent is None or sent is route.preferences:
        return route.encoded if sent else None
    asked, raw = request.provider or {}, bytes(request.fields["provider"])
    kept = sent.keys() == asked.keys() and all(sent[key] is asked[key] for key in sent)
    if _named_twice(raw):
        return msgspec.json.encode(sent)
    return raw if kept else msgspec.json.encode(_as_spelled(sent, asked, raw))


def _named_twice(raw: bytes) -> bool:
    """Whether a key comes twice at any depth, so that readers could disagree about it."""
    twice = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal twice
        twice = twice or len(dict(pairs)) < len(pairs)

    json.loads(raw, object_pairs_hook=look)
    return twice


def _as_spelled(sent: Mapping[str, Any], asked: Mapping[str, Any], raw: bytes) -> dict[str, Any]:
    """`sent` with the caller's own bytes for each value that is the caller's."""
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


# --- all fields -------------------------------------------------------------------------------


def _changes(
    request: Request, route: Route, preferences: Mapping[str, Any] | None
) -> dict[str, bytes | None]:
    """The top-level fields that are sent otherwise than they came; None: left out."""
    wanted: dict[str, bytes | None] = {
        "provider": _provider_value(request, route, preferences),
        **names(request, route),
        **{name: None for field in route.strip for name in COUNTS_AS.get(field, (field,))},
        **{field: _set_value(request, field, clause) for field, clause in route.set.items()},
    }
    return {
        field: value
        for field, value in wanted.items()
        if value != (bytes(request.fields[field]) if field in request.fields else None)
        and not (value is None and field == "provider" and request.provider is None)
    }


def _set_value(request: Request, field: str, clause: Clause) -> bytes:
    """A field's value as the policy sets it, in the caller's spelling if it is the same."""
    raw = request.fields.get(field)
    if raw is not None and _same(raw, clause.value):
        return bytes(raw)
    return msgspec.json.encode(clause.value)


def _same(raw: msgspec.Raw, value: Any) -> bool:
    try:
        return bool(msgspec.json.encode(msgspec.json.decode(raw)) == msgspec.json.encode(value))
    except msgspec.MsgspecError:
        return False
