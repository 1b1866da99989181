"""Keeps, for a moment, what a model said in one answer, so that its defects can be looked for.

Rule 1  It lives in memory, as long as its observer, and is written nowhere.
Rule 2  The bytes kept are bounded. What comes after them is dropped, and `truncated` says so.
Rule 3  Only the first of several choices is kept, and no reasoning.

An event is nearly always one small piece of text: its text is added to one buffer. Whole bodies and
the finished items of a response stay JSON, to be decoded when the last byte has been passed on.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from .dialect import DIALECTS
from .frame import Frame, read_value

MOST_KEPT = 256_000  # bytes of one answer; some 60,000 tokens
MOST_CALLS = 256  # of one answer
_LARGE = 64_000  # bytes of an event; the fields of a larger one may have been left unread
_CALL_WEIGHT = 256  # bytes that a call counts for before its first argument
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_USUAL = frozenset({"content", "role", "reasoning", "reasoning_details", "tool_calls"})
_REPLACED = "\N{REPLACEMENT CHARACTER}"
# No sets, as an upstream's values may be of any type, and in a set some can't be looked for.
_THOUGHTS = ("thinking", "redacted_thinking")
_LAST = tuple(DIALECTS["/responses"].terminators)


class KeptCall(msgspec.Struct):
    """A tool call, as far as it has come. `free`: its input is plain text, not JSON."""

    name: str
    arguments: bytearray
    free: bool = False


class Kept(msgspec.Struct):
    """What one answer said so far; an `Observer` that is asked to keep it fills it.

    `bodies`: JSON that is still to be decoded, a whole body or items of a response. `other`: the
    answer has content of another kind, such as a picture or a call of a server tool.
    """

    dialect: str
    left: int  # bytes that may still be kept
    truncated: bool = False
    whole: bool = False  # `bodies` has the whole body, and the answer was not streamed
    refused: bool = False
    other: bool = False
    text: bytearray = msgspec.field(default_factory=bytearray)
    calls: dict[object, KeptCall] = msgspec.field(default_factory=dict)
    bodies: list[bytes] = msgspec.field(default_factory=list)
    last: bytes = b""  # a response as its last event has it, if no item came before

    @property
    def size(self) -> int:
        """The bytes that are kept."""
        return len(self.text) + sum(map(len, self.bodies)) + len(self.last) + len(self.calls)

    def take(self, frame: Frame, data: bytes) -> None:
        """Add what one event of a stream says. Never raises."""
        _TAKES[self.dialect](self, frame, data)

    def take_body(self, body: bytes) -> None:
        """Add a whole body that is JSON."""
        self.whole = True
        if self.fits(len(body)):
            self.bodies.append(body)

    def say(self, piece: object, data: bytes) -> None:
        """Add a piece of text that `data`, an event, contains."""
        if type(piece) is str:
            self._add(self.text, piece, data)
        else:
            self.other = True

    def begin_call(self, key: object, name: object, *, free: bool = False) -> KeptCall | None:
        """The call of that key, a new one if there is none; None if there are too many."""
        call = self.calls.get(key)
        if call is None:
            if len(self.calls) >= MOST_CALLS or not self.fits(_CALL_WEIGHT):
                self.truncated = True
                return None
            call = self.calls[key] = KeptCall("", bytearray(), free)
        if type(name) is str and name and not call.name and self.fits(len(name)):
            call.name = name
        return call

    def argue(self, call: KeptCall, piece: object, data: bytes) -> None:
        """Add a piece of a call's arguments."""
        if type(piece) is str:
            self._add(call.arguments, piece, data)

    def keep(self, raw: bytes) -> None:
        """Add JSON to be decoded later."""
        if self.fits(len(raw)):
            self.bodies.append(raw)

    def _add(self, to: bytearray, piece: str, data: bytes) -> None:
        if _REPLACED in piece and _SURROGATE.search(data):
            # The halves of a character that came in two events: our reader replaced them.
            piece = piece.replace(_REPLACED, "")
        encoded = piece.encode(errors="replace")
        self.left -= len(encoded)  # as `fits`, which would be half of the time
        if self.left < 0:
            self.truncated = True
        else:
            to += encoded

    def add(self, text: bytes) -> None:
        """Add a piece of text that has no half of a character."""
        self.left -= len(text)
        if self.left < 0:
            self.truncated = True
        else:
            self.text += text

    def fits(self, size: int) -> bool:
        """Whether `size` more bytes may be kept; if so, they are counted."""
        self.left -= size
        if self.left < 0:
            self.truncated = True
        return self.left >= 0


