"""Answers in four dialects, whole and streamed, from one description of what a model said.

A description is a dict: `text`, `calls` (pairs of name and arguments), `finish` in chat's words,
`refusal`, `reasoning`, `tokens`. A request is one too: `tools` (name to schema), `schema`, `json`,
`most`, and `extra` for other fields.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from app.defects.find import defects_in
from app.defects.offered import asked_of
from app.wire.dialect import DIALECTS
from app.wire.kept import MOST_KEPT
from app.wire.observer import Observer

Said = dict[str, Any]
ROWS = {row.name: row for row in DIALECTS.values()}
_MESSAGES_FINISH = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def finds(
    dialect: str,
    request: dict[str, Any],
    chunks: Iterable[bytes],
    *,
    streamed: bool,
    keep: int = MOST_KEPT,
) -> tuple[str, ...]:
    """The names that a recorder would get: by an observer, fed piece by piece."""
    content_type = "text/event-stream" if streamed else "application/json"
    observer = Observer(ROWS[dialect], content_type=content_type, keep=keep)
    for chunk in chunks:
        observer.feed(chunk)
    seen, kept = observer.close(), observer.kept
    assert kept is not None
    fields = msgspec.json.decode(json.dumps(request), type=dict[str, msgspec.Raw])
    return defects_in(kept, seen, asked_of(fields))


# --- requests ---------------------------------------------------------------------------------


def request_of(dialect: str, asked: Said) -> dict[str, Any]:
    """A request in a dialect's shape."""
    request: dict[str, Any] = {"model": "acme/sim-1"}
    tools = asked.get("tools", {})
    if tools:
        request["tools"] = [_tool(dialect, name, schema) for name, schema in tools.items()]
    if "schema" in asked or asked.get("json"):
        request |= _format(dialect, asked.get("schema"))
    if "most" in asked:
        request["max_output_tokens" if dialect == "responses" else "max_tokens"] = asked["most"]
    request |= asked.get("extra", {})
    return request


def _tool(dialect: str, name: str, schema: Any) -> dict[str, Any]:
    if dialect == "chat":
        return {"type": "function", "function": {"name": name, "parameters": schema}}
    if dialect == "messages":
        return {"name": name, "input_schema": schema}
    return {"type": "function", "name": name, "parameters": schema}


def _format(dialect: str, schema: Any) -> dict[str, Any]:
    kind = {"type": "json_object"} if schema is None else {"type": "json_schema"}
    named = {} if schema is None else {"name": "it", "schema": schema}
    if dialect == "responses":
        return {"text": {"format": kind | named}}
    if dialect == "messages":
        return {"output_config": {"format": kind | named}}
    return {"response_format": kind | ({"json_schema": named} if named else {})}


# --- whole bodies -----------------------------------------------------------------------------


def body_of(dialect: str, said: Said) -> bytes:
    """A whole body."""
    return json.dumps(_BODIES[dialect](said), ensure_ascii=said.get("ascii", False)).encode()


def _chat(said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.get("text")}
    message |= {name: said[name] for name in ("refusal", "reasoning") if name in said}
    if calls := said.get("calls"):
        message["tool_calls"] = [_chat_call(at, *call) for at, call in enumerate(calls)]
    choice = {"index": 0, "message": message, "finish_reason": said.get("finish", "stop")}
    return _envelope() | {"choices": [choice], "usage": _usage(said, "prompt", "completion")}


def _chat_call(at: int, name: str, arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"index": at, "id": f"call_{at}", "type": "function", "function": function}


def _completion(said: Said) -> dict[str, Any]:
    choice = {"index": 0, "text": said.get("text"), "finish_reason": said.get("finish", "stop")}
    return _envelope() | {"choices": [choice], "usage": _usage(said, "prompt", "completion")}


def _messages(said: Said) -> dict[str, Any]:
    finish = said.get("finish", "stop")
    blocks: list[dict[str, Any]] = (
        [] if "reasoning" not in said else [{"type": "thinking", "thinking": "hm"}]
    )
    if said.get("text"):
        blocks.append({"type": "text", "text": said["text"]})
    for at, (name, arguments) in enumerate(said.get("calls", ())):
        blocks.append({"type": "tool_use", "id": f"t{at}", "name": name, "input": _json(arguments)})
    told: dict[str, Any] = {"type": "message", "role": "assistant", "content": blocks}
    told["stop_reason"] = "refusal" if "refusal" in said else _MESSAGES_FINISH.get(finish, finish)
    return _envelope() | told | {"usage": _usage(said, "input", "output")}


