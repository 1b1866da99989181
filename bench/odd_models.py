"""The models for testing the verdicts: the shipped ones, and some with unusual listings."""

import json
from typing import Any

from app.simulator.catalog import SHIPPED
from tests.simulator.simulated import endpoint, model

OFFERED = (
    "qwen/qwen3-coder",
    "moonshotai/kimi-k2",
    "z-ai/glm-4.6",
    "openai/gpt-oss-120b",
    "meta-llama/llama-3.3-70b-instruct",
    "minimax/minimax-m2",
    "anthropic/claude-sonnet-4.6",
    "deepseek/deepseek-v4.1-flash",
    "mistralai/devstral-small",
    "openai/gpt-4.1-mini",
)
CLOSED = {"anthropic/claude-sonnet-4.6", "openai/gpt-4.1-mini"}
TIERS, FAMILIES, BARE = "acme/tiers", "acme/families", "acme/bare"
UNLABELLED, PRICED, NEWEST = "acme/unlabelled", "acme/priced", "acme/newest"
LATEST = "~acme/newest-latest"
MOVED = "acme/moved"
# Labels that differ from the first listing; only with --moved.
MOVES = {"moved-a/fp8": "fp4", "moved-b/fp4": "fp8"}


def catalog() -> list[dict[str, Any]]:
    """The shipped models, and some with unusual rows."""
    shipped: list[dict[str, Any]] = json.loads(SHIPPED.read_text("utf-8"))["models"]
    turbo = {"service_tier": "priority", "completion": "0.000006"}
    unnamed = endpoint("mystery", None)
    del unnamed["quantization"]
    unpriced = endpoint("gratis/fp8", "fp8", pricing=None)
    odd = [
        model(
            endpoint("openai", "unknown", provider_name="OpenAI"),
            endpoint("openai/fast", "unknown", provider_name="OpenAI", **turbo),
            endpoint("openai/flex", "unknown", provider_name="OpenAI", completion="0.0000005"),
            endpoint("deepinfra/fp8", provider_name="DeepInfra"),
            endpoint("deepinfra/turbo", "fp4", provider_name="DeepInfra", **turbo),
            endpoint("novita/fp8"),
            endpoint("novita/priority", "fp8", service_tier="priority", prompt="0.000003"),
            id=TIERS,
            hugging_face_id="acme/Tiers",
        ),
        model(
            endpoint("groq/mxfp8", "mxfp8"),
            endpoint("together/mxfp4", "mxfp4"),
            endpoint("nvidia/nvfp4", "nvfp4", provider_name="NVIDIA"),
            endpoint("deepinfra/fp8", "fp8", provider_name="DeepInfra"),
            endpoint("novita/fp4", "fp4"),
            endpoint("phala", "bf16"),
            id=FAMILIES,
            hugging_face_id="acme/Families",
        ),
        model(
            endpoint("novel-hosting/fp8", "fp8", provider_name="Novel Hosting, Inc."),
            endpoint("novel-hosting/fp4", "fp4", provider_name="Novel Hosting, Inc."),
            endpoint("acme-cloud", None, provider_name="The Acme Cloud"),
            unnamed,
            unpriced,
            endpoint("gratis/fp4", "fp4", pricing={}),
            endpoint("novita/bf16", "bf16"),
            id=BARE,
        ),
        model(
            endpoint("together", "unknown"),
            endpoint("parasail", "unknown"),
            endpoint("novita/fp8", "fp8"),
            endpoint("deepinfra/fp4", "fp4", provider_name="DeepInfra"),
            id=UNLABELLED,
            hugging_face_id="",
        ),
        model(
            endpoint("baseten/fp8", "fp8", provider_name="BaseTen", prompt="0.0000003"),
            endpoint("baseten/fast", "fp32", provider_name="BaseTen", prompt="0.0000006"),
            endpoint("baseten/fp4", "fp4", provider_name="BaseTen", prompt="0.0000003"),
            endpoint("novita/fp8", "fp8", prompt="0.0000005"),
            endpoint("novita/fp4", "fp4", prompt="0.0000004", input_cache_read="0.0000001"),
            endpoint("chutes", "fp8", overrides=[{"min_prompt_tokens": 5, "prompt": "0.000004"}]),
            id=PRICED,
            hugging_face_id="acme/Priced",
        ),
        model(
            endpoint("novita/bf16", "bf16"),
            endpoint("together/fp8", "fp8"),
            endpoint("parasail/bf16", "bf16"),
            id=NEWEST,
            hugging_face_id="acme/Newest",
        ),
        model(id=LATEST, alias_target={"slug": NEWEST, "name": "Newest"}, hugging_face_id=""),
        model(
            endpoint("moved-a/fp8", "fp8"),
            endpoint("moved-b/fp4", "fp4"),
            id=MOVED,
            hugging_face_id="acme/Moved",
        ),
    ]
    return [*shipped, *odd]
