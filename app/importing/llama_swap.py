"""llama-swap: `peers`, each a server with its models and the filters for its requests.

`filters.setParams` is added to each request to that peer and overrides the client's values.
"""

from collections.abc import Iterator

from ..policy.file.yaml_tree import Spot
from .entry import asked, beside, left_at
from .found import Found, Left, place_of
from .names import NO_SLUG, is_openrouter, slug_in
from .source import at, entries, items, mapping_at, text_at, text_of


def fits(root: Spot) -> bool:
    """Whether the file has this format."""
    return mapping_at(root, "peers") is not None


def read(root: Spot) -> Iterator[Found | Left]:
    """The models of each peer that is OpenRouter."""
    for name, peer in entries(at(root, "peers")).items():
        filters = at(peer, "filters")
        spot = at(filters, "setParams", "provider")
        if name != "openrouter" and not is_openrouter(text_at(peer, "proxy")):
            if spot is not None:
                yield left_at(spot, peer, f"the peer {name}", "its proxy is not OpenRouter")
            continue
        yield from beside(filters, "setParams")
        yield from beside(at(filters, "setParams"), "provider")
        for model in items(at(peer, "models")):
            slug = slug_in(text_of(model))
            if slug is None:
                what = text_of(model) or "this entry"
                yield Left(place_of(model), what, NO_SLUG)
            else:
                yield from asked(text_of(model), slug, spot, model)
