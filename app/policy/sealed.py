"""Recognises sealed reasoning in a request: parts that only the host that issued them can read.

By shape, never by the model's name (openrouter.md §A4): an encrypted or redacted block, a text
with a signature, a non-empty `encrypted_content`, Gemini's thought signature on a tool call.
Plain reasoning text and summaries are portable, and are not sealed.

Read leniently: a part of a shape that OpenRouter would refuse is not sealed. What has too many
values to be read at once, or is not quite JSON, such as half a character, is judged by its keys and
types alone: it may then count as sealed where the two are of different parts.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from .request import UNREADABLE
from .slices import Fields

_DEEPEST = 3  # a block in a message, and one level to spare
_MOST_VALUES = 20_000  # that are read; a microsecond each, and the event loop waits


class _Part(msgspec.Struct, gc=False):
    """One block of reasoning, in any dialect: of a message's list, or an input item."""

    type: Any = None
    signature: Any = None
    data: Any = None
    encrypted_content: Any = None
    content: msgspec.Raw = msgspec.Raw()
    reasoning_details: msgspec.Raw = msgspec.Raw()
    tool_calls: msgspec.Raw = msgspec.Raw()


class _Call(msgspec.Struct, gc=False):
    extra_content: Any = None


_PARTS = msgspec.json.Decoder(list[msgspec.Raw])
_PART = msgspec.json.Decoder(_Part)
_CALL = msgspec.json.Decoder(_Call)

# The types of blocks whose `data` only their issuer reads; a picture's `data` is not one.
_WITH_DATA = frozenset({"reasoning.encrypted", "redacted_thinking"})
_SIGNED = frozenset({"reasoning.text", "thinking", "reasoning"})
_ENCRYPTED = frozenset({"reasoning", "compaction", "context_compaction"})


class _Mark(NamedTuple):
    """A key of a sealed part, with a value, and the types of such parts; none: any type."""

    key: bytes
    valued: re.Pattern[bytes]
    types: tuple[bytes, ...] = ()

    def is_in(self, raw: bytes) -> bool:
        """Whether both occur. A quote inside a text is escaped, so texts have neither."""
        typed = not self.types or any(name in raw for name in self.types)
        return self.key in raw and typed and self.valued.search(raw) is not None


def _mark(key: str, types: frozenset[str] = frozenset()) -> _Mark:
    quoted = b'"%b"' % key.encode()
    valued = re.compile(quoted + rb'[ \t\n\r]*+:[ \t\n\r]*+"[^"]')
    return _Mark(quoted, valued, tuple(b'"%b"' % name.encode() for name in sorted(types)))


# Conversations are long and rarely sealed, so a scan of the bytes comes before any reading. An
# escaped letter in a key is legal JSON, which no client writes.
_MARKS = (
    _mark("data", _WITH_DATA),
    _mark("signature", _SIGNED),
    _mark("encrypted_content", _ENCRYPTED),
    _mark("thought_signature"),
)


def replays_sealed(fields: Fields) -> bool:
    """Whether a request replays sealed reasoning, in its `messages` or its `input`."""
    return any(
        _replays(bytes(raw))
        for name in ("messages", "input")
        if (raw := fields.get(name)) is not None
    )


def _replays(raw: bytes) -> bool:
    if not _is_marked(raw):
        return False
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > _MOST_VALUES:
        return True
    parts = _read(_PARTS, msgspec.Raw(raw))
    return parts is None or any(map(_is_sealed, parts))


def _is_marked(raw: bytes) -> bool:
    return any(mark.is_in(raw) for mark in _MARKS)


def _is_sealed(raw: msgspec.Raw, levels: int = _DEEPEST) -> bool:
    """Whether a message, an item or a block is sealed, or contains one that is."""
    part = _read(_PART, raw)
    if part is None:  # no object, or one with broken characters
        return _is_marked(bytes(raw))
    kind = part.type if isinstance(part.type, str) else ""
    if _text(part.data) and kind in _WITH_DATA:
        return True
    if _text(part.signature) and kind in _SIGNED:
        return True
    if _text(part.encrypted_content) and kind in _ENCRYPTED:
        return True
    if not levels:
        return False
    inside = (*_parts(part.content), *_parts(part.reasoning_details))
    signed = any(map(_is_signed, _parts(part.tool_calls)))
    return signed or any(_is_sealed(each, levels - 1) for each in inside)


def _is_signed(raw: msgspec.Raw) -> bool:
    call = _read(_CALL, raw)
    if call is None:
        return _is_marked(bytes(raw))
    extra = call.extra_content
    google = extra.get("google") if isinstance(extra, dict) else None
    return isinstance(google, dict) and _text(google.get("thought_signature"))


def _parts(raw: msgspec.Raw) -> Iterator[msgspec.Raw]:
    """The elements of a list; none if it isn't one, such as a text."""
    listed = (
        _read(_PARTS, raw) if raw and memoryview(raw)[:64].tobytes().lstrip()[:1] == b"[" else None
    )
    return iter(listed or ())


def _read(decoder: "msgspec.json.Decoder[Any]", raw: msgspec.Raw) -> Any:
    try:
        return decoder.decode(raw)
    except UNREADABLE:
        return None


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
