"""Applies a route to a request. Refusals happen here, before any socket opens."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import PolicyConflict
from .affinity import Stay, Turn, placed
from .as_sent import set_to
from .entries import is_entry, without
from .names import renamed
from .other_routes import Carriage, carried
from .overruled import Overruled, overruled
from .preferences import as_bytes, in_slugs, joined
from .presets import NO_PRESETS, Presets, hold, joined_with
from .refuse import refuse, stripped
from .request import Request
from .route import Route
from .sides import sides_of
from .slices import edit
from .terms import Terms, terms_of

Changes = dict[str, bytes | None]


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """The request to be sent to OpenRouter."""

    body: bytes  # the request's own object when nothing had to change
    model_sent: str
    preferences: Mapping[str, Any] | None  # the provider object as sent
    terms: Terms  # what the answer is judged by
    overruled: tuple[Overruled, ...]
    changed: tuple[str, ...]  # top-level fields that are sent otherwise than they came
    router_metadata: bool
    stay: Stay | None = None  # None: `affinity: off`, or a path without conversations


def apply(
    request: Request,
    route: Route,
    presets: Presets = NO_PRESETS,
    on: Carriage | None = None,
    turn: Turn | None = None,
) -> Outgoing:
    """Apply the route to the request, together with the presets that the request names.

    `on` is given if the upstream route accepts only a part of the `provider` object, `turn` if the
    conversation is to be kept at its host.

    Raises `PolicyConflict` if policy, caller and presets have nothing in common, `PolicyRefused`
    if the request uses something a rule refuses or its path can't carry what a rule requires,
    `SealedElsewhere` if sealed reasoning can't go back to its issuer, `MalformedBody` if a
    preference that must be read can't be.
    """
    if route.conflict:
        raise PolicyConflict(
            f"the policy allows no endpoint for {route.model_asked}: {route.conflict}"
        )
    refuse(request, route)
    if presets and route.matched:
        hold(route, presets)
    preferences = joined(request, route) if route.matched else request.provider
    lost: tuple[Overruled, ...] = ()
    if presets and route.matched:
        preferences, lost = joined_with(route, presets, preferences)
    lost = _overruled(request, route, preferences) + lost
    kept = None
    if turn is not None:
        kept = placed(request, route, preferences, turn, presets)
        preferences = kept.preferences
    if kept is not None and kept.terms is not None:
        terms = kept.terms
    else:
        terms = route.terms if preferences is route.preferences else terms_of(preferences)
    if on is not None and preferences and route.matched:
        asked = request.provider and in_slugs(request.provider, route.spelling)
        sides = sides_of(route.parts, route.merge, asked)
        preferences, dropped = carried(on, preferences, route, sides)
        lost += dropped
    encoded = kept.encoded if kept is not None else None
    changes = _changes(request, route, preferences, on, encoded) if route.matched else {}
    if turn is not None and kept is not None and kept.stay.hint:
        changes["session_id"] = b'"%b"' % (turn.digest or "").encode()
    return Outgoing(
        body=_written(request, changes, on) if changes else request.body,
        model_sent=route.model_sent,
        preferences=preferences,
        terms=terms,
        overruled=lost,
        changed=tuple(changes),
        router_metadata=route.router_metadata,
        stay=kept.stay if kept else None,
    )


def _written(request: Request, changes: Changes, on: Carriage | None) -> bytes:
    if request.form is not None:
        return request.form.edit(changes)
    return edit(request.body, request.fields, changes, on.route.stream_field if on else None)


def _overruled(
    request: Request, route: Route, preferences: Mapping[str, Any] | None
) -> tuple[Overruled, ...]:
    if not request.provider:
        return ()
    asked = in_slugs(request.provider, route.spelling) if route.matched else request.provider
    return overruled(asked, preferences, route)


def _changes(
    request: Request,
    route: Route,
    preferences: Mapping[str, Any] | None,
    on: Carriage | None,
    encoded: bytes | None,
) -> Changes:
    """The top-level fields whose value or position changes; None: left out.

    `encoded` are the preferences as JSON, if they have been encoded before.
    """
    wanted: Changes = {}
    if preferences is not None or request.provider:
        wanted["provider"] = encoded or as_bytes(preferences, request, route)
    if route.sent_as:
        wanted |= renamed(request, route.sent_as)
    if route.strip:
        gone = stripped(route)
        wanted |= dict.fromkeys(name for name in gone if not is_entry(name))
        wanted |= without(request.fields, filter(is_entry, gone))
    if wanted.get("models", b"") is None and not request.names_model:
        wanted["model"] = msgspec.json.encode(route.model_sent)
    for field, clause in route.set.items():
        wanted[field] = set_to(request.fields.get(field), clause)
    behind = _behind(request, on.route.stream_field) if on else frozenset()
    return {
        field: new
        for field, new in wanted.items()
        if new != _came(request, field) or field in behind
    }


def _behind(request: Request, stream_field: str | None) -> frozenset[str]:
    """The fields after the one that upstream reads as a stream: upstream does not see them."""
    names = list(request.fields)
    place = names.index(stream_field) + 1 if stream_field and stream_field in names else len(names)
    return frozenset(names[place:])


def _came(request: Request, field: str) -> bytes | None:
    raw = request.fields.get(field)
    return None if raw is None else bytes(raw)
