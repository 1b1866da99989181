"""The names of models in a request, as they are sent: aliases resolved, stripped parts cut off."""

from collections.abc import Mapping

import msgspec

from app.errors import PolicyRefused
from app.policy.request import Request
from app.policy.route import Route
from app.policy.slices import edit, split
from app.policy.slug import without_preset, without_variant

# A field that does the work of another one is stripped and refused with it.
COUNTS_AS: Mapping[str, tuple[str, ...]] = {"models": ("models", "fallbacks")}


def names(request: Request, route: Route) -> dict[str, bytes | None]:
    """The fields that name models, with aliases resolved and what is stripped cut off."""
    changed = {name: sent for name in request.models if (sent := name_sent(name, route)) != name}
    stripped = "models" in route.strip
    sent_as: dict[str, bytes | None] = {}
    if request.model in changed or ("model" not in request.fields and stripped):
        sent_as["model"] = msgspec.json.encode(changed.get(request.model, request.model))
    if changed and "models" in request.fields:
        listed = msgspec.json.decode(request.fields["models"])
        sent_as["models"] = msgspec.json.encode([changed.get(name, name) for name in listed or ()])
    if changed and "fallbacks" in request.fields:
        sent_as["fallbacks"] = _renamed_entries(request.fields["fallbacks"], changed)
    return sent_as


def _renamed_entries(raw: msgspec.Raw, changed: Mapping[str, str]) -> bytes:
    """Anthropic's `fallbacks`, each entry otherwise as it was."""
    entries = msgspec.json.decode(raw, type=list[msgspec.Raw])
    return b"[" + b",".join(_renamed(bytes(entry), changed) for entry in entries) + b"]"


def _renamed(entry: bytes, changed: Mapping[str, str]) -> bytes:
    if not entry.startswith(b"{"):
        return entry
    body, fields = split(entry)
    name = msgspec.json.decode(fields["model"]) if "model" in fields else None
    sent = changed.get(name) if isinstance(name, str) else None
    return edit(body, fields, {"model": msgspec.json.encode(sent)}) if sent else body


def name_sent(name: str, route: Route) -> str:
    """What a model is sent as. Raises `PolicyRefused` if stripping leaves no model."""
    if name in route.renamed:
        return route.renamed[name]
    sent = name
    if "preset" in route.strip:
        sent = without_preset(sent)
    if "plugins" in route.strip:
        sent = without_variant(sent, "online")
    if not sent:
        clause = route.strip["preset"]
        raise PolicyRefused(f"{clause} strips presets, and {name} is nothing else; name a model")
    return sent
