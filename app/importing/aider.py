"""aider: `.aider.model.settings.yml`, a list of models and the parameters of a call.

`extra_params.extra_body` goes into the request as it is. The entry `aider/extra_params` is for
all models, and what it says replaces what theirs say, whole. Of two entries of one name the last
is in force.
"""

from collections.abc import Iterator

from app.importing.beside import beside
from app.importing.found import EVERY_MODEL, Found, Left, found_as, place_of
from app.importing.names import slug_in
from app.importing.provider import provider_of
from app.importing.source import at, items, text_at
from app.policy.yaml_tree import Spot

_EVERYWHERE = "aider/extra_params"
_BODY = ("extra_params", "extra_body")


def fits(root: Spot) -> bool:
    """Whether this is such a file."""
    listed = items(root)
    return bool(listed) and all(text_at(entry, "name") for entry in listed)


def read(root: Spot) -> Iterator[Found | Left]:
    """Every model that is asked of OpenRouter, and what goes with all of them."""
    settings: dict[str, Spot] = {}
    for entry in items(root):
        name = text_at(entry, "name")
        if name in settings:
            yield Left(place_of(settings[name]), name, "a later entry of that name replaces it")
        settings[name] = entry
    replaced = at(settings.get(_EVERYWHERE), *_BODY, "provider") is not None
    for name, entry in settings.items():
        spot = at(entry, *_BODY, "provider")
        if spot is None:
            yield from beside(at(entry, *_BODY))
        elif replaced and name != _EVERYWHERE:
            yield Left(place_of(spot), name, f"{_EVERYWHERE} says otherwise, for all models")
        else:
            yield from _settings(name, spot)
            yield from beside(at(entry, *_BODY), "provider")


def _settings(name: str, spot: Spot) -> Iterator[Found | Left]:
    everywhere = name == _EVERYWHERE
    slug = EVERY_MODEL if everywhere else slug_in(name, "openrouter")
    if slug is None or not (everywhere or name.startswith("openrouter/")):
        yield Left(place_of(spot), name, "it is no model of OpenRouter: openrouter/author/model")
        return
    provider, left = provider_of(spot)
    yield from left
    yield found_as(slug, slug, provider, place_of(spot))
