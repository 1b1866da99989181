"""The event streams of each dialect, frame by frame, as bytes (openrouter.md §3.1)."""

from collections.abc import Iterator
from typing import Any

from .ask import Ask
from .completion import Completion
from .failing import error_frames, error_stream
from .message_shapes import message_blocks, message_head, stop_reason
from .metadata import metadata, metadata_field
from .response_shapes import response_body, response_items, response_status
from .routed import Routed
from .shapes import chat_head, chunk_choice, reasoning_details, tool_calls
from .sse import COMMENT, DONE, data, event
from .tool_records import chat_records
from .usage import messages_usage, usage_field


def frames(ask: Ask, routed: Routed) -> Iterator[bytes]:
    """The stream of one answer, in the form set by the switches; a cut ends it early."""
    switches = ask.switches
    stream = error_stream if switches.error_in_200 else _STREAMS[ask.dialect]
    made = list(stream(ask, routed))
    said = routed.completion.text or routed.completion.tool_call
    if switches.stream_error and said:  # it comes after some tokens
        begun = made[: len(made) // 2]
        made = [*begun, *error_frames(ask, routed, len(begun))]
    elif switches.cut == "mid_stream":
        made = made[: len(made) // 2]
    elif switches.cut == "no_done":
        made = made[:-1]
    between = switches.comments // 2
    yield from [COMMENT] * switches.comments
    for place, frame in enumerate(made):
        yield frame
        if place == 1:
            yield from [COMMENT] * between


Finish = tuple[str | None, str | None]  # OpenRouter's finish reason, and the provider's


def _chat(ask: Ask, routed: Routed) -> Iterator[bytes]:
    completion = routed.completion
    head = chat_head(ask, completion, "chat.completion.chunk")
    told = metadata_field(ask, routed)
    where = ask.switches.metadata_frame

    def chunk(delta: dict[str, Any], finish: Finish = (None, None), **more: Any) -> bytes:
        return data({**head, "choices": [chunk_choice(delta, finish)], **more})

    yield chunk({"content": ""}, **(told if where == "first" else {}))
    if records := chat_records(routed):
        yield chunk({"content": "", "reasoning_details": records})
    for place, detail in enumerate(reasoning_details(completion)):
        plain = {} if place else {"reasoning": completion.reasoning}
        yield chunk({"content": "", **plain, "reasoning_details": [detail]})
    yield from (chunk({"content": piece}) for piece in completion.pieces)
    yield from (chunk(delta) for delta in _tool_deltas(completion))
    if completion.finish_reason is None:
        return
    finish = (completion.finish_reason, completion.native_finish_reason)
    usage, last = usage_field(routed), told if where == "usage" else {}
    yield chunk({"content": ""}, finish, **({} if usage else last))
    if where == "own":
        yield data({**head, "choices": [], **told})
    if usage:
        ends = usage | last
        shapes = {
            "a": lambda: chunk({"content": ""}, **ends),
            "b": lambda: data({**head, "choices": [], **ends}),
            "c": lambda: chunk({"content": ""}, finish, service_tier=completion.row.tier, **ends),
        }
        yield shapes[ask.switches.usage_chunk]()
    yield DONE


def _tool_deltas(completion: Completion) -> Iterator[dict[str, Any]]:
    """A call in pieces: its name first, then its arguments piece by piece."""
    for call in tool_calls(completion):
        arguments = call["function"]["arguments"]
        opening = {**call, "function": {**call["function"], "arguments": ""}}
        yield {"content": None, "tool_calls": [opening]}
        for start in range(0, len(arguments), 12):
            piece = {"arguments": arguments[start : start + 12]}
            yield {"tool_calls": [{"index": 0, "function": piece}]}


def _text(ask: Ask, routed: Routed) -> Iterator[bytes]:
    completion = routed.completion
    head = chat_head(ask, completion, "text_completion")
    for piece in completion.pieces:
        yield data({**head, "choices": [{"index": 0, "text": piece, "finish_reason": None}]})
    if completion.finish_reason is None:
        return
    last = {"index": 0, "text": "", "finish_reason": completion.finish_reason}
    told = metadata_field(ask, routed)
    yield data({**head, "choices": [last], **usage_field(routed), **told})
    yield DONE


def _responses(ask: Ask, routed: Routed) -> Iterator[bytes]:
    for number, told in enumerate(_response_events(ask, routed)):
        yield data({"type": told.pop("type"), "sequence_number": number, **told})
    if routed.completion.finish_reason is not None:
        yield DONE


def _response_events(ask: Ask, routed: Routed) -> Iterator[dict[str, Any]]:
    begun = response_body(ask, routed, begun=True)
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    items = response_items(routed)
    for place, item in enumerate(items):
        finished = routed.completion.finish_reason is not None or item is not items[-1]
        at = {"output_index": place, "item_id": item["id"]}
        empty = {"content": [], "arguments": "", "summary": []}
        opening = {**item, **{key: value for key, value in empty.items() if key in item}}
        if "status" in item:
            opening["status"] = "in_progress"
        yield {"type": "response.output_item.added", "output_index": place, "item": opening}
        events = _PARTS.get(item["type"], _no_part)(routed.completion, item, at)
        yield from (each for each in events if finished or not each["type"].endswith(".done"))
        if finished:
            yield {"type": "response.output_item.done", "output_index": place, "item": item}
    if routed.completion.finish_reason is not None:
        ended = f"response.{response_status(routed.completion)}"
        yield {"type": ended, "response": response_body(ask, routed)}


def _message_part(
    completion: Completion, item: dict[str, Any], at: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    part = item["content"][0]
    at = {**at, "content_index": 0}
    yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
    for piece in completion.pieces:
        yield {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": part}


def _call_part(
    _completion: Completion, item: dict[str, Any], at: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    arguments = item["arguments"]
    for start in range(0, len(arguments), 12):
        piece = arguments[start : start + 12]
        yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
    done = {"arguments": arguments, "name": item["name"]}
    yield {"type": "response.function_call_arguments.done", **at, **done}


def _reasoning_part(
    completion: Completion, item: dict[str, Any], at: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    at = {**at, "summary_index": 0}
    part = item["summary"][0]
    yield {"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}}
    text = completion.reasoning
    yield {"type": "response.reasoning_summary_text.delta", **at, "delta": text}
    yield {"type": "response.reasoning_summary_text.done", **at, "text": text}
    yield {"type": "response.reasoning_summary_part.done", **at, "part": part}


def _no_part(
    _completion: Completion, _item: dict[str, Any], _at: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    return iter(())


_PARTS = {"message": _message_part, "function_call": _call_part, "reasoning": _reasoning_part}


def _messages(ask: Ask, routed: Routed) -> Iterator[bytes]:
    completion = routed.completion
    usage = messages_usage(routed)
    opening = {**message_head(ask, completion), "usage": {**usage, "output_tokens": 0, "cost": 0}}
    yield event("message_start", {"type": "message_start", "message": opening})
    yield from _blocks(routed)
    if completion.finish_reason is None:
        return
    yield event(
        "message_delta",
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason(completion), "stop_sequence": None},
            "usage": usage,
        },
    )
    stop: dict[str, Any] = {"type": "message_stop"}
    if ask.wants_metadata:
        stop["openrouter_metadata"] = metadata(ask, routed)
    yield event("message_stop", stop)
    yield b"event: data\ndata: [DONE]\n\n"


def _blocks(routed: Routed) -> Iterator[bytes]:
    """Each content block: server tool blocks whole, the rest in pieces."""
    completion = routed.completion
    for place, block in enumerate(message_blocks(routed)):
        start, deltas = block, list[dict[str, str]]()
        if block["type"] == "text":
            start = {**block, "text": ""}
            deltas = [{"type": "text_delta", "text": piece} for piece in completion.pieces]
        elif block["type"] == "thinking":
            start = {**block, "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": block["thinking"]}]
            if block["signature"]:
                deltas.append({"type": "signature_delta", "signature": block["signature"]})
        elif block["type"] == "tool_use" and completion.tool_call:
            start, arguments = {**block, "input": {}}, completion.tool_call.arguments
            pieces = [arguments[at : at + 12] for at in range(0, len(arguments), 12)]
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        yield from _block(place, start, deltas)


def _block(place: int, start: dict[str, Any], deltas: list[dict[str, str]]) -> Iterator[bytes]:
    at = {"index": place}
    yield event(
        "content_block_start", {"type": "content_block_start", **at, "content_block": start}
    )
    for delta in deltas:
        yield event("content_block_delta", {"type": "content_block_delta", **at, "delta": delta})
    yield event("content_block_stop", {"type": "content_block_stop", **at})


_STREAMS = {
    "chat": _chat,
    "completions": _text,
    "responses": _responses,
    "messages": _messages,
}
