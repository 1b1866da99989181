"""The names of models in a request's fields, as they are sent."""

from collections.abc import Mapping

import msgspec

from ..errors import MalformedBody
from .request import UNREADABLE, Request
from .slices import edit, split

Names = Mapping[str, str]


def renamed(request: Request, sent_as: Names) -> dict[str, bytes | None]:
    """The changed fields for models that are sent under another name."""
    fields = request.fields
    changed: dict[str, bytes | None] = {}
    if request.model in sent_as and "model" in fields:
        changed["model"] = msgspec.json.encode(sent_as[request.model])
    if "models" in fields:
        listed = msgspec.json.decode(fields["models"]) or ()
        if not sent_as.keys().isdisjoint(listed):
            changed["models"] = msgspec.json.encode([sent_as.get(name, name) for name in listed])
    if "fallbacks" in fields and not sent_as.keys().isdisjoint(request.models[1:]):
        changed["fallbacks"] = _renamed_entries(fields["fallbacks"], sent_as)
    return changed


def _renamed_entries(raw: msgspec.Raw, sent_as: Names) -> bytes:
    """Anthropic's `fallbacks`, each entry otherwise unchanged."""
    try:
        entries = msgspec.json.decode(raw, type=list[msgspec.Raw])
        return b"[" + b",".join(_renamed_entry(bytes(entry), sent_as) for entry in entries) + b"]"
    except UNREADABLE as error:
        raise MalformedBody(f"fallbacks can't be read: {error}") from None


def _renamed_entry(entry: bytes, sent_as: Names) -> bytes:
    if not entry.startswith(b"{"):
        return entry
    body, fields = split(entry)
    name = msgspec.json.decode(fields["model"]) if "model" in fields else None
    if not isinstance(name, str) or name not in sent_as:
        return body
    return edit(body, fields, {"model": msgspec.json.encode(sent_as[name])})