def _take_choice(kept: Kept, frame: Frame, data: bytes) -> None:  # noqa: C901, PLR0912 - each token
    """An event of a chat, or of a completion."""
    choices = frame.choices
    if type(choices) is not list:
        kept.truncated = kept.truncated or len(data) > _LARGE
        return
    for choice in choices:
        if type(choice) is not dict or choice.get("index"):  # of another choice than the first
            continue
        delta = choice.get("delta")
        if type(delta) is not dict:
            delta = {"content": choice.get("text")}  # of a completion
        if content := delta.get("content"):
            if type(content) is str and _REPLACED not in content:  # nearly always: as `say`
                encoded = content.encode(errors="replace")
                kept.left -= len(encoded)
                if kept.left < 0:
                    kept.truncated = True
                else:
                    kept.text += encoded
            else:
                kept.say(content, data)
            if len(delta) == 1 + ("role" in delta):
                continue
        if calls := delta.get("tool_calls"):
            for piece in calls if type(calls) is list else ():
                _take_call(kept, piece, data)
        if not _USUAL.issuperset(delta):
            _take_rest(kept, delta, data)


def _take_rest(kept: Kept, delta: dict[str, Any], data: bytes) -> None:
    """The parts of a delta that most have not."""
    if (function := delta.get("function_call")) and (call := kept.begin_call("", _named(function))):
        kept.argue(call, _part(function, "arguments"), data)
    if delta.get("refusal"):
        kept.refused = True
    if delta.get("audio") or delta.get("images"):
        kept.other = True


def _take_call(kept: Kept, piece: object, data: bytes) -> None:
    """A piece of a call: `index` says of which; some hosts send an `id` alone, once."""
    if type(piece) is not dict:
        return
    key = piece.get("index")
    if type(key) is not int:
        key = piece.get("id") or next(reversed(kept.calls), "")
        key = key if type(key) in {str, int} else ""
    call = kept.calls.get(key)
    said = piece.get("function")
    if call is None or not call.name or call.free:
        custom = piece.get("custom")
        said = custom or said
        call = kept.begin_call(key, _named(said), free=bool(custom))
    if call is not None and type(said) is dict:
        kept.argue(call, said.get("input" if call.free else "arguments"), data)


def _take_block(kept: Kept, frame: Frame, data: bytes) -> None:
    """An event of Anthropic's: a block begins, or goes on."""
    key = frame.index if type(frame.index) is int else None
    delta = frame.delta
    if type(delta) is dict:
        if text := delta.get("text"):
            kept.say(text, data)
        elif (piece := delta.get("partial_json")) and key in kept.calls:
            kept.argue(kept.calls[key], piece, data)
    elif frame.type == "content_block_start":
        block = read_value(frame.content_block)
        kind = _part(block, "type")
        if kind == "tool_use":
            kept.begin_call(key, _named(block))
        elif kind == "text":
            kept.say(_part(block, "text") or "", data)
        elif kind not in _THOUGHTS:
            kept.other = True


def _take_item(kept: Kept, frame: Frame, _: bytes) -> None:
    """An event of a response: its items are kept when they are finished."""
    if frame.type == "response.output_item.done":
        kept.keep(bytes(frame.item))
    elif frame.type in _LAST and not kept.bodies and kept.fits(len(frame.response)):
        kept.last = bytes(frame.response)


def _named(found: object) -> object:
    return _part(found, "name")


def _part(found: object, name: str) -> Any:
    return found.get(name) if isinstance(found, dict) else None


_TAKES: Mapping[str, Callable[[Kept, Frame, bytes], None]] = MappingProxyType(
    {
        "chat": _take_choice,
        "completions": _take_choice,
        "messages": _take_block,
        "responses": _take_item,
    }
)
SPOKEN = frozenset(_TAKES)  # the dialects in whose answers a model speaks
