"""The JSON of answers: chat, text completions, responses, messages; and router metadata."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.simulator.ask import Ask
from app.simulator.catalog import Row
from app.simulator.completion import Completion, Usage
from app.simulator.router import Routed


def number(amount: Decimal) -> float | int:
    """Money as JSON has it: digits as they are, no exponent forced."""
    return float(amount) if amount else 0


def provider_field(ask: Ask, completion: Completion) -> dict[str, Any]:
    """The `provider` of an answer, as the switches have it."""
    if ask.switches.provider_field == "missing":
        return {}
    misreported = ask.server_tools and ask.switches.server_tools_misreport
    return {"provider": "OpenAI" if misreported else completion.row.name}


def metadata_field(ask: Ask, routed: Routed) -> dict[str, Any]:
    """`openrouter_metadata`, if the request asked for it."""
    return {"openrouter_metadata": metadata(ask, routed)} if ask.wants_metadata else {}


def metadata(ask: Ask, routed: Routed) -> dict[str, Any]:
    """The router's account (contract §4)."""
    row = routed.completion.row
    told: dict[str, Any] = {
        "requested": ask.requested,
        "strategy": routed.strategy,
        "region": "iad",
        "summary": f"available={len(routed.available)}, selected={row.name}",
        "attempt": len(routed.attempts),
        "is_byok": False,
        "endpoints": {
            "total": len(routed.available),
            "available": [
                {"provider": r.name, "model": r.model.canonical, "selected": r is row}
                for r in routed.available
            ],
        },
    }
    if len(routed.attempts) > 1:
        told["summary"] = (
            f"available={len(routed.available)}, attempts={len(routed.attempts)}, "
            f"selected={row.name}"
        )
        told["attempts"] = attempts_made(routed.attempts)
    return told


def attempts_made(attempts: Sequence[tuple[Row, int]]) -> list[dict[str, Any]]:
    """Every host that got the prompt, with the status it answered."""
    return [
        {"provider": row.name, "model": row.model.canonical, "status": status}
        for row, status in attempts
    ]


def chat_usage(ask: Ask, completion: Completion) -> dict[str, Any]:
    """`usage` of chat and text completions."""
    usage = completion.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "cost": number(usage.cost),
        "is_byok": False,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "cost_details": {
            "upstream_inference_cost": number(usage.cost),
            "upstream_inference_prompt_cost": number(usage.prompt_cost),
            "upstream_inference_completions_cost": number(usage.completion_cost),
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "image_tokens": 0,
            "audio_tokens": 0,
        },
        **(_SERVER_TOOLS if ask.server_tools else {}),
    }


# The simulated model uses a server tool once whenever it has one.
_SERVER_TOOLS: dict[str, Any] = {
    "server_tool_use_details": {
        "web_search_requests": 1,
        "tool_calls_requested": 1,
        "tool_calls_executed": 1,
    }
}


def chat_head(ask: Ask, completion: Completion, kind: str) -> dict[str, Any]:
    """What every chat body and chunk starts with."""
    return {
        "id": completion.id,
        "object": kind,
        "created": completion.created,
        "model": completion.row.model.canonical,
        **provider_field(ask, completion),
    }


def tool_calls(completion: Completion) -> list[dict[str, Any]]:
    """Tool calls in chat's shape."""
    call = completion.tool_call
    if call is None:
        return []
    function = {"name": call.name, "arguments": call.arguments}
    return [{"index": 0, "id": call.id, "type": "function", "function": function}]


