"""pi, the coding agent: `providers` of models.json, with `compat.openRouterRouting`.

It is set on a provider, for all its models, or on a model (`models`, or `modelOverrides` for
pi's built-in models); if both are set, they are merged field by field, and the model's fields take
precedence. pi sends it only to OpenRouter.
"""

from collections.abc import Iterator

from ..policy.file.yaml_tree import Spot
from .entry import asked, everywhere, left_at
from .found import Found, Left, Provider
from .names import is_openrouter, slug_in
from .source import at, entries, items, mapping_at, text_at

_ROUTING = ("compat", "openRouterRouting")
_ELSEWHERE = "pi sends it to OpenRouter alone, and the baseUrl is not OpenRouter's"


def fits(root: Spot) -> bool:
    """Whether the file has this format; Cline's providers have `settings`."""
    providers = mapping_at(root, "providers")
    if providers is None:
        return False
    return not any(at(each, "settings") for each in entries(providers).values())


def read(root: Spot) -> Iterator[Found | Left]:
    """Every model that is requested from OpenRouter, and the settings for all models."""
    for name, provider in entries(at(root, "providers")).items():
        yield from _provider(name, provider)


def _provider(name: str, provider: Spot) -> Iterator[Found | Left]:
    address = text_at(provider, "baseUrl") or ("openrouter.ai" if name == "openrouter" else "")
    spot = at(provider, *_ROUTING)
    routing: Provider = {}
    if spot is not None and not is_openrouter(address):
        yield left_at(spot, provider, name, _ELSEWHERE)
    else:
        routing, said = everywhere(spot)
        yield from said
    defined = {text_at(entry, "id"): entry for entry in items(at(provider, "models"))}
    overrides = entries(at(provider, "modelOverrides"))
    for model, override in overrides.items():
        shadowed = at(override, *_ROUTING)
        if shadowed is not None and model in defined:
            yield left_at(
                shadowed, override, model, "`models` defines this model too, and goes first"
            )
    for model, entry in {**overrides, **defined}.items():
        own = at(entry, *_ROUTING)
        if is_openrouter(text_at(entry, "baseUrl") or address):
            yield from _model(model, entry, routing)
        elif own is not None:
            yield left_at(own, entry, model, _ELSEWHERE)


def _model(name: str, entry: Spot, routing: Provider) -> Iterator[Found | Left]:
    slug = slug_in(name, "openrouter")
    spot = at(entry, *_ROUTING)
    if slug is not None:
        yield from asked(name, slug, spot, entry, routing)
    else:
        why = "its id is not a model slug, which reads author/model"
        yield left_at(spot, entry, name or "this entry", why)
