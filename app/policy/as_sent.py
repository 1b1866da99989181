"""A request as it is sent: after rules have set and stripped its fields (T-50)."""

import msgspec
from msgspec.structs import replace

from .entries import is_entry, without
from .refuse import stripped
from .request import UNREADABLE, Request
from .route import Route
from .rule import Clause
from .slices import Fields

_NO_FIELDS: Fields = {}


def as_sent(request: Request, route: Route, brought: Fields = _NO_FIELDS) -> Request:
    """The request with every field as the route sets or strips it; the same object if none is.

    `brought` are fields from presets; the request's own fields take precedence. The models and the
    `provider` object are not changed here: see `Route.names_sent` and `apply`.
    """
    if not (route.set or route.strip or brought):
        return request
    gone, whole = stripped(route), {**brought, **request.fields}
    kept = {name: raw for name, raw in whole.items() if name not in gone}
    for name, left in without(kept, filter(is_entry, gone)).items():
        raw = kept.pop(name, None)
        kept |= {name: msgspec.Raw(left)} if raw is not None and left is not None else {}
    ours = {
        field: msgspec.Raw(set_to(request.fields.get(field), clause))
        for field, clause in route.set.items()
    }
    return replace(request, fields={**kept, **ours})


def set_to(raw: msgspec.Raw | None, clause: Clause) -> bytes:
    """A field's value as the policy sets it, in the caller's spelling if it says the same."""
    ours = msgspec.json.encode(clause.value)
    try:
        same = raw is not None and msgspec.json.encode(msgspec.json.decode(raw)) == ours
    except UNREADABLE:
        return ours
    return bytes(raw) if raw is not None and same else ours
