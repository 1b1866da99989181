"""Cline, and its forks Roo Code and Kilo Code: provider settings as single keys.

Cline has one set for all models, in globalState.json or in `settings` of providers.json. Roo Code
and Kilo Code export profiles (`providerProfiles`), each with a model and a provider to pin it to;
Kilo Code's command line has a list of `providers` of that kind. A request doesn't name its
profile: if two profiles have different settings for one model, the second gets an alias.
"""

from collections.abc import Iterator, Mapping

from ..policy.file.yaml_tree import Spot
from .entry import left_at, told_apart
from .found import EVERY_MODEL, Found, Left, Provider, place_of, read_at
from .names import is_openrouter, slug_in
from .provider import Said, provider_in
from .source import at, entries, items, mapping_at, plain, text_at
from .unread import DEFAULT, FLAT_KEY

_PIN = ("only", "order")  # and no fallbacks

# The provider fields that each key sets.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "openRouterSpecificProvider": _PIN,
    "codebaseIndexOpenRouterSpecificProvider": _PIN,
    "openRouterProviderDataCollection": ("data_collection",),
    "openRouterProviderSort": ("sort",),
    "openRouterProviderSorting": ("sort",),
    "openRouterZdr": ("zdr",),
}
_EMBEDDER = "codebaseIndexEmbedder"


def fits(root: Spot) -> bool:
    """Whether the file has this format."""
    return bool(
        mapping_at(root, "providerProfiles")
        or any(key.startswith(("actMode", "planMode")) or key in _FIELDS for key in entries(root))
        or any(at(each, "settings") for each in entries(at(root, "providers")).values())
        or any(text_at(each, "provider") for each in items(at(root, "providers")))
    )


def read(root: Spot) -> Iterator[Found | Left]:
    """The model of each profile, and the settings for all models."""
    yield from _everywhere(root)
    for each in entries(at(root, "providers")).values():
        for settings in (at(each, "settings"), at(each, "settings", "extras")):
            yield from _everywhere(settings)
    named: list[tuple[str, Found]] = []
    for name, profile, asks, model in _profiles(root):
        provider, left = _provider(profile)
        yield from left
        slug = slug_in(model)
        if not asks:
            if _said(profile):
                yield left_at(profile, profile, name, "this profile does not ask OpenRouter")
        elif slug is not None:
            named.append((name, Found(slug, provider, None, read_at(profile, profile))))
        elif _said(profile):
            why = f"{model or 'its model'} is not a model slug, which reads author/model"
            yield left_at(profile, profile, name, why)
    yield from told_apart(named, "the tool")


def _everywhere(settings: Spot | None) -> Iterator[Found | Left]:
    if settings is not None and _said(settings):
        provider, left = _provider(settings)
        yield from left
        yield Found(EVERY_MODEL, provider, None, read_at(settings, settings))


def _profiles(root: Spot) -> Iterator[tuple[str, Spot, bool, str]]:
    """Each profile: its name, its keys, whether it uses OpenRouter, and its model."""
    profiles = entries(at(root, "providerProfiles", "apiConfigs"))
    listed = {text_at(each, "id"): each for each in items(at(root, "providers"))}
    for name, profile in {**listed, **profiles}.items():
        kind = text_at(profile, "apiProvider") or text_at(profile, "provider")
        asks = kind in {"openrouter", ""} and is_openrouter(
            text_at(profile, "openRouterBaseUrl") or "openrouter.ai"
        )
        yield name, profile, asks, text_at(profile, "openRouterModelId")
    index = mapping_at(root, "globalSettings", "codebaseIndexConfig")
    if index is not None:
        asks = text_at(index, f"{_EMBEDDER}Provider") == "openrouter"
        yield "codebaseIndexConfig", index, asks, text_at(index, f"{_EMBEDDER}ModelId")


def _provider(settings: Spot) -> tuple[Provider, list[Left]]:
    """The provider object that the keys define, and the keys that can't be carried over."""
    fields: list[Said] = []
    left: list[Left] = []
    for key, spot in _said(settings).items():
        names = _FIELDS.get(key)
        if names is None:
            left.append(Left(place_of(spot), key, "not a provider setting that is known here"))
            continue
        fields += [(name, spot, plain(spot)) for name in names]
        if names == _PIN:
            fields.append(("allow_fallbacks", spot, False))
    provider, more = provider_in(fields, place_of(settings))
    return provider, [*left, *more]


def _said(settings: Spot) -> dict[str, Spot]:
    """The provider keys that have a value with an effect."""
    return {
        key: spot
        for key, spot in entries(settings).items()
        if FLAT_KEY.search(key)
        and spot.kind != "null"
        and (spot.kind != "text" or spot.text() not in {"", DEFAULT})
    }
