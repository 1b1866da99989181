"""LiteLLM's proxy: `model_list`, each entry a name for callers and the parameters of a call.

`litellm_params.model` names the provider to call first (`openrouter/qwen/qwen3-coder`), or it is
told by `custom_llm_provider` or by the address. What stands in `extra_body` goes into the request
as it is. Names and models may have wildcards (`openrouter/*`).
"""

from collections.abc import Iterator

from app.importing.beside import beside
from app.importing.found import Found, Left, found_as, place_of
from app.importing.names import pattern_in
from app.importing.provider import provider_of
from app.importing.source import at, items, text_at
from app.policy.yaml_tree import Spot

# What LiteLLM decides between models, and how to say it here.
_BETWEEN_MODELS = (
    ("router_settings", "model_group_alias", "write an alias with the same model for each name"),
    ("router_settings", "fallbacks", "callers list fallback models themselves, in `models`"),
    ("litellm_settings", "fallbacks", "callers list fallback models themselves, in `models`"),
    ("litellm_settings", "default_fallbacks", "callers list fallback models, in `models`"),
)


def fits(root: Spot) -> bool:
    """Whether this is such a file."""
    model_list = at(root, "model_list")
    return model_list is not None and model_list.kind == "list"


def read(root: Spot) -> Iterator[Found | Left]:
    """Every model of OpenRouter's, under the name that callers use."""
    for entry in items(at(root, "model_list")):
        yield from _entry(entry)
    for section, key, remedy in _BETWEEN_MODELS:
        spot = at(root, section, key)
        if spot is not None and spot.kind != "null":
            yield Left(place_of(spot), key, f"a policy chooses providers, not models; {remedy}")


def _entry(entry: Spot) -> Iterator[Found | Left]:
    model = text_at(entry, "litellm_params", "model")
    name = text_at(entry, "model_name") or model
    if not _is_openrouter(entry, model):
        yield Left(place_of(entry), name or "this entry", "it is not served by OpenRouter")
        return
    slug = pattern_in(model, "openrouter", "openai")
    if slug is None:
        yield Left(place_of(entry), name, f"{model} is no model slug, which reads author/model")
        return
    body = at(entry, "litellm_params", "extra_body")
    spot = at(body, "provider")
    provider, left = provider_of(spot)
    yield from left
    yield from beside(body, "provider")
    yield found_as(name, slug, provider, place_of(spot or entry))


def _is_openrouter(entry: Spot, model: str) -> bool:
    addresses = (text_at(entry, "litellm_params", key) for key in ("api_base", "base_url"))
    return (
        model.startswith("openrouter/")
        or text_at(entry, "litellm_params", "custom_llm_provider") == "openrouter"
        or any("openrouter.ai" in address for address in addresses)
    )
