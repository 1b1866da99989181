"""The records of server tools that called a model, by dialect (openrouter.md §A2.2)."""

import json
from collections.abc import Iterator
from typing import Any

from .routed import InnerRun, Routed
from .tool_list import BY_TYPE, item_type


def chat_records(routed: Routed) -> list[dict[str, Any]]:
    """Entries of `reasoning_details`, in the form set by the switch, without the model."""
    if routed.ask.switches.server_tool_record == "counts":
        return []
    return [
        {
            "type": "reasoning.server_tool_call",
            "tool_name": run.call.kind,
            "arguments": _arguments(run),
            "result": run.text,
            "tool_call_id": identity,
            "format": "unknown",
            "index": place,
        }
        for place, (identity, run) in enumerate(_shown(routed))
    ]


def response_records(routed: Routed) -> list[dict[str, Any]]:
    """Output items of a response; those under OpenRouter's own names include the model."""
    return [
        {
            "type": item_type(run.call.kind),
            "id": identity,
            "status": "completed" if run.routed else "failed",
            **({"model": _model(run)} if run.call.kind.startswith("openrouter:") else {}),
            "arguments": _arguments(run),
            "output": run.text,
        }
        for identity, run in _shown(routed)
    ]


def message_records(routed: Routed) -> list[dict[str, Any]]:
    """Content blocks of an Anthropic message: each call and its result."""
    blocks = []
    for identity, run in _shown(routed):
        name = BY_TYPE[run.call.kind].name
        use = {"type": "server_tool_use", "id": f"srvtoolu_{identity}", "name": name, "input": {}}
        result = {"type": f"{name}_result", "text": run.text}
        blocks += [
            use,
            {"type": f"{name}_tool_result", "tool_use_id": use["id"], "content": result},
        ]
    return blocks


def iterations(routed: Routed, whole: dict[str, int]) -> list[dict[str, Any]]:
    """`usage.iterations` of a message that an advisor took part in; `whole` are its own tokens."""
    advised = [run.routed for run in routed.inner if run.call.role == "advisor" and run.routed]
    if not advised:
        return []
    message = {"type": "message", **whole}
    begun = {"type": "message", "input_tokens": whole["input_tokens"], "output_tokens": 0}
    return [begun, *(_advice(each) for each in advised), message]


def _advice(routed: Routed) -> dict[str, Any]:
    usage = routed.completion.usage
    return {
        "type": "advisor_message",
        "model": routed.completion.row.model.id,
        "input_tokens": usage.uncached_tokens,
        "output_tokens": usage.completion_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
    }


def _shown(routed: Routed) -> Iterator[tuple[str, InnerRun]]:
    """The calls of tools, each with an id; a router's own calls are not shown."""
    for place, run in enumerate(routed.inner):
        if run.call.kind:
            yield f"{place}_{routed.completion.id}", run


def _model(run: InnerRun) -> str:
    return run.routed.completion.row.model.id if run.routed else run.call.model


def _arguments(run: InnerRun) -> str:
    return json.dumps({"prompt": f"A task for the {run.call.role}."})
