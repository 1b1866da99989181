"""aider: `.aider.model.settings.yml`, a list of models and the parameters of a call.

`extra_params` are arguments of LiteLLM's `completion`, which puts `extra_body`, and on top of it
any argument that it doesn't know (`provider`), into the request. aider 0.57 had `extra_body` in
addition to `extra_params`. The entry `aider/extra_params` applies to all models; each value in it
replaces the model's own value completely. If two entries have the same name, the last one applies.
aider has no other provider settings: `.aider.conf.yml` and the model metadata contain none.
"""

from collections.abc import Iterator

from ..policy.file.yaml_tree import Spot
from .entry import asked, beside, everywhere, in_force, left_at
from .found import Found, Left
from .names import slug_in
from .source import at, items, mapping_at, text_at

_EVERYWHERE = "aider/extra_params"
_BODIES = (("extra_params", "extra_body"), ("extra_body",))


def fits(root: Spot) -> bool:
    """Whether the file has this format."""
    listed = items(root)
    return bool(listed) and all(text_at(entry, "name") for entry in listed)


def read(root: Spot) -> Iterator[Found | Left]:
    """Every model that is requested from OpenRouter, and the settings for all models."""
    settings: dict[str, Spot] = {}
    for entry in items(root):
        name = text_at(entry, "name")
        if name in settings:
            earlier = settings[name]
            why = "a later entry of that name replaces it"
            yield left_at(_provider(earlier)[0], earlier, name, why)
        settings[name] = entry
    replaced = _provider(settings.get(_EVERYWHERE))[0] is not None
    for name, entry in settings.items():
        spot, others = _provider(entry)
        yield from others
        for path in _BODIES:
            yield from beside(at(entry, *path), "provider")
        if spot is None:
            continue
        if replaced and name != _EVERYWHERE:
            yield left_at(spot, entry, name, f"{_EVERYWHERE} says otherwise, for all models")
        elif name == _EVERYWHERE:
            yield from everywhere(spot)[1]
        else:
            yield from _model(name, entry, spot)


def _provider(entry: Spot | None) -> tuple[Spot | None, list[Left]]:
    """The provider object that is sent, and any others in the entry."""
    bodies = (at(entry, *path, "provider") for path in _BODIES)
    return in_force(mapping_at(entry, "extra_params", "provider"), *bodies)


def _model(name: str, entry: Spot, spot: Spot) -> Iterator[Found | Left]:
    slug = slug_in(name, "openrouter")
    if slug is None or not name.startswith("openrouter/"):
        yield left_at(
            spot, entry, name, "not a model of OpenRouter, which reads openrouter/author/model"
        )
    else:
        yield from asked(slug, slug, spot, entry)
