"""LibreChat: `endpoints.custom` of librechat.yaml, each with `addParams` for all of its models.

An endpoint that fetches its models accepts any model; otherwise, only the models it lists.
"""

from collections.abc import Iterator

from ..policy.file.yaml_tree import Spot
from .entry import asked, beside, everywhere, left_at
from .found import Found, Left, place_of
from .names import NO_SLUG, is_openrouter, slug_in
from .source import at, items, text_at, text_of


def fits(root: Spot) -> bool:
    """Whether the file has this format."""
    custom = at(root, "endpoints", "custom")
    return custom is not None and custom.kind == "list"


def read(root: Spot) -> Iterator[Found | Left]:
    """The models of each endpoint that is OpenRouter."""
    for endpoint in items(at(root, "endpoints", "custom")):
        name = text_at(endpoint, "name") or "this endpoint"
        added = at(endpoint, "addParams")
        spot = at(added, "provider")
        if not is_openrouter(text_at(endpoint, "baseURL")) and name.lower() != "openrouter":
            if spot is not None:
                yield left_at(spot, endpoint, name, "its baseURL is not OpenRouter's")
            continue
        yield from beside(added, "provider")
        fetch = at(endpoint, "models", "fetch")
        if fetch is not None and fetch.kind == "flag" and fetch.flag():
            yield from everywhere(spot)[1]
            continue
        for model in items(at(endpoint, "models", "default")):
            yield from _model(text_of(model) or text_at(model, "name"), model, spot)


def _model(name: str, model: Spot, spot: Spot | None) -> Iterator[Found | Left]:
    slug = slug_in(name)
    if slug is None:
        what = name or "this entry"
        yield Left(place_of(model), what, NO_SLUG)
    else:
        yield from asked(slug, slug, spot, model)
