"""Keeps a conversation at the host that served its last turn, within what a policy allows.

Rule 1  A pin narrows or reorders what policy and caller leave, and never widens it: the endpoint
        goes to the front of `order`, reduced by `only` and `ignore` as every entry is.
Rule 2  Under `strict`, a request that replays sealed reasoning may be served only by the provider
        that issued it; if that is impossible, it is refused before anything is sent.
Rule 3  Not knowing is allowed: a conversation of which nothing is remembered is not pinned.
Rule 4  A client that orders endpoints by itself is left alone.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from ..catalog.endpoint import Endpoint
from ..errors import SealedElsewhere
from . import tags
from .fields import FIELDS
from .filters import BY_LISTING, Asked
from .merge import settle, tighten
from .presets import NO_PRESETS, Presets
from .request import Request, is_given
from .route import Route
from .routed import Routed
from .rule import named
from .sealed import replays_sealed
from .slug import read_slug
from .terms import Terms, terms_of

Preferences = Mapping[str, Any]

# Why a request is pinned, or isn't; `WHY` has them in words.
LAST_TURN = "last_turn"
SEALED = "sealed"
NO_SESSION = "no_session"
FIRST_TURN = "first_turn"
IDLE = "idle"
HOST_FAILED = "host_failed"
CLIENT_ORDERS = "client_orders"
OUTSIDE_POLICY = "outside_policy"
NOT_LISTED = "not_listed"
UNKNOWN_ISSUER = "unknown_issuer"
WHY: Mapping[str, str] = {
    LAST_TURN: "it served the last turn of this session",
    SEALED: "the request replays sealed reasoning that only this provider can read",
    NO_SESSION: "the request names no session",
    FIRST_TURN: "no earlier turn of this session is known",
    IDLE: "the last turn of this session was too long ago",
    HOST_FAILED: "the host failed in the last turn",
    CLIENT_ORDERS: "the client orders endpoints by itself",
    OUTSIDE_POLICY: "the host of the last turn is no longer within the policy",
    NOT_LISTED: "the host of the last turn no longer lists the model",
    UNKNOWN_ISSUER: "the request replays sealed reasoning, but its issuer is not known",
}
KEPT_ON = frozenset({"chat", "responses", "messages"})  # the dialects that have conversations
_SANDBOXES = ("bash", "shell")  # in a tool's type
_REMEMBERED = 4096
RECENT: "dict[tuple[object, ...], tuple[Route, object, Placed]]" = {}
_SORTING = frozenset({"nitro", "floor", "exacto"})  # variants by which a client sorts


class Host(NamedTuple):
    """A provider that served a turn, with the labels that were listed for it then."""

    provider: str  # a slug
    labels: tuple[str, ...] = ()


class Memory(NamedTuple):
    """What is remembered of a conversation with one model."""

    pin: Host | None = None
    why: str = FIRST_TURN  # why there is no pin
    issuer: Host | None = None  # that answered last, however long ago and whatever failed since


NOTHING_KNOWN = Memory()


class Turn(msgspec.Struct, frozen=True, gc=False):
    """What is known of the conversation when a request is about to be sent."""

    digest: str | None = None  # of its session; None: it names none
    memory: Memory = NOTHING_KNOWN
    rows: tuple[Endpoint, ...] | None = None  # of all models asked for; None: not all are known
    sealed: bool = False  # whether the request replays sealed reasoning
    sandboxed: bool = False  # whether a tool is offered whose sandbox lives per session


def turn_of(
    routed: Routed, digest: str | None, memory: Memory, rows: tuple[Endpoint, ...] | None
) -> Turn:
    """What is known of a conversation, with what the request itself says."""
    carriers = routed.carried.carriers
    return Turn(
        digest=digest,
        memory=memory,
        rows=rows,
        sealed=routed.route.affinity == "strict" and replays_sealed(routed.sent.fields),
        sandboxed=any(name in carrier for carrier in carriers for name in _SANDBOXES),
    )


class Stay(msgspec.Struct, frozen=True, gc=False):
    """What a rule's `affinity` has made of one request."""

    affinity: str
    hint: bool = False  # whether the session's digest is sent as `session_id`
    pinned_to: str | None = None  # a tag or a slug
    reason: str | None = None  # one of `WHY`
    fields: tuple[str, ...] = ()  # of the `provider` object that it changed


