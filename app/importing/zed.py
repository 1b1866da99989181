"""Zed: `language_models.open_router.available_models` of settings.json, each with `provider`."""

from collections.abc import Iterator

from ..policy.file.yaml_tree import Spot
from .entry import asked, left_at
from .found import Found, Left
from .names import NO_SLUG, is_openrouter, slug_in
from .source import at, items, mapping_at, text_at


def fits(root: Spot) -> bool:
    """Whether the file has this format."""
    return mapping_at(root, "language_models") is not None


def read(root: Spot) -> Iterator[Found | Left]:
    """Every model that is listed for OpenRouter."""
    settings = at(root, "language_models", "open_router")
    address = text_at(settings, "api_url") or "openrouter.ai"
    for entry in items(at(settings, "available_models")):
        name = text_at(entry, "name") or "this entry"
        spot = at(entry, "provider")
        slug = slug_in(name)
        if slug is not None and is_openrouter(address):
            yield from asked(slug, slug, spot, entry)
            continue
        why = "the api_url is not OpenRouter's"
        if slug is None:
            why = NO_SLUG
        yield left_at(spot, entry, name, why)
