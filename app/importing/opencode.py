"""opencode: `provider` of opencode.json, whose `models` have `options` that go into the request.

A provider's own `options` configure its client; `extraBody` in them goes into each request, and a
model's `provider` object completely replaces the one in `extraBody`. `options.provider` is read
too: people often write it, though opencode's OpenRouter client has no such option. A model's key
is its name in opencode; the request contains its `id`, if it has one.

Kilo Code's newer configuration, kilo.jsonc, has the same format.
"""

from collections.abc import Iterator

from ..policy.file.yaml_tree import Spot
from .entry import beside, everywhere, in_force, left_at
from .found import Found, Left, Provider, found_as, read_at
from .names import NO_SLUG, is_openrouter, slug_in
from .opencode_agents import Client, Known, agents
from .provider import provider_of
from .source import at, entries, mapping_at, text_at

_SITES = ("opencode.ai", "kilo.ai")
_VARIANT = "a variant is chosen while you work; give it an alias of its own"


def fits(root: Spot) -> bool:
    """Whether the file has this format."""
    schema = text_at(root, "$schema")
    return mapping_at(root, "provider") is not None or any(site in schema for site in _SITES)


def read(root: Spot) -> Iterator[Found | Left]:
    """Every model that is requested from OpenRouter, and the settings for all models."""
    clients = {"openrouter": Client({}, {})}  # opencode has this provider built in
    for name, provider in entries(at(root, "provider")).items():
        address = text_at(provider, "options", "baseURL")
        package = text_at(provider, "npm")
        if name == "openrouter" or is_openrouter(address) or "@openrouter/" in package:
            clients[name], said = _client(provider)
            yield from said
    yield from agents(root, clients)


def _client(provider: Spot) -> tuple[Client, list[Found | Left]]:
    """The models and settings that one opencode provider sends to OpenRouter."""
    options = at(provider, "options")
    spot, others = in_force(at(options, "extraBody", "provider"), at(options, "provider"))
    sent, said = everywhere(spot)
    said = [*others, *said, *beside(at(options, "extraBody"), "provider")]
    models: dict[str, Known] = {}
    for name, model in entries(at(provider, "models")).items():
        known, more = _model(name, model, sent)
        said += more
        if known is not None:
            models[name] = known
            if known.own is not None or text_at(model, "id"):
                said.append(known.found)
    return Client(sent, models), said


def _model(name: str, model: Spot, sent: Provider) -> tuple[Known | None, list[Left]]:
    left = [
        left_at(spot, model, f"the variant {variant}", _VARIANT)
        for variant, options in entries(at(model, "variants")).items()
        if (spot := at(options, "provider")) is not None
    ]
    spot = at(model, "options", "provider")
    slug = slug_in(text_at(model, "id") or name, "openrouter")
    if slug is None:
        return None, [*left, left_at(spot, model, name, NO_SLUG)] if spot is not None else left
    own, more = provider_of(spot)
    found = found_as(name, slug, sent if spot is None else own, read_at(spot, model))
    return Known(found, None if spot is None else own), [*left, *more]
