"""Files of every kind for what a user wants, spelled in the many ways in which people spell.

What is wanted is drawn first and written down after, so that a test knows it without reading.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.importing.reading import CANARY

SLUGS: Mapping[str, Sequence[str]] = {
    "deepinfra": ("deepinfra", "DeepInfra", "DEEPINFRA"),
    "novita/fp8": ("novita/fp8", "Novita/FP8"),
    "moonshotai": ("moonshotai", "Moonshot AI"),
    "google-vertex": ("google-vertex", "Google"),
    "a-new-host": ("a-new-host",),
}
IGNORED = {"azure": ("azure", "Azure"), "z-ai": ("z-ai", "Z.AI")}
LABELS = {"fp8": ("fp8", "FP8", "fp-8"), "bf16": ("bf16", "bfloat16"), "unknown": ("Unknown",)}
FLAGS = {True: (True, "true"), False: (False, "False")}
PRICES = {0.5: (0.5, "0.5", 5e-7), 2: (2, "2.0"), 0: (0, "0")}
SPEEDS = {50: (50, "50"), 12.5: (12.5, "12.50")}
MODELS = ("qwen/qwen3-coder", "z-ai/glm-4.7", "a/b:free", "openrouter/auto", "~a/c-latest")
NOISE: Mapping[str, Any] = {
    "quantization": "fp8",
    "api_key": CANARY,
    "options": {"deepinfra": {"apiKey": CANARY}},
    "preferred_max_latency": None,
}


@dataclass(frozen=True)
class Wish:
    """What is asked along with a model, as it is meant and as it is written."""

    meant: Mapping[str, Any]
    written: Mapping[str, Any]


def _spelled(words: Mapping[Any, Sequence[Any]]) -> st.SearchStrategy[tuple[Any, Any]]:
    """One value, as it is meant and as it is written."""
    return st.sampled_from(sorted(words, key=str)).flatmap(
        lambda meant: st.sampled_from(words[meant]).map(lambda written: (meant, written))
    )


def _list(words: Mapping[Any, Sequence[Any]]) -> st.SearchStrategy[tuple[Any, Any]]:
    pairs = st.lists(_spelled(words), min_size=1, max_size=3, unique_by=lambda pair: str(pair[0]))
    return pairs.map(lambda each: ([meant for meant, _ in each], [said for _, said in each]))


def _mapping(**values: st.SearchStrategy[tuple[Any, Any]]) -> st.SearchStrategy[tuple[Any, Any]]:
    return st.fixed_dictionaries({}, optional=values).map(
        lambda drawn: (
            {key: meant for key, (meant, _) in drawn.items()},
            {key: written for key, (_, written) in drawn.items()},
        )
    )


_FLAG, _PRICE, _SPEED = _spelled(FLAGS), _spelled(PRICES), _spelled(SPEEDS)
_FIELDS = _mapping(
    only=_list(SLUGS),
    ignore=_list(IGNORED),
    quantizations=_list(LABELS),
    allow_fallbacks=_FLAG,
    zdr=_FLAG,
    data_collection=_spelled({"deny": ("deny", "DENY"), "allow": ("allow",)}),
    sort=_spelled({"price": ("price", "Price"), "latency": ("latency",)}),
    max_price=_mapping(prompt=_PRICE, completion=_PRICE).filter(lambda pair: bool(pair[0])),
    preferred_min_throughput=_SPEED | _mapping(p50=_SPEED).filter(lambda pair: bool(pair[0])),
)


def _wish(fields: tuple[Any, Any], order: tuple[Any, Any] | None, noise: Sequence[str]) -> Wish:
    """`order` comes in place of `only` and `sort`, as the router lets it or as we must."""
    meant, written = dict(fields[0]), dict(fields[1])
    if order is not None:
        for key in ("only", "sort"):
            meant.pop(key, None)
            written.pop(key, None)
        meant["order"], written["order"] = order
    return Wish(meant, {**written, **{key: NOISE[key] for key in noise if key not in written}})


WISHES = st.builds(
    _wish, _FIELDS, st.none() | _list(SLUGS), st.lists(st.sampled_from(sorted(NOISE)), max_size=2)
)

Wanted = Mapping[str, Wish]
WANTED = st.dictionaries(st.sampled_from(MODELS), WISHES, max_size=4)


# --- files ------------------------------------------------------------------------------------


def litellm(wanted: Wanted) -> str:
    entries = [
        {
            "model_name": model,
            "litellm_params": {
                "model": f"openrouter/{model}",
                "api_key": CANARY,
                "extra_body": {"provider": wish.written},
            },
        }
        for model, wish in wanted.items()
    ]
    return yaml.safe_dump({"model_list": entries, "general_settings": {"master_key": CANARY}})


def llama_swap(wanted: Wanted) -> str:
    peers = {
        f"peer-{number}": {
            "proxy": "https://openrouter.ai/api",
            "apiKey": CANARY,
            "models": [model],
            "filters": {"setParams": {"provider": wish.written}},
        }
        for number, (model, wish) in enumerate(wanted.items())
    }
    return yaml.safe_dump({"apiKeys": [CANARY], "peers": peers})


def pi(wanted: Wanted) -> str:
    models = [
        {"id": model, "compat": {"openRouterRouting": wish.written}}
        for model, wish in wanted.items()
    ]
    provider = {"apiKey": CANARY, "headers": {"Authorization": CANARY}, "models": models}
    return json.dumps({"providers": {"openrouter": provider}}, indent="\t")


def aider(wanted: Wanted) -> str:
    return yaml.safe_dump(
        [
            {"name": f"openrouter/{model}", "extra_params": {"api_key": CANARY, "extra_body": body}}
            for model, wish in wanted.items()
            for body in [{"provider": wish.written}]
        ]
        or [{"name": "gpt-5"}]
    )


def opencode(wanted: Wanted) -> str:
    models = {model: {"options": {"provider": wish.written}} for model, wish in wanted.items()}
    provider = {"options": {"apiKey": CANARY}, "models": models}
    text = json.dumps({"provider": {"openrouter": provider}}, indent=2)
    return f"// my own\n{text} /* {CANARY} */"


def claude_code_router(wanted: Wanted) -> str:
    """Under each model's name, on top of a provider object for all that it replaces."""
    transformer: dict[str, Any] = {"use": [["openrouter", {"provider": {"sort": "exacto"}}]]}
    for model, wish in wanted.items():
        transformer[model] = {"use": [["openrouter", {"provider": wish.written}], "reasoning"]}
    provider = {
        "name": "openrouter",
        "api_base_url": "https://openrouter.ai/api/v1/chat/completions",
        "api_key": CANARY,
        "models": [*wanted],
        "transformer": transformer,
    }
    return json.dumps({"APIKEY": CANARY, "Providers": [provider], "Router": {}}, indent=2)


