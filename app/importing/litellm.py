"""LiteLLM's proxy: `model_list`, each entry a name for clients and the parameters of a call.

`litellm_params.model` starts with the provider to call (`openrouter/qwen/qwen3-coder`), or
`custom_llm_provider` or the address determines it. The fields of `extra_body` go into the request
unchanged, and each parameter that LiteLLM doesn't know, such as `provider`, overrides them. Names
and models may have wildcards (`openrouter/*`).

`router_settings.default_litellm_params` applies to every model. Its comments say that a model's
own parameters take precedence, but in LiteLLM 1.110 the defaults do; here a model's own object is
merged over the default one, so that neither is lost.
"""

from collections.abc import Iterator

from ..policy.file.yaml_tree import Spot
from .entry import asked, beside, everywhere, in_force, left_at
from .found import Found, Left, Provider, place_of
from .names import is_openrouter, pattern_in
from .source import at, items, mapping_at, text_at

_DEFAULTS = ("router_settings", "default_litellm_params")

# LiteLLM settings in other places or for choosing between models, and their equivalents here.
_ELSEWHERE = (
    ("router_settings", "model_group_alias", "write an alias with the same model for each name"),
    ("router_settings", "fallbacks", "clients list fallback models themselves, in `models`"),
    ("litellm_settings", "fallbacks", "clients list fallback models themselves, in `models`"),
    ("litellm_settings", "default_fallbacks", "clients list fallback models, in `models`"),
)


def fits(root: Spot) -> bool:
    """Whether the file has this format."""
    model_list = at(root, "model_list")
    return model_list is not None and model_list.kind == "list"


def read(root: Spot) -> Iterator[Found | Left]:
    """Every OpenRouter model, under the name that clients use."""
    spot, others = _provider(at(root, *_DEFAULTS))
    default, said = everywhere(spot)
    yield from [*others, *said, *beside(at(root, *_DEFAULTS, "extra_body"), "provider")]
    for entry in items(at(root, "model_list")):
        yield from _entry(entry, default)
    for section, key, remedy in _ELSEWHERE:
        between = at(root, section, key)
        if between is not None and between.kind != "null":
            yield Left(place_of(between), key, f"a policy chooses providers, not models; {remedy}")
    for file in items(at(root, "include")):
        yield Left(place_of(file), "include", "files that are included are imported one by one")


def _provider(params: Spot | None) -> tuple[Spot | None, list[Left]]:
    """The provider object that is sent, and any other in the parameters."""
    return in_force(mapping_at(params, "provider"), at(params, "extra_body", "provider"))


def _entry(entry: Spot, default: Provider) -> Iterator[Found | Left]:
    params = at(entry, "litellm_params")
    model = text_at(params, "model")
    name = text_at(entry, "model_name") or model
    spot, others = _provider(params)
    yield from others
    slug = pattern_in(model, "openrouter", "openai")
    if not _is_openrouter(params, model):
        yield left_at(spot, entry, name or "this entry", "it is not served by OpenRouter")
        return
    if slug is None:
        why = f"{model} is not a model slug, which reads author/model"
        yield left_at(spot, entry, name, why)
        return
    if default and spot is not None:
        why = "LiteLLM sends default_litellm_params in place of this; here this stands on top"
        yield Left(place_of(spot), name, why)
    yield from beside(at(params, "extra_body"), "provider")
    yield from asked(name, slug, spot, entry, default)


def _is_openrouter(params: Spot | None, model: str) -> bool:
    return (
        model.startswith("openrouter/")
        or text_at(params, "custom_llm_provider") == "openrouter"
        or is_openrouter(text_at(params, "api_base"), text_at(params, "base_url"))
    )