class Placed(msgspec.Struct, frozen=True, gc=False):
    """The preferences that keep a conversation at its host, and all that follows from them."""

    stay: Stay
    preferences: Preferences | None
    terms: Terms | None = None  # None: as without a pin
    encoded: bytes | None = None  # as JSON; None if the request has preferences of its own


def placed(
    request: Request,
    route: Route,
    preferences: Preferences | None,
    turn: Turn,
    presets: Presets = NO_PRESETS,
) -> Placed:
    """Return the preferences to send so that a conversation stays at its host.

    The same object if nothing changes. Raises `SealedElsewhere` if sealed reasoning can't go back
    to its issuer.
    """
    hint = turn.digest is not None and not turn.sandboxed and _lacks_session(request, route)
    if route.affinity == "hint":
        return Placed(Stay("hint", hint=hint), preferences)
    if request.provider is not None or presets or len(request.models) > 1:
        return _placed(request, route, preferences, turn, presets, hint=hint)
    # The policy alone decides, so the next turn of a conversation at this host is the same case.
    known = (turn.memory, turn.sealed, turn.digest is None)
    case = (id(route), id(turn.rows), request.models, hint, known)
    found = RECENT.get(case)
    if found is None or found[0] is not route or found[1] is not turn.rows:
        if len(RECENT) >= _REMEMBERED:
            RECENT.clear()
        fresh = _placed(request, route, preferences, turn, presets, hint=hint)
        found = RECENT[case] = (route, turn.rows, fresh)
    return found[2]


def _placed(
    request: Request,
    route: Route,
    preferences: Preferences | None,
    turn: Turn,
    presets: Presets,
    *,
    hint: bool,
) -> Placed:
    affinity, held = route.affinity, preferences or {}
    client_orders = _orders_by_itself(request, route, presets)
    if affinity == "strict" and turn.sealed and turn.memory.issuer is not None:
        found = _at_issuer(turn.memory.issuer, held, turn, route, first=not client_orders)
    else:
        found = _pinned(held, turn, route, client_orders=client_orders)
    if found.preferences is held:
        return Placed(Stay(affinity, hint=hint, reason=found.reason), preferences)
    changed = (name for name in ("only", "order") if found.preferences.get(name) != held.get(name))
    return Placed(
        Stay(affinity, hint, found.entry, found.reason, tuple(changed)),
        found.preferences,
        terms_of(found.preferences),
        None if request.provider else msgspec.json.encode(found.preferences),
    )


class _Found(NamedTuple):
    preferences: Preferences
    entry: str | None
    reason: str


def _pinned(held: Preferences, turn: Turn, route: Route, *, client_orders: bool) -> _Found:
    """The host of the last turn in front, if there is one and it may still serve."""
    host = turn.memory.pin
    if turn.digest is None:
        return _Found(held, None, NO_SESSION)
    if turn.sealed and route.affinity == "strict":
        return _Found(held, None, UNKNOWN_ISSUER)
    if host is None:
        return _Found(held, None, turn.memory.why)
    if client_orders:
        return _Found(held, None, CLIENT_ORDERS)
    entry, reason = _entry(host, held, turn.rows)
    if entry is None:
        return _Found(held, None, reason)
    first = _first(entry, held, route)
    return _Found(held, None, OUTSIDE_POLICY) if first is None else _Found(first, entry, LAST_TURN)


