"""What an answer said, as one value, from what its observer kept. Runs after the last byte."""

import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..wire.kept import Kept
from ..wire.observation import Observation
from .json_text import parsed

# The reasons to finish after which an answer is whole, as far as the model is concerned.
# Unknown words count as none: providers have their own.
STOPPED = frozenset(
    {"stop", "tool_calls", "function_call", "end_turn", "stop_sequence", "tool_use", "completed"}
)
_THOUGHTS = ("thinking", "redacted_thinking")  # a tuple: a type may be of any type
AT_LIMIT = frozenset({"length", "max_tokens", "max_output_tokens"})


class Call(NamedTuple):
    """A tool call. `arguments` as text, None where they are no text; `free`: they need no JSON."""

    name: str
    arguments: str | None
    free: bool = False


class Reading(NamedTuple):
    """One answer. `whole`: nothing of what the model said is missing here, and it ended.

    `finish`: the reason given; `completion_tokens` as billed. `other`: it has content of a kind
    that is not read.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    refused: bool = False
    other: bool = False
    finish: str | None = None
    completion_tokens: int | None = None
    whole: bool = True
    truncated: bool = False  # the end is missing here, not in the answer

    @property
    def stopped(self) -> bool:
        """Whether it is whole, and the model or its host says that it finished."""
        return self.whole and self.finish in STOPPED

    @property
    def at_limit(self) -> bool:
        """Whether it reached a limit of tokens."""
        return self.finish in AT_LIMIT


class _Said:
    """What is gathered, piece by piece, of a body."""

    def __init__(self, kept: Kept) -> None:
        self.text = [kept.text.decode()]
        self.calls = [
            Call(call.name, call.arguments.decode(), call.free) for call in kept.calls.values()
        ]
        self.refused, self.other = kept.refused, kept.other

    def call(self, name: object, arguments: object, *, free: bool = False) -> None:
        told = arguments if isinstance(arguments, str) else None
        self.calls.append(Call(name if isinstance(name, str) else "", told, free))

    def say(self, text: object) -> None:
        if isinstance(text, str):
            self.text.append(text)
        elif text:
            self.other = True


def reading_of(kept: Kept, seen: Observation) -> Reading:
    """The reading of an answer that has ended; never raises, whatever the bytes."""
    said = _Said(kept)
    bodies = kept.bodies or ([kept.last] if kept.last else [])
    reads = _READS_BODY if kept.whole else _READS_PIECE
    for body in bodies:
        reads[kept.dialect](said, parsed(body))
    text = "".join(said.text)
    missed = seen.answered and not (bodies or text or said.calls or said.refused or said.other)
    # Of a response's stream only finished items are kept, so tokens without one were not read.
    unread = kept.truncated or seen.unreadable is not None
    unread = unread or (missed and kept.dialect == "responses")
    return Reading(
        text=text,
        calls=tuple(said.calls),
        refused=said.refused,
        other=said.other,
        finish=seen.finish_reason,
        completion_tokens=seen.usage.completion_tokens if seen.usage else None,
        whole=seen.done and seen.error is None and not unread,
        truncated=unread,
    )


def _read_choices(said: _Said, body: Any) -> None:
    """A whole chat answer or completion: its first choice."""
    choice = next(_objects(_get(body, "choices")), {})
    message = choice.get("message")
    said.say(choice.get("text"))
    if not isinstance(message, dict):
        return
    said.say(message.get("content"))
    for call in _objects(message.get("tool_calls")):
        function, custom = call.get("function"), call.get("custom")
        if custom:
            said.call(_get(custom, "name"), _get(custom, "input"), free=True)
        else:
            said.call(_get(function, "name"), _get(function, "arguments"))
    if function := message.get("function_call"):
        said.call(_get(function, "name"), _get(function, "arguments"))
    said.refused = bool(message.get("refusal"))
    said.other = said.other or bool(message.get("audio") or message.get("images"))


def _read_output(said: _Said, body: Any) -> None:
    """A whole response: each item of its output."""
    for item in _objects(_get(body, "output")):
        _read_item(said, item)


def _read_item(said: _Said, item: Any) -> None:
    """An item of a response."""
    kind = _get(item, "type")
    if kind == "message":
        for part in _objects(item.get("content")):
            said.say(part.get("text"))
            said.refused = said.refused or part.get("type") == "refusal"
    elif kind == "function_call":
        said.call(item.get("name"), item.get("arguments"))
    elif kind == "custom_tool_call":
        said.call(item.get("name"), item.get("input"), free=True)
    elif kind != "reasoning":
        said.other = True


def _read_response_piece(said: _Said, piece: Any) -> None:
    """An item, or the response of the last event."""
    if _get(piece, "type") is None:
        _read_output(said, piece)
    else:
        _read_item(said, piece)


def _read_blocks(said: _Said, body: Any) -> None:
    """A whole message of Anthropic's: each block of its content."""
    for block in _objects(_get(body, "content")):
        kind = block.get("type")
        if kind == "text":
            said.say(block.get("text"))
        elif kind == "tool_use":  # its input is JSON already
            said.call(block.get("name"), _as_text(block.get("input")))
        elif kind not in _THOUGHTS:
            said.other = True


_Read = Callable[[_Said, Any], None]
_READS_BODY: Mapping[str, _Read] = MappingProxyType(
    {
        "chat": _read_choices,
        "completions": _read_choices,
        "messages": _read_blocks,
        "responses": _read_output,
    }
)
_READS_PIECE: Mapping[str, _Read] = MappingProxyType({"responses": _read_response_piece})


def _as_text(value: object) -> str:
    return json.dumps(value)


def _get(found: object, name: str) -> Any:
    return found.get(name) if isinstance(found, dict) else None


def _objects(rows: object) -> Iterator[dict[str, Any]]:
    return (row for row in (rows if isinstance(rows, list) else ()) if isinstance(row, dict))
