"""claude-code-router: `Providers` of config.json, each with `transformer`s for its requests.

An entry of `use` is a transformer's name, or its name and options. The options of `openrouter` and
`customparams` go into the request. `transformer.use` applies to all models of the provider; the
list under a model's name is applied after it, so its provider object replaces the provider's.
From version 3 on, the file is read only once, into a database.
"""

from collections.abc import Iterator

from ..policy.file.yaml_tree import Spot
from .entry import asked, beside, in_force, left_at
from .found import Found, Left, place_of
from .names import NO_SLUG, is_openrouter, slug_in
from .source import at, entries, items, text_at, text_of

_INTO_THE_REQUEST = frozenset({"openrouter", "customparams"})


def fits(root: Spot) -> bool:
    """Whether the file has this format."""
    return any(at(provider, "api_base_url") for provider in _providers(root))


def read(root: Spot) -> Iterator[Found | Left]:
    """The models of each provider that is OpenRouter."""
    for provider in _providers(root):
        name = text_at(provider, "name") or "this provider"
        transformers = entries(at(provider, "transformer"))
        shared, left = _object(transformers.pop("use", None))
        yield from left
        models = {text_of(model): model for model in items(at(provider, "models"))}
        ours = is_openrouter(text_at(provider, "api_base_url"))
        if not ours and shared is not None:
            yield left_at(shared, provider, name, "its api_base_url is not OpenRouter's")
        for model, entry in {**models, **transformers}.items():
            own, left = _object(at(transformers.get(model), "use"))
            yield from left
            if not ours and own is not None:
                yield left_at(own, entry, model, "the api_base_url is not OpenRouter's")
            elif ours:
                yield from _model(model, entry, own, shared)


def _providers(root: Spot) -> list[Spot]:
    return items(at(root, "Providers")) or items(at(root, "providers"))


def _object(use: Spot | None) -> tuple[Spot | None, list[Left]]:
    """The provider object that a list of transformers adds to requests, and its other effects."""
    chosen: list[Spot] = []
    for entry in items(use):
        transformer, *options = items(entry) or [entry]
        if text_of(transformer) in _INTO_THE_REQUEST:
            chosen += options
    spot, left = in_force(*(at(options, "provider") for options in reversed(chosen)))
    return spot, [*left, *(each for options in chosen for each in beside(options, "provider"))]


def _model(name: str, entry: Spot, own: Spot | None, shared: Spot | None) -> Iterator[Found | Left]:
    slug = slug_in(name)
    if slug is not None:
        yield from asked(slug, slug, own or shared, entry)
    elif own is not None:
        yield left_at(own, entry, name, NO_SLUG)
    elif shared is not None:
        yield Left(place_of(entry), name or "this entry", NO_SLUG)
