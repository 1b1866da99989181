"""Errors under status 200, instead of an answer or after some tokens (openrouter.md §3.3, §A5.3).

The positions of the switch `error_in_200`; if a dialect has no shape of its own for a position,
it answers as with "body". A stream consists of that one event.

| Position | chat, completions | responses | messages |
|---|---|---|---|
| body | `{"error": {...}, "user_id": ...}` | the same | Anthropic's envelope |
| text | `{"error": "...", "user_id": ...}` | the same | a string in the envelope |
| failed | a choice with an `error` | a response with status `failed`, `response.failed` | |
| event, response_error | | an event of type `error` or `response.error` | |
"""

from collections.abc import Iterator
from typing import Any

from .ask import Ask
from .metadata import metadata_field
from .refusals import Refusal
from .response_shapes import response_body
from .routed import Routed
from .shapes import chat_head, chunk_choice
from .sse import DONE, data, event
from .usage import chat_usage

_FAILED = "Provider returned error"
_DISCONNECTED = "Provider disconnected unexpectedly"
_REASON: dict[str, Any] = {"code": 502, "message": _FAILED}


def error_body(ask: Ask, routed: Routed) -> dict[str, Any]:
    """The whole body that is sent instead of an answer."""
    position, messages = ask.switches.error_in_200, ask.dialect == "messages"
    if position == "failed" and not messages:
        return _failed_body(ask, routed)
    refusal = Refusal(502, _FAILED)
    refusal.request_id = routed.completion.id
    body = refusal.body("anthropic" if messages else "openai")
    body |= {} if messages else {"user_id": "user_simulated"}
    return body | ({"error": _FAILED} if position == "text" else {})


def error_stream(ask: Ask, routed: Routed) -> Iterator[bytes]:
    """The stream that is sent instead of an answer: one event, and no final event."""
    body, position = error_body(ask, routed), ask.switches.error_in_200
    if ask.dialect == "messages":
        yield event("error", body)
    elif ask.dialect == "responses" and position in _RESPONSE_EVENTS:
        kind, told = _RESPONSE_EVENTS[position]
        response = {"response": body} if position == "failed" else {}
        yield data({"type": kind, "sequence_number": 0, **told, **response})
    else:
        yield data(body)


# The type of the event, and its content; the first type has it inside its response.
_RESPONSE_EVENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "failed": ("response.failed", {}),
    "event": ("error", {**_REASON, "code": "server_error", "param": None}),
    "response_error": ("response.error", {"error": _REASON}),
}


def _failed_body(ask: Ask, routed: Routed) -> dict[str, Any]:
    """An answer that reports its own failure; for a stream, its only frame."""
    if ask.dialect == "responses":
        return _failed_response(ask, routed, _FAILED) | metadata_field(ask, routed)
    chunk = bool(ask.body.get("stream"))
    said: dict[str, Any] = {"index": 0, "text": ""}
    kind = "text_completion"
    if ask.dialect == "chat":
        kind = "chat.completion.chunk" if chunk else "chat.completion"
        said = chunk_choice({"content": ""})
        if not chunk:
            said["message"] = said.pop("delta")
    failed = {**said, "finish_reason": "error", "error": _REASON}
    told = metadata_field(ask, routed)
    return {**chat_head(ask, routed.completion, kind), "choices": [failed], **told}


def _failed_response(ask: Ask, routed: Routed, message: str) -> dict[str, Any]:
    reason = {"code": "server_error", "message": message}
    return {**response_body(ask, routed, begun=True), "status": "failed", "error": reason}


def error_frames(ask: Ask, routed: Routed, place: int) -> Iterator[bytes]:
    """An error after tokens were sent, in the form set by `stream_error`; it ends the stream.

    `place` is the number of events before it.
    """
    completion = routed.completion
    if ask.dialect == "messages":
        told = {"type": "api_error", "message": _DISCONNECTED}
        yield event("error", {"type": "error", "error": told})
    elif ask.dialect == "responses":
        failed = _failed_response(ask, routed, _DISCONNECTED)
        yield data({"type": "response.failed", "sequence_number": place, "response": failed})
    else:
        kind = "chat.completion.chunk" if ask.dialect == "chat" else "text_completion"
        said = chunk_choice({"content": ""}) if ask.dialect == "chat" else {"index": 0, "text": ""}
        head = chat_head(ask, completion, kind)
        if ask.switches.stream_error == "documented":
            choice = {**said, "finish_reason": "error"}
            error: dict[str, Any] = {"code": "server_error", "message": _DISCONNECTED}
            yield data({**head, "error": error, "choices": [choice]})
            return
        choice = {**said, "finish_reason": None}
        error = {"code": 400, "message": "Token limit reached"}
        if ask.switches.stream_error == "nested":
            named = {"raw": _DISCONNECTED, "provider_name": completion.row.name}
            error = {**_REASON, "metadata": named}
        usage = {"usage": chat_usage(routed)}
        yield data({**head, "error": error, "choices": [choice], **usage})
        yield DONE
