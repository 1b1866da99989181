"""llama-swap: `peers`, each a server, the models it has, and filters for what is asked of it.

`filters.setParams` is put into each request to that peer, over what the caller sent.
"""

from collections.abc import Iterator

from app.importing.beside import beside
from app.importing.found import Found, Left, Place, Provider, found_as, place_of
from app.importing.names import slug_in
from app.importing.provider import provider_of
from app.importing.source import at, entries, items, text_at
from app.policy.yaml_tree import Spot


def fits(root: Spot) -> bool:
    """Whether this is such a file."""
    peers = at(root, "peers")
    return peers is not None and peers.kind == "mapping"


def read(root: Spot) -> Iterator[Found | Left]:
    """The models of each peer that is OpenRouter."""
    for name, peer in entries(at(root, "peers")).items():
        filters = at(peer, "filters")
        spot = at(filters, "setParams", "provider")
        if name != "openrouter" and "openrouter.ai" not in text_at(peer, "proxy"):
            if spot is not None:
                yield Left(place_of(spot), f"the peer {name}", "its proxy is not OpenRouter")
            continue
        yield from beside(filters, "setParams")
        yield from beside(at(filters, "setParams"), "provider")
        provider, left = provider_of(spot)
        yield from left
        for model in items(at(peer, "models")):
            yield _model(model, provider, place_of(spot or model))


def _model(spot: Spot, provider: Provider, place: Place) -> Found | Left:
    name = spot.text() if spot.kind == "text" else ""
    slug = slug_in(name)
    if slug is None:
        return Left(place_of(spot), name or "this entry", "it is no model slug: author/model")
    return found_as(name, slug, provider, place)
