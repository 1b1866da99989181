"""The JSON of a response: its items, its status, the whole object."""

from typing import Any

from .ask import Ask
from .completion import Completion
from .metadata import metadata_field
from .routed import Routed
from .tool_records import response_records
from .usage import usage_field


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
