"""Continue: `models` of config.yaml or config.json, each with `requestOptions`.

Of these, `extraBodyProperties` go into the request. Those at the top of the file apply to all
models that have none of their own. `name` (or `title`) is only displayed; the request contains
`model`. config.json has models under other keys too, and `override` may change a model that is
taken from a hub (`uses`).
"""

from collections.abc import Iterator

from ..policy.file.yaml_tree import Spot
from .entry import asked, beside, everywhere, left_at
from .found import Found, Left
from .names import NO_SLUG, is_openrouter, slug_in
from .source import at, items, mapping_at, text_at

_BODY = ("requestOptions", "extraBodyProperties")
_OTHER_MODELS = ("tabAutocompleteModel", "embeddingsProvider", "reranker")


def fits(root: Spot) -> bool:
    """Whether the file has this format."""
    return any(
        text_at(model, "uses") or (text_at(model, "provider") and text_at(model, "model"))
        for model in items(at(root, "models"))
    )


def read(root: Spot) -> Iterator[Found | Left]:
    """Every model that is requested from OpenRouter, and the settings for all models."""
    shared = at(root, *_BODY)
    yield from everywhere(at(shared, "provider"))[1]
    yield from beside(shared, "provider")
    for entry in _models(root):
        yield from _model(at(entry, "override") or entry, shared)


def _models(root: Spot) -> Iterator[Spot]:
    yield from items(at(root, "models"))
    for key in _OTHER_MODELS:
        spot = at(root, key)
        if spot is not None:
            yield from [spot] if mapping_at(spot) is not None else items(spot)


def _model(entry: Spot, shared: Spot | None) -> Iterator[Found | Left]:
    body = at(entry, *_BODY)
    own = at(body, "provider")
    yield from beside(body, "provider")
    name = text_at(entry, "model") or "this entry"
    slug = slug_in(name, "openrouter")
    if text_at(entry, "provider") != "openrouter" and not is_openrouter(text_at(entry, "apiBase")):
        why = "it is not asked of OpenRouter"
    elif slug is None:
        why = NO_SLUG
    else:
        yield from asked(slug, slug, at(body or shared, "provider"), entry)
        return
    yield left_at(own, entry, name, why)