def _at_issuer(issuer: Host, held: Preferences, turn: Turn, route: Route, *, first: bool) -> _Found:
    """The issuer of sealed reasoning alone. Raises `SealedElsewhere` if it may not serve."""
    provider, tiers = issuer.provider, route.spelling.tiers
    bounds = held.get("only") or (held.get("order") if _is_closed(held) else None)
    own = tags.of_provider(bounds, provider) if bounds else [provider]
    only = tighten(held, {"only": own}, tiers) if own else None
    if not isinstance(only, dict):
        raise SealedElsewhere(_elsewhere(provider, OUTSIDE_POLICY, route))
    entry, reason = _entry(issuer, only, turn.rows)
    if entry is None:
        raise SealedElsewhere(_elsewhere(provider, reason, route))
    at_first = _first(entry, only, route) if first else None
    return _Found(at_first or only, entry, SEALED)


def _entry(
    host: Host, held: Preferences, rows: tuple[Endpoint, ...] | None
) -> tuple[str | None, str]:
    """The tag or slug of a host's endpoints that may serve; None if none may, with the reason.

    The tag if there is only one, among those with the labels that the last turn may have had.
    """
    terms = terms_of(held)
    if rows is None:
        outside = (terms.allows_provider(host.provider), terms.provider_in_order(host.provider))
        return (None, OUTSIDE_POLICY) if False in outside else (host.provider, LAST_TURN)
    own = [row for row in rows if row.provider == host.provider]
    if not own:
        return None, NOT_LISTED
    asked = Asked(preferences=held)
    left = [row for row in own if not any(each.drops(asked, row, rows) for each in BY_LISTING)]
    if not left:
        return None, OUTSIDE_POLICY
    named = {row.tag for row in left if row.quantization in host.labels}
    named = named or {row.tag for row in left}
    return (named.pop() if len(named) == 1 else host.provider), LAST_TURN


def _first(entry: str, held: Preferences, route: Route) -> Preferences | None:
    """The preferences with an entry in front of `order`; None if they don't admit it."""
    tiers = route.spelling.tiers
    order = list(held.get("order") or ())
    front = tags.meet([entry], order, tiers) if _is_closed(held) else [entry]
    new = [*front, *(each for each in order if each not in front)]
    settled = settle({**held, "order": new}, tiers) if front else None
    if not isinstance(settled, dict):
        return None
    first = settled.get("order", [""])[0]
    if not tags.covers(entry, first, tiers):
        return None
    return {name: settled[name] for name in (*FIELDS, *settled) if name in settled}


def _is_closed(held: Preferences) -> bool:
    """Whether `order` is a closed list."""
    return held.get("allow_fallbacks") is False and bool(held.get("order"))


def _orders_by_itself(request: Request, route: Route, presets: Presets) -> bool:
    """Whether the client, or a preset that it names, orders or sorts endpoints."""
    if any(_SORTING.intersection(read_slug(name).variants) for name in request.models):
        return True
    if route.merge == "replace":
        return False
    sides = (request.provider, *(getattr(each, "provider", None) for each in presets.values()))
    return any(side and (side.get("order") or side.get("sort")) for side in sides)


def _lacks_session(request: Request, route: Route) -> bool:
    """Whether a `session_id` may be added: neither the request nor a rule says anything of it."""
    ruled = (route.set, route.strip, route.refuse)
    return not is_given(request.fields.get("session_id")) and not any(
        "session_id" in each for each in ruled
    )


def _elsewhere(provider: str, reason: str, route: Route) -> str:
    behind = named(route.origins.get("affinity", ()))
    gone = {
        OUTSIDE_POLICY: "which the policy and the request no longer allow",
        NOT_LISTED: f"which no longer lists {route.model_sent}",
    }[reason]
    return (
        f"the request replays sealed reasoning issued by {provider}, {gone}, and no other provider "
        f"can read it ({behind} has `affinity: strict`); remove the sealed parts (encrypted "
        "reasoning, thinking blocks with a signature) from the history, start a new conversation, "
        "or wait until the provider is back"
    )
