"""The JSON of chat and of text completions."""

from typing import Any

from .ask import Ask
from .completion import Completion
from .metadata import metadata_field
from .routed import Routed
from .tool_records import chat_records
from .usage import usage_field


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