def reasoning_details(text: str) -> list[dict[str, Any]]:
    """`reasoning_details` of a chat delta or message."""
    return [{"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}]


def chat_body(ask: Ask, routed: Routed) -> dict[str, Any]:
    """A whole chat completion."""
    completion = routed.completion
    message: dict[str, Any] = {
        "role": "assistant",
        "content": completion.text or None,
        "refusal": None,
        "reasoning": completion.reasoning or None,
    }
    if completion.reasoning:
        message["reasoning_details"] = reasoning_details(completion.reasoning)
    if completion.tool_call:
        message["tool_calls"] = tool_calls(completion)
    choice = {
        "index": 0,
        "logprobs": None,
        "finish_reason": completion.finish_reason,
        "native_finish_reason": completion.finish_reason,
        "message": message,
    }
    return {
        **chat_head(ask, completion, "chat.completion"),
        "service_tier": completion.row.tier,
        "system_fingerprint": None,
        "choices": [choice],
        "usage": chat_usage(ask, completion),
        **metadata_field(ask, routed),
    }


def text_body(ask: Ask, routed: Routed) -> dict[str, Any]:
    """A whole text completion."""
    completion = routed.completion
    choice = {
        "index": 0,
        "logprobs": None,
        "finish_reason": completion.finish_reason,
        "text": completion.text,
    }
    return {
        **chat_head(ask, completion, "text_completion"),
        "choices": [choice],
        "usage": chat_usage(ask, completion),
        **metadata_field(ask, routed),
    }


def responses_usage(usage: Usage) -> dict[str, Any]:
    """`usage` of a response."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "cost": number(usage.cost),
        "is_byok": False,
        "cost_details": {
            "upstream_inference_cost": number(usage.cost),
            "upstream_inference_input_cost": number(usage.prompt_cost),
            "upstream_inference_output_cost": number(usage.completion_cost),
        },
    }


def response_items(completion: Completion) -> list[dict[str, Any]]:
    """The output items of a response: a reasoning item, then a call or a message."""
    items: list[dict[str, Any]] = []
    if completion.reasoning:
        summary = [{"type": "summary_text", "text": completion.reasoning}]
        items.append({"type": "reasoning", "id": f"rs_{completion.id}", "summary": summary})
    call = completion.tool_call
    if call is not None:
        items.append(
            {
                "type": "function_call",
                "id": f"fc_{call.id}",
                "call_id": call.id,
                "name": call.name,
                "arguments": call.arguments,
                "status": "completed",
            }
        )
    else:
        part = {"type": "output_text", "text": completion.text, "annotations": [], "logprobs": []}
        items.append(
            {
                "type": "message",
                "id": f"msg_{completion.id}",
                "role": "assistant",
                "status": "completed",
                "content": [part],
            }
        )
    return items


def response_body(ask: Ask, routed: Routed, *, begun: bool = False) -> dict[str, Any]:
    """A response object: finished, or as its first events show it. It names no provider."""
    completion = routed.completion
    body: dict[str, Any] = {
        "id": completion.id,
        "object": "response",
        "created_at": completion.created,
        "completed_at": None if begun else completion.created,
        "background": False,
        "model": completion.row.model.canonical,
        "status": "in_progress" if begun else "completed",
        "output": [] if begun else response_items(completion),
        "error": None,
        "incomplete_details": None,
        "instructions": ask.body.get("instructions"),
        "max_output_tokens": ask.body.get("max_output_tokens"),
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "presence_penalty": ask.body.get("presence_penalty") or 0,
        "frequency_penalty": ask.body.get("frequency_penalty") or 0,
        "max_tool_calls": ask.body.get("max_tool_calls"),
        "top_logprobs": 0,
        "prompt_cache_key": ask.body.get("prompt_cache_key"),
        "reasoning": ask.body.get("reasoning"),
        "safety_identifier": None,
        "service_tier": completion.row.tier or "default",
        "store": False,
        "temperature": ask.body.get("temperature", 1),
        "text": ask.body.get("text") or {"format": {"type": "text"}},
        "tool_choice": ask.body.get("tool_choice") or "auto",
        "tools": ask.body.get("tools") or [],
        "top_p": ask.body.get("top_p", 1),
        "truncation": "disabled",
        "usage": None if begun else responses_usage(completion.usage),
    }
    return body if begun else body | metadata_field(ask, routed)


def messages_usage(completion: Completion) -> dict[str, Any]:
    """`usage` of an Anthropic message, with OpenRouter's cost."""
    usage = completion.usage
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
        "service_tier": completion.row.tier or "standard",
        "cost": number(usage.cost),
        "is_byok": False,
        "cost_details": {
            "upstream_inference_cost": number(usage.cost),
            "upstream_inference_prompt_cost": number(usage.prompt_cost),
            "upstream_inference_completions_cost": number(usage.completion_cost),
        },
    }


def message_blocks(completion: Completion) -> list[dict[str, Any]]:
    """The content blocks of an Anthropic message."""
    call = completion.tool_call
    if call is None:
        return [{"type": "text", "text": completion.text}]

    return [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)}
    ]


_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def stop_reason(completion: Completion) -> str:
    """Anthropic's word for why it ended."""
    return _STOP_REASONS[completion.finish_reason]


def message_head(ask: Ask, completion: Completion) -> dict[str, Any]:
    """An Anthropic message before it says anything."""
    return {
        "id": completion.id,
        "type": "message",
        "role": "assistant",
        "model": completion.row.model.canonical,
        **provider_field(ask, completion),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def message_body(ask: Ask, routed: Routed) -> dict[str, Any]:
    """A whole Anthropic message."""
    completion = routed.completion
    return {
        **message_head(ask, completion),
        "content": message_blocks(completion),
        "stop_reason": stop_reason(completion),
        "usage": messages_usage(completion),
        **metadata_field(ask, routed),
    }
