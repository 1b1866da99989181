"""The JSON of an Anthropic message: its blocks, its stop reason, the whole object."""

import json
from typing import Any

from .ask import Ask
from .completion import Completion
from .metadata import metadata_field
from .routed import Routed
from .shapes import provider_field
from .tool_records import message_records
from .usage import messages_usage


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
