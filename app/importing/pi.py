"""pi, the coding agent: `providers` of models.json, with `compat.openRouterRouting`.

It stands at a provider, for all its models, or at a model (`models`, or `modelOverrides` for those
that pi knows by itself); then the two are put together, field by field, the model's winning. pi
sends it to OpenRouter alone.
"""

from collections.abc import Iterator

from app.importing.found import EVERY_MODEL, Found, Left, Provider, found_as, place_of
from app.importing.names import slug_in
from app.importing.provider import provider_of
from app.importing.source import at, entries, items, text_at
from app.policy.yaml_tree import Spot

_ROUTING = ("compat", "openRouterRouting")


def fits(root: Spot) -> bool:
    """Whether this is such a file."""
    providers = at(root, "providers")
    return providers is not None and providers.kind == "mapping"


def read(root: Spot) -> Iterator[Found | Left]:
    """Every model that is asked of OpenRouter, and what goes with all of them."""
    for name, provider in entries(at(root, "providers")).items():
        yield from _provider(name, provider)


def _provider(name: str, provider: Spot) -> Iterator[Found | Left]:
    address = text_at(provider, "baseUrl") or ("openrouter.ai" if name == "openrouter" else "")
    everywhere: Provider = {}
    spot = at(provider, *_ROUTING)
    if spot is not None and "openrouter.ai" not in address:
        yield _elsewhere(spot, name)
    elif spot is not None:
        everywhere, left = provider_of(spot)
        yield from left
        yield Found(EVERY_MODEL, everywhere, None, place_of(spot))
    for model, entry in _models(provider):
        own = at(entry, *_ROUTING)
        if "openrouter.ai" in (text_at(entry, "baseUrl") or address):
            yield from _model(model, entry, everywhere)
        elif own is not None:
            yield _elsewhere(own, model)


def _models(provider: Spot) -> list[tuple[str, Spot]]:
    """Each model once: one that the user defines goes before an override of pi's own."""
    defined = {text_at(entry, "id"): entry for entry in items(at(provider, "models"))}
    return list({**entries(at(provider, "modelOverrides")), **defined}.items())


def _model(name: str, entry: Spot, everywhere: Provider) -> Iterator[Found | Left]:
    slug = slug_in(name, "openrouter")
    if slug is None:
        yield Left(place_of(entry), name or "this entry", "its id is no model slug: author/model")
        return
    spot = at(entry, *_ROUTING)
    own, left = provider_of(spot)
    yield from left
    yield found_as(name, slug, {**everywhere, **own}, place_of(spot or entry))


def _elsewhere(spot: Spot, name: str) -> Left:
    return Left(place_of(spot), name, "pi sends it to OpenRouter alone, and the baseUrl is not")
