"""The recorded answers, each with the dialect it is in and what an observer must learn of it."""

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.wire.dialect import DIALECTS, Dialect
from app.wire.observation import (
    Observation,
    ObservedError,
    RouterMetadata,
    Usage,
)
from app.wire.observer import Observer

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openrouter"
CHAT = DIALECTS["/chat/completions"]
RESPONSES = DIALECTS["/responses"]
MESSAGES = DIALECTS["/messages"]
EVENT_STREAM = "text/event-stream"

_PERMASLUG = "deepseek/deepseek-v4.1-flash-20260910"
_ROUTED = RouterMetadata(
    strategy="direct",
    region="MAD",
    is_byok=False,
    selected="DeepInfra",
    attempts=(),
)

# By file name: the dialect, and everything the stream says.
STREAMS: dict[str, tuple[Dialect, Observation]] = {
    "chat_grok4_only-xai_2025-11-02.trimmed.sse": (
        CHAT,
        Observation(
            answered=True,
            said=True,
            tool_calls=0,
            generation_id="gen-1762064096-m5VxL2xrxOREwashCey6",
            provider="xAI",
            provider_names=("xAI",),
            model="x-ai/grok-4",
            finish_reason="stop",
            native_finish_reason="completed",
            usage=Usage(
                prompt_tokens=687,
                cached_tokens=679,
                completion_tokens=187,
                reasoning_tokens=118,
                cost_usd=Decimal("0.00333825"),
                is_byok=False,
                upstream_prompt_cost=Decimal("0.00053325"),
                upstream_completion_cost=Decimal("0.002805"),
                upstream_cost_usd=Decimal("0.00333825"),
            ),
            done=True,
        ),
    ),
    "chat_bedrock_usage-empty-choices_2026-03-08.sse": (
        CHAT,
        Observation(
            answered=True,
            said=True,
            tool_calls=0,
            generation_id="gen-1773012759-4u9w7As08eMtL75bWtu8",
            provider="Amazon Bedrock",
            provider_names=("Amazon Bedrock",),
            model="anthropic/claude-4.6-sonnet-20260217",
            finish_reason="stop",
            native_finish_reason="stop",
            usage=Usage(
                prompt_tokens=254,
                cached_tokens=0,
                cache_write_tokens=0,
                completion_tokens=5,
                reasoning_tokens=0,
                cost_usd=Decimal("0.000837"),
                is_byok=False,
                upstream_prompt_cost=Decimal("0.000762"),
                upstream_completion_cost=Decimal("0.000075"),
                upstream_cost_usd=Decimal("0.000837"),
            ),
            done=True,
        ),
    ),
    "chat_gpt41mini_2026-08-11.sse": (
        CHAT,
        Observation(
            answered=True,
            said=True,
            tool_calls=0,
            generation_id="gen-1786465029-CAkqUciXgQW34RmFaTck",
            provider="OpenAI",
            provider_names=("OpenAI",),
            model="openai/gpt-4.1-mini",
            finish_reason="stop",
            native_finish_reason="completed",
            service_tier="default",
            usage=Usage(
                prompt_tokens=8174,
                cached_tokens=0,
                cache_write_tokens=0,
                completion_tokens=30,
                reasoning_tokens=0,
                cost_usd=Decimal("0.0133176"),
                is_byok=False,
                upstream_prompt_cost=Decimal("0.0032696"),
                upstream_completion_cost=Decimal("0.000048"),
                upstream_cost_usd=Decimal("0.0133176"),
                server_tools=True,
            ),
            done=True,
        ),
    ),
    "chat_servertool_provider-misreported_2026-08-14.trimmed.sse": (
        CHAT,
        Observation(
            answered=True,
            said=True,
            tool_calls=0,
            generation_id="gen-1786680764-gY2YTdjLLLQA6Cd1Wa6J",
            provider="OpenAI",  # StreamLake, by its price: the field is wrong with server tools
            provider_names=("OpenAI",),
            model="deepseek/deepseek-chat",
            finish_reason="stop",
            native_finish_reason="stop",
            usage=Usage(
                prompt_tokens=2317,
                cached_tokens=0,
                cache_write_tokens=0,
                completion_tokens=53,
                reasoning_tokens=0,
                cost_usd=Decimal("0.0076509169000000005"),
                upstream_prompt_cost=Decimal("0.0005963957999999999"),
                upstream_completion_cost=Decimal("0.0000545211"),
                upstream_cost_usd=Decimal("0.0006509169"),
                server_tools=True,
            ),
            done=True,
        ),
    ),
    "chat_midstream_error_2025-11-03.sse": (
        CHAT,
        Observation(
            answered=True,
            generation_id="gen-1762179802-UN8pkJI4AGZvryk0kFnb",
            provider="Minimax",
            provider_names=("Minimax",),
            model="minimax/minimax-m2:free",
            finish_reason="length",
            native_finish_reason="length",
            usage=Usage(
                prompt_tokens=43,
                cached_tokens=0,
                completion_tokens=10,
                reasoning_tokens=11,
                cost_usd=Decimal(0),
                is_byok=False,
                upstream_prompt_cost=Decimal(0),
                upstream_completion_cost=Decimal(0),
                upstream_cost_usd=Decimal(0),
            ),
            error=ObservedError("400", "Token limit reached"),
            done=True,
        ),
    ),
    "docs_midstream_error_examples.sse": (  # two streams in one file, neither with a terminator
        CHAT,
        Observation(
            generation_id="cmpl-abc123",
            provider="OpenAI",
            provider_names=("openai", "OpenAI"),
            model="openai/gpt-4o",
            finish_reason="error",
            error=ObservedError("server_error", "Provider disconnected unexpectedly"),
        ),
    ),
    "chat_with_router_metadata.COMPOSED.sse": (
        CHAT,
        Observation(
            answered=True,
            said=True,
            tool_calls=0,
            generation_id="gen-1790000000-COMPOSEDxxxxxxxxxxxx",
            provider="DeepInfra",
            provider_names=("DeepInfra",),
            model=_PERMASLUG,
            finish_reason="stop",
            native_finish_reason="stop",
            usage=Usage(
                prompt_tokens=20,
                cached_tokens=0,
                cache_write_tokens=0,
                completion_tokens=3,
                reasoning_tokens=0,
                cost_usd=Decimal("0.00000406"),
                is_byok=False,
                upstream_prompt_cost=Decimal("0.0000028"),
                upstream_completion_cost=Decimal("0.00000126"),
                upstream_cost_usd=Decimal("0.00000406"),
            ),
            metadata=_ROUTED,
            done=True,
        ),
    ),
    "responses_gpt4o_2026-08-04.sse": (
        RESPONSES,
        Observation(
            answered=True,
            said=True,
            tool_calls=0,
            generation_id="gen-1785882264-Dc8eXAHSnjmKOswYtXdR",
            model="openai/gpt-4o",
            finish_reason="completed",
            service_tier="auto",
            usage=Usage(
                prompt_tokens=17,
                cached_tokens=0,
                completion_tokens=4,
                reasoning_tokens=0,
                cost_usd=Decimal("0.0000825"),
                is_byok=False,
                upstream_prompt_cost=Decimal("0.0000425"),
                upstream_completion_cost=Decimal("0.00004"),
                upstream_cost_usd=Decimal("0.0000825"),
            ),
            done=True,
        ),
    ),
    "responses_toolcall_bare-comment_2026-08-04.sse": (
        RESPONSES,
        Observation(
            answered=True,
            said=True,
            tool_calls=1,
            generation_id="gen-1785882271-2B3yJ6vpOkI3nf9dZb6k",
            model="openai/gpt-4.1-mini",
            finish_reason="completed",
            service_tier="default",
            usage=Usage(
                prompt_tokens=42,
                cached_tokens=0,
                completion_tokens=12,
                reasoning_tokens=0,
                cost_usd=Decimal("0.000036"),
                is_byok=False,
                upstream_prompt_cost=Decimal("0.0000168"),
                upstream_completion_cost=Decimal("0.0000192"),
                upstream_cost_usd=Decimal("0.000036"),
            ),
            done=True,
        ),
    ),
    "messages_toolcall_2026-09-03.reframed.sse": (
        MESSAGES,
        Observation(
            answered=True,
            said=True,
            tool_calls=1,
            generation_id="gen-1",
            model="anthropic/claude-3-haiku",
            finish_reason="tool_use",
            usage=Usage(prompt_tokens=339, completion_tokens=53),
            done=True,
        ),
    ),
    "messages_metadata_on_stop.COMPOSED.sse": (
        MESSAGES,
        Observation(
            answered=True,
            said=True,
            tool_calls=0,
            generation_id="gen-1790000000-COMPOSEDxxxxxxxxxxxx",
            provider="DeepInfra",
            provider_names=("DeepInfra",),
            model="deepseek/deepseek-v4.1-flash",
            finish_reason="end_turn",
            usage=Usage(
                prompt_tokens=20,
                cached_tokens=0,
                cache_write_tokens=0,
                completion_tokens=3,
                cost_usd=Decimal("0.00000406"),
            ),
            metadata=_ROUTED,
            done=True,
        ),
    ),
}


def recorded(name: str) -> bytes:
    """The bytes of a recorded stream."""
    return (FIXTURES / "sse" / name).read_bytes()


def recorded_json(name: str) -> Any:
    """A recorded JSON file, decoded."""
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def observe(
    chunks: Iterable[bytes],
    dialect: Dialect = CHAT,
    *,
    content_type: str = EVENT_STREAM,
    content_encoding: str = "",
) -> Observation:
    """What an observer tells of a body that comes in `chunks`."""
    observer = Observer(dialect, content_type=content_type, content_encoding=content_encoding)
    for chunk in chunks:
        observer.feed(chunk)
    return observer.close()


def observe_body(body: object, dialect: Dialect = CHAT) -> Observation:
    """What an observer tells of `body` as the JSON of an answer that is no stream."""
    return observe([json.dumps(body).encode()], dialect, content_type="application/json")


def events(*frames: object) -> bytes:
    """A stream with one event for each frame."""
    return b"".join(b"data: %s\n\n" % json.dumps(frame).encode() for frame in frames)
