"""A catalog and presets in which every channel has something to reach, within a policy and outside.

Models of three kinds of hosts: precise ones that keep nothing, coarse ones, ones that train; the
models that OpenRouter takes by default inside tools and routers; one model for each other route.
"""

from typing import Any

from tests.simulator.simulated import endpoint, model

ONE, TWO = "sk-or-v1-workspace-one", "sk-or-v1-workspace-two"


def _precise(*tags: str, **changes: Any) -> list[dict[str, Any]]:
    return [endpoint(tag, "bf16", trains=False, zdr=True, **changes) for tag in tags]


def _coarse(*tags: str, **changes: Any) -> list[dict[str, Any]]:
    return [endpoint(tag, "fp4", trains=False, zdr=True, **changes) for tag in tags]


def _training(*tags: str, **changes: Any) -> list[dict[str, Any]]:
    return [endpoint(tag, "unknown", trains=True, zdr=False, **changes) for tag in tags]


def _offering(name: str, *rows: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    return model(*(row for some in rows for row in some), id=name, **changes)


def _latest(alias: str, target: str) -> dict[str, Any]:
    return model(id=alias, alias_target={"slug": target, "name": target})


def _making(output: str) -> dict[str, Any]:
    return {"architecture": {"input_modalities": ["text"], "output_modalities": [output]}}


_CHEAP: dict[str, Any] = {"prompt": "0.0000001", "completion": "0.0000002"}
_FREE: dict[str, Any] = {"prompt": "0", "completion": "0"}
MODELS: list[dict[str, Any]] = [
    _offering(
        "acme/big",
        _precise("deepinfra/bf16", "baseten"),
        _coarse("novita/fp4", "deepinfra/turbo", **_CHEAP),
        _training("openai"),
        _training("openai/priority", service_tier="priority"),
        _training("openai/flex", service_tier="flex", **_CHEAP),
        _precise("fireworks"),
        _precise("fireworks/us", regional_surcharge=True),
    ),
    _offering("acme/mini", _precise("baseten"), _coarse("groq"), _training("chutes", **_CHEAP)),
    _offering("acme/other-2.5", _coarse("novita/fp4"), _training("openai"), _precise("deepinfra")),
    _offering("acme/judge", _training("azure"), _precise("baseten")),
    _offering("acme/gift:free", _training("chutes", **_FREE), _precise("baseten", **_FREE)),
    _offering("openai/gpt-5.6", _training("openai"), _precise("azure")),
    _offering("anthropic/claude-opus-4.8", _precise("anthropic"), _training("google-vertex")),
    _offering("google/gemini-3-pro", _training("google-ai-studio"), _precise("google-vertex")),
    _offering("google/gemini-2.5-flash-lite", _training("google-ai-studio"), _coarse("novita")),
    _offering("openai/gpt-4o-mini", _training("openai"), _precise("azure")),
    _offering("openai/gpt-5-image", _training("openai"), _precise("azure"), **_making("image")),
    _offering("acme/paint", _precise("baseten"), _training("openai"), **_making("image")),
    _offering("acme/embed-1", _precise("baseten"), _training("openai"), **_making("embeddings")),
    _offering("acme/rerank-1", _precise("azure"), _training("cohere"), **_making("rerank")),
    _offering("acme/tts", _precise("azure"), _training("openai"), **_making("audio")),
    _offering("acme/stt", _precise("groq"), _training("openai"), **_making("text")),
    _offering("acme/film", _precise("azure"), _training("openai"), **_making("video")),
    _latest("~openai/gpt-latest", "openai/gpt-5.6"),
    _latest("~anthropic/claude-opus-latest", "anthropic/claude-opus-4.8"),
    _latest("~google/gemini-pro-latest", "google/gemini-3-pro"),
]

_HELPER = {
    "type": "openrouter:subagent",
    "parameters": {"name": "worker", "model": "acme/other-2.5"},
}


def preset(slug: str, config: dict[str, Any], *keys: str, **changes: Any) -> dict[str, Any]:
    """One preset with one version; seen by these keys alone, if there are any."""
    prompt = {"system_prompt": changes.pop("system_prompt", None)}
    hidden = {"_simulator": {"keys": [*keys]}} if keys else {}
    return {"slug": slug, "versions": [{"config": config, **prompt}], **hidden, **changes}


PRESETS: list[dict[str, Any]] = [
    preset("big", {"model": "acme/big"}),
    preset("two-models", {"model": "acme/big", "models": ["acme/mini", "acme/other-2.5"]}),
    preset("only-hosts", {"provider": {"only": ["openai", "novita"]}}),
    preset("coarse", {"model": "acme/big", "provider": {"quantizations": ["fp4", "unknown"]}}),
    preset("ordered", {"model": "acme/mini", "provider": {"order": ["chutes", "groq"]}}),
    preset("helped", {"model": "acme/mini", "tools": [_HELPER]}, system_prompt="Be brief."),
    preset("routed", {"model": "openrouter/auto", "plugins": [{"id": "auto-router"}]}),
    preset("tiered", {"model": "acme/big", "service_tier": "priority"}),
    # One slug, another preset for each key; and one that a single key sees.
    preset("differs", {"model": "acme/mini", "provider": {"only": ["baseten"]}}, ONE),
    preset("differs", {"model": "acme/other-2.5", "provider": {"only": ["openai"]}}, TWO),
    preset("private", {"model": "acme/judge", "provider": {"only": ["azure"]}}, TWO),
    preset("off", {"model": "acme/big"}, status="disabled"),
    {"slug": "empty", "designated_version_id": None, "versions": []},
]
