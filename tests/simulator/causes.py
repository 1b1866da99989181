"""For each recorded error body the request that causes it, and what the model is served by."""

from typing import Any

from tests.simulator.simulated import endpoint, everyone_fails, model

PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]


def serving(name: str, *tags: str, **changes: Any) -> dict[str, Any]:
    """A model under the recorded body's name, with these rows."""
    return model(*(endpoint(tag, **changes) for tag in tags), id=name)


# What the account, not the request, brings about; and what had other words in 2025.
OF_THE_ACCOUNT = {
    "byok-step-zero",
    "guardrail-zdr",
    "free-agentic-harness",
    "reasoning-mandatory",
    "credits",
    "free-per-day",
    "manual-order-2025",
    "upstream-429-2025",
}
MIMO = ("gmicloud", "deepinfra", "xiaomi", "parasail", "streamlake", "novita")
PRIVATE = (endpoint("novita"), endpoint("deepinfra", zdr=True))
CHEAP = endpoint("novita", prompt="0.0000001")
# By recorded body: the model as it is offered, the request's own fields, and switches.
CAUSES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "only-no-match-feb2026": (serving("z-ai/glm-5", "z-ai"), {"only": ["anthropic"]}, {}),
    "only-no-match-aug2026": (
        {**serving("xiaomi/mimo-v2.5", *MIMO), "canonical_slug": "xiaomi/mimo-v2.5-20260422"},
        {"only": ["tencent"]},
        {},
    ),
    "data-policy-zdr": (model(*PRIVATE), {"only": ["novita"], "zdr": True}, {}),
    "require-parameters": (
        model(CHEAP, *(endpoint(f"host-{n}") for n in range(25))),
        {"max_price": {"prompt": 0.5}, "require_parameters": True, "+": {"logprobs": True}},
        {},
    ),
    "max-price": (
        serving("openai/gpt", "openai", "azure", "a/flex", "b/flex", "c/priority", "d/priority"),
        {"max_price": {"prompt": "0.5"}},
        {},
    ),
    "quantization-short": (serving("a/b", "x", quantization="fp4"), {"quantizations": ["fp8"]}, {}),
    "image-input": (
        serving("a/b", *(f"h{n}" for n in range(29))),
        {"+": {"messages": PICTURE}},
        {},
    ),
    "tool-use": (
        serving("a/b", "x", supported_parameters=[]),
        {"+": {"tools": [{"type": "function", "function": {"name": "read"}}]}},
        {},
    ),
    "provider-unknown-keys": (serving("a/b", "x"), {"min_throughput": 1, "max_latency": 2}, {}),
    "provider-unknown-key": (serving("a/b", "x"), {"quantization": "fp8"}, {}),
    "provider-bad-sort": (serving("a/b", "x"), {"sort": "bogus"}, {}),
    "provider-bad-quantization": (serving("a/b", "x"), {"quantizations": ["fp8 bf16 fp16"]}, {}),
    "models-too-many": (serving("a/b", "x"), {"+": {"models": ["a/b", "c", "d", "e"]}}, {}),
    "upstream-429-2026": (
        serving("liquid/lfm-2.5-2.6b:free", "liquid"),
        {},
        everyone_fails(["liquid"], 429),
    ),
    "upstream-400": (serving("a/b", "crucible"), {}, everyone_fails(["crucible"], 400)),
    "docs-availability-model_not_found": (
        serving("a/b", "x"),
        {"+": {"model": "acme/fake-1.0"}},
        {"availability": True},
    ),
    "docs-availability-privacy_restricted": (
        serving("openai/gpt-5.2", "openai", "azure"),
        {"zdr": True},
        {"availability": True},
    ),
    "docs-availability-capacity_exhausted": (
        serving("anthropic/claude-sonnet-4.5", "anthropic", "amazon-bedrock"),
        {},
        {"availability": True, **everyone_fails(["anthropic", "amazon-bedrock"], 429)},
    ),
}
