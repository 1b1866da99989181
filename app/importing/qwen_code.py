"""qwen-code: `modelProviders` and `model` of settings.json, each with a `generationConfig`.

Of this, `extra_body` and, with lower precedence, `samplingParams` go into the request unchanged.
A model of `modelProviders` that has no `extra_body` is sent with the one in
`model.generationConfig`, which applies to any other model too. Some versions have a mapping with
`models` instead of a protocol's list.
"""

from collections.abc import Iterator

from ..policy.file.yaml_tree import Spot
from .entry import asked, beside, everywhere, in_force, left_at
from .found import Found, Left
from .names import NO_SLUG, is_openrouter, slug_in
from .source import at, entries, items, mapping_at, text_at

_BODIES = ("extra_body", "samplingParams")


def fits(root: Spot) -> bool:
    """Whether the file has this format."""
    return bool(mapping_at(root, "modelProviders") or mapping_at(root, "model", "generationConfig"))


def read(root: Spot) -> Iterator[Found | Left]:
    """Every model that is requested from OpenRouter, and the settings for all models."""
    general = at(root, "model", "generationConfig")
    shared, left = _object(general)
    yield from left
    address = text_at(root, "security", "auth", "baseUrl") or text_at(
        root, "env", "OPENAI_BASE_URL"
    )
    if shared is not None and address and not is_openrouter(address):
        yield left_at(shared, shared, "model", "the base URL is not OpenRouter's")
        shared = None
    yield from everywhere(shared)[1]
    for protocol in entries(at(root, "modelProviders")).values():
        for entry in items(protocol) or items(at(protocol, "models")):
            address = text_at(entry, "baseUrl") or text_at(protocol, "baseUrl")
            yield from _model(entry, address, shared)


def _object(config: Spot | None) -> tuple[Spot | None, list[Left]]:
    """The provider object that a generationConfig sends, and its other request fields."""
    spot, left = in_force(*(at(config, body, "provider") for body in _BODIES))
    return spot, [*left, *beside(at(config, "extra_body"), "provider")]


def _model(entry: Spot, address: str, shared: Spot | None) -> Iterator[Found | Left]:
    config = at(entry, "generationConfig")
    own, left = _object(config)
    yield from left
    name = text_at(entry, "id") or "this entry"
    slug = slug_in(name)
    if not is_openrouter(address):
        why = "its baseUrl is not OpenRouter's"
    elif slug is None:
        why = NO_SLUG
    else:
        inherited = None if at(config, "extra_body") is not None else shared
        yield from asked(slug, slug, own or inherited, entry)
        return
    yield left_at(own, entry, name, why)
