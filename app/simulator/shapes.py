"""The JSON of answers: chat, text completions, responses, messages."""

import json
from typing import Any

from app.simulator.ask import Ask
from app.simulator.completion import Completion
from app.simulator.metadata import metadata_field
from app.simulator.routed import Routed
from app.simulator.tool_records import chat_records, message_records, response_records
from app.simulator.usage import messages_usage, usage_field


def provider_field(ask: Ask, completion: Completion) -> dict[str, Any]:
    """The `provider` of an answer, in the form set by the switches."""
    if ask.switches.provider_field == "missing":
        return {}
    misreported = ask.server_tools and ask.switches.server_tools_misreport
    return {"provider": "OpenAI" if misreported else completion.row.name}


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


def reasoning_details(completion: Completion) -> list[dict[str, Any]]:
    """Entries of `reasoning_details`, if the model returned its reasoning; the seal is the last.

    A signature is an entry that continues the first one, as in a stream; see `whole_details`.
    """
    text, seal = completion.reasoning, completion.seal
    if not text:
        return []
    told = {"format": seal.format if seal else "unknown", "index": 0}
    if seal is None or seal.shows_text:
        details: list[dict[str, Any]] = [{"type": "reasoning.text", "text": text, **told}]
    else:
        details = [{"type": "reasoning.summary", "summary": text, **told}]
    if seal is not None and seal.signs_text:
        details.append({"type": "reasoning.text", "signature": seal.data, **told})
    elif seal is not None:
        named = _sealed_id(completion)
        sealed = {"type": "reasoning.encrypted", "data": seal.data, "id": named}
        details.append({**sealed, **told, "index": 1})
    return details


def whole_details(completion: Completion) -> list[dict[str, Any]]:
    """The same with one entry for each index."""
    whole: dict[int, dict[str, Any]] = {}
    for detail in reasoning_details(completion):
        whole[detail["index"]] = {**whole.get(detail["index"], {}), **detail}
    return [*whole.values()]


def _sealed_id(completion: Completion) -> str:
    """Gemini's seal belongs to the tool call, others to the reasoning."""
    call, seal = completion.tool_call, completion.seal
    return call.id if call and seal and seal.shows_text else f"rs_{completion.id}"


def chunk_choice(
    delta: dict[str, Any], finish: tuple[str | None, str | None] = (None, None)
) -> dict[str, Any]:
    """The choice of a chat chunk; `finish` is OpenRouter's reason and the provider's."""
    reason, native = finish
    return {
        "index": 0,
        "delta": {"role": "assistant", **delta},
        "finish_reason": reason,
        "native_finish_reason": native,
        "logprobs": None,
    }


def chat_body(ask: Ask, routed: Routed) -> dict[str, Any]:
    """A whole chat completion."""
    completion = routed.completion
    message: dict[str, Any] = {
        "role": "assistant",
        "content": completion.text or None,
        "refusal": None,
        "reasoning": completion.reasoning or None,
    }
    if details := [*chat_records(routed), *whole_details(completion)]:
        message["reasoning_details"] = details
    if completion.tool_call:
        message["tool_calls"] = tool_calls(completion)
    choice = {
        "index": 0,
        "logprobs": None,
        "finish_reason": completion.finish_reason,
        "native_finish_reason": completion.native_finish_reason,
        "message": message,
    }
    return {
        **chat_head(ask, completion, "chat.completion"),
        "service_tier": completion.row.tier,
        "system_fingerprint": None,
        "choices": [choice],
        **usage_field(routed),
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
        **usage_field(routed),
        **metadata_field(ask, routed),
    }


def response_items(routed: Routed) -> list[dict[str, Any]]:
    """The output items of a response: server tools, a reasoning item, then a message or a call."""
    completion = routed.completion
    items = response_records(routed)
    if completion.reasoning:
        summary = [{"type": "summary_text", "text": completion.reasoning}]
        item = {"type": "reasoning", "id": f"rs_{completion.id}", "summary": summary}
        items.append(item | _seal_of_item(routed))
    call = completion.tool_call
    if completion.text or call is None:
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
    items[-1]["status"] = _last_status(completion)
    return items


def _seal_of_item(routed: Routed) -> dict[str, Any]:
    """A signature, or the encrypted reasoning if the request includes it."""
    seal = routed.completion.seal
    if seal is None:
        return {}
    if seal.signs_text:
        return {"format": seal.format, "signature": seal.data}
    encrypted = {"encrypted_content": seal.data} if routed.ask.includes_sealed else {}
    return {"format": seal.format, **encrypted}


def _last_status(completion: Completion) -> str:
    """The status of the last item; it contradicts the response's if the endings mismatch."""
    if completion.defect == "finish_mismatch":
        return "incomplete"
    return response_status(completion)


_OUT_OF_TOKENS = {"reason": "max_output_tokens"}
_STATUSES = {"length": "incomplete", None: "in_progress"}


def response_status(completion: Completion) -> str:
    """The status of a response."""
    return _STATUSES.get(completion.finish_reason, "completed")


def response_body(ask: Ask, routed: Routed, *, begun: bool = False) -> dict[str, Any]:
    """A response object: finished, or as in its first events. It does not name the provider."""
    completion = routed.completion
    status = "in_progress" if begun else response_status(completion)
    body: dict[str, Any] = {
        "id": completion.id,
        "object": "response",
        "created_at": completion.created,
        "completed_at": None if begun else completion.created,
        "background": False,
        "model": completion.row.model.canonical,
        "status": status,
        "output": [] if begun else response_items(routed),
        "error": None,
        "incomplete_details": _OUT_OF_TOKENS if status == "incomplete" else None,
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
        "usage": None,
    }
    return body if begun else body | usage_field(routed) | metadata_field(ask, routed)


def message_blocks(routed: Routed) -> list[dict[str, Any]]:
    """The content blocks of an Anthropic message: server tools, thinking, the text, a call."""
    completion = routed.completion
    blocks = [*message_records(routed), *_thinking(routed)]
    call = completion.tool_call
    if completion.text or call is None:
        blocks.append({"type": "text", "text": completion.text})
    if call is not None:
        use = {"type": "tool_use", "id": call.id, "name": call.name}
        blocks.append(use | {"input": _input(call.arguments)})
    return blocks


def _thinking(routed: Routed) -> list[dict[str, Any]]:
    """The reasoning, if the request asks for it; its signature is empty if it has none."""
    completion = routed.completion
    seal = completion.seal
    if not completion.reasoning or not routed.ask.wants_reasoning:
        return []
    signature = seal.data if seal and seal.signs_text else ""
    blocks = [{"type": "thinking", "thinking": completion.reasoning, "signature": signature}]
    if seal and not seal.signs_text:
        blocks.append({"type": "redacted_thinking", "data": seal.data})
    return blocks


def _input(arguments: str) -> Any:
    """The arguments as JSON; arguments that are none stay a text."""
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def stop_reason(completion: Completion) -> str | None:
    """Anthropic's stop reason."""
    return _STOP_REASONS[completion.finish_reason] if completion.finish_reason else None


def message_head(ask: Ask, completion: Completion) -> dict[str, Any]:
    """An Anthropic message before its first content."""
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
        "content": message_blocks(routed),
        "stop_reason": stop_reason(completion),
        "usage": messages_usage(routed),
        **metadata_field(ask, routed),
    }
