"""opencode: `provider` of opencode.json, whose `models` have `options` that go into the request.

A provider's own `options` make its client; of these `extraBody` goes into each request, and a
model's `provider` object replaces the one in there, whole. `options.provider` is read too: it is
often written, though opencode's OpenRouter client has no such option. A model's key is its name
in opencode; what is sent is its `id`, where it has one.
"""

from collections.abc import Iterator

from app.importing.beside import beside
from app.importing.found import EVERY_MODEL, Found, Left, Provider, found_as, place_of
from app.importing.names import slug_in
from app.importing.provider import provider_of
from app.importing.source import at, entries, text_at
from app.policy.yaml_tree import Spot


def fits(root: Spot) -> bool:
    """Whether this is such a file."""
    providers = at(root, "provider")
    return (providers is not None and providers.kind == "mapping") or (
        "opencode.ai" in text_at(root, "$schema")
    )


def read(root: Spot) -> Iterator[Found | Left]:
    """Every model that is asked of OpenRouter, and what goes with all of them."""
    for name, provider in entries(at(root, "provider")).items():
        address = text_at(provider, "options", "baseURL")
        client = text_at(provider, "npm")
        if name == "openrouter" or "openrouter.ai" in address or "@openrouter/" in client:
            yield from _provider(provider)


def _provider(provider: Spot) -> Iterator[Found | Left]:
    body, unsent = at(provider, "options", "extraBody"), at(provider, "options", "provider")
    sent = at(body, "provider")
    yield from beside(body, "provider")
    if sent is not None and unsent is not None:
        yield Left(place_of(unsent), "provider", "opencode sends the one in extraBody")
    spot = sent or unsent
    everywhere, left = provider_of(spot)
    yield from left
    if spot is not None:
        yield Found(EVERY_MODEL, everywhere, None, place_of(spot))
    for name, model in entries(at(provider, "models")).items():
        yield from _model(name, model, everywhere)


def _model(name: str, model: Spot, everywhere: Provider) -> Iterator[Found | Left]:
    for variant, options in entries(at(model, "variants")).items():
        spot = at(options, "provider")
        if spot is not None:
            why = "a variant is chosen while you work; give it an alias of its own"
            yield Left(place_of(spot), f"the variant {variant}", why)
    spot = at(model, "options", "provider")
    slug = slug_in(text_at(model, "id") or name, "openrouter")
    if slug is None:
        if spot is not None:
            yield Left(place_of(spot), name, "it is no model slug, which reads author/model")
        return
    own, left = provider_of(spot)
    yield from left
    if spot is not None or text_at(model, "id"):
        yield found_as(name, slug, everywhere if spot is None else own, place_of(spot or model))