def _json(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _responses(said: Said) -> dict[str, Any]:
    limited = said.get("finish") == "length"
    output: list[dict[str, Any]] = []
    if "reasoning" in said:
        output.append({"type": "reasoning", "summary": []})
    if said.get("text") or "refusal" in said:
        part: dict[str, Any] = {"type": "output_text", "text": said.get("text")}
        if "refusal" in said:
            part = {"type": "refusal", "refusal": said["refusal"]}
        output.append({"type": "message", "role": "assistant", "content": [part]})
    for at, (name, arguments) in enumerate(said.get("calls", ())):
        call = {"type": "function_call", "call_id": f"c{at}", "name": name, "arguments": arguments}
        output.append(call)
    told = {"object": "response", "status": "incomplete" if limited else "completed"}
    details = {"reason": "max_output_tokens"} if limited else None
    usage = _usage(said, "input", "output")
    return _envelope() | told | {"output": output, "incomplete_details": details, "usage": usage}


def _envelope() -> dict[str, Any]:
    return {"id": "gen-1", "provider": "DeepInfra", "model": "acme/sim-1"}


def _usage(said: Said, prompt: str, completion: str) -> dict[str, Any]:
    return {f"{prompt}_tokens": 10, f"{completion}_tokens": said.get("tokens", 9)}


_BODIES = {
    "chat": _chat,
    "completions": _completion,
    "messages": _messages,
    "responses": _responses,
}

# --- streams ----------------------------------------------------------------------------------


def stream_of(dialect: str, said: Said, piece: int = 4) -> bytes:
    """The same answer as a stream, its text and arguments in pieces of some characters."""
    body = _BODIES[dialect](said)
    events = _STREAMS[dialect](body, piece)
    lines = (json.dumps(event, ensure_ascii=said.get("ascii", False)) for event in events)
    return "".join(f"data: {line}\n\n" for line in (*lines,)).encode() + b"data: [DONE]\n\n"


def _pieces(text: Any, size: int) -> Iterator[str]:
    if isinstance(text, str):
        yield from (text[at : at + size] for at in range(0, len(text), size))


def _stream_choice(body: dict[str, Any], size: int) -> Iterator[dict[str, Any]]:
    choice = body["choices"][0]
    message = choice.get("message", {})
    usage, body = body["usage"], {name: body[name] for name in ("id", "provider", "model")}

    def event(**said: Any) -> dict[str, Any]:
        return body | {"choices": [{"index": 0, "finish_reason": None} | said]}

    for piece in _pieces(choice.get("text"), size):
        yield event(text=piece)
    for name in ("reasoning", "refusal", "content"):
        for piece in _pieces(message.get(name), size):
            yield event(delta={"role": "assistant", name: piece})
    for at, call in enumerate(message.get("tool_calls", ())):
        first = call | {"function": call["function"] | {"arguments": ""}}
        yield event(delta={"content": None, "tool_calls": [first]})
        for piece in _pieces(call["function"]["arguments"], size):
            yield event(delta={"tool_calls": [{"index": at, "function": {"arguments": piece}}]})
    last = {"text": ""} if "text" in choice else {"delta": {"content": ""}}
    yield event(**last, finish_reason=choice["finish_reason"])
    yield body | {"choices": [], "usage": usage}


def _stream_blocks(body: dict[str, Any], size: int) -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": body | {"content": [], "stop_reason": None}}
    for at, block in enumerate(body["content"]):
        begun = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
        yield {"type": "content_block_start", "index": at, "content_block": begun}
        if block["type"] == "text":
            deltas = [{"type": "text_delta", "text": each} for each in _pieces(block["text"], size)]
        else:
            told = block.get("input", "")
            told = told if isinstance(told, str) else json.dumps(told)
            kind = "input_json_delta"
            deltas = [{"type": kind, "partial_json": each} for each in _pieces(told, size)]
        for delta in deltas:
            yield {"type": "content_block_delta", "index": at, "delta": delta}
        yield {"type": "content_block_stop", "index": at}
    stop = {"stop_reason": body["stop_reason"]}
    yield {"type": "message_delta", "delta": stop, "usage": body["usage"]}
    yield {"type": "message_stop"}


def _stream_items(body: dict[str, Any], size: int) -> Iterator[dict[str, Any]]:
    begun = body | {"output": [], "status": "in_progress", "usage": None}
    yield {"type": "response.created", "response": begun}
    for at, item in enumerate(body["output"]):
        started = {**item, "content": [], "arguments": "", "status": "in_progress"}
        yield {"type": "response.output_item.added", "output_index": at, "item": started}
        for part in item.get("content", ()):
            for piece in _pieces(part.get("text"), size):
                yield {"type": "response.output_text.delta", "output_index": at, "delta": piece}
        for piece in _pieces(item.get("arguments"), size):
            kind = "response.function_call_arguments.delta"
            yield {"type": kind, "output_index": at, "delta": piece}
        yield {"type": "response.output_item.done", "output_index": at, "item": item}
    yield {"type": f"response.{body['status']}", "response": body}


_STREAMS = {
    "chat": _stream_choice,
    "completions": _stream_choice,
    "messages": _stream_blocks,
    "responses": _stream_items,
}