def qwen_code(wanted: Wanted) -> str:
    models = [
        {
            "id": model,
            "baseUrl": "https://openrouter.ai/api/v1",
            "generationConfig": {"timeout": 60000, "extra_body": {"provider": wish.written}},
        }
        for model, wish in wanted.items()
    ]
    settings = {"env": {"OPENROUTER_API_KEY": CANARY}, "modelProviders": {"openai": models}}
    return json.dumps({"$version": 4, **settings}, indent=2)


def zed(wanted: Wanted) -> str:
    models = [
        {"name": model, "max_tokens": 200_000, "provider": wish.written}
        for model, wish in wanted.items()
    ]
    text = json.dumps({"language_models": {"open_router": {"available_models": models}}}, indent=2)
    return f"// Zed settings: {CANARY}\n//\n{text}"


def continue_dev(wanted: Wanted) -> str:
    models = [
        {
            "name": f"No. {number}",
            "provider": "openrouter",
            "model": model,
            "apiKey": CANARY,
            "requestOptions": {"extraBodyProperties": {"provider": wish.written}},
        }
        for number, (model, wish) in enumerate(wanted.items())
    ]
    local = {"name": "Local", "provider": "ollama", "model": "qwen3", "apiKey": CANARY}
    return yaml.safe_dump({"name": "Mine", "schema": "v1", "models": [*models, local]})


def librechat(wanted: Wanted) -> str:
    endpoints = [
        {
            "name": f"OpenRouter {number}",
            "apiKey": CANARY,
            "baseURL": "https://openrouter.ai/api/v1",
            "models": {"default": [model], "fetch": False},
            "addParams": {"provider": wish.written},
        }
        for number, (model, wish) in enumerate(wanted.items())
    ]
    mcp = {"search": {"headers": {"Authorization": CANARY}}}
    return yaml.safe_dump({"version": "1.3.0", "endpoints": {"custom": endpoints}, "mcp": mcp})


FILES: Mapping[str, Callable[[Wanted], str]] = {
    "litellm": litellm,
    "llama-swap": llama_swap,
    "pi": pi,
    "aider": aider,
    "opencode": opencode,
    "claude-code-router": claude_code_router,
    "qwen-code": qwen_code,
    "zed": zed,
    "continue": continue_dev,
    "librechat": librechat,
}  # all but Cline's, which can't say all of this
