"""What a request asks for besides a model: how long an answer, with what tools, in what format.

Rule 1  A field that is absent costs nothing; of one that is there, only the part that is told is
        decoded. A short request takes a few microseconds.
Rule 2  A field of an unexpected shape, or one that is too large, asks for nothing.
Rule 3  Nothing is kept but numbers, and words that APIs define: never text of the conversation.
"""

import re
from typing import Any

import msgspec

from .request import UNREADABLE, is_given
from .requirements import FUNCTIONS, LIMITS, TALK
from .slices import Fields

_STOPS = ("stop", "stop_sequences")
_BYTES_PER_TOKEN = 4
_TALK = (*TALK, "instructions", "tools", "query", "documents")
# A picture or a file follows the name of its encoding, in a data URL or, on `/messages`, in the
# next `data`; it ends at a quote. Only one name is searched for: a search of 200 kB takes 0.2 ms.
_ENCODING, _DATA = b"base64", b'data"'
_NEAR = 200  # bytes
_SMALLEST_FILE = 16_000  # bytes
_MOST_FILES = 256
_LARGEST = 1_000_000  # bytes of a field that is decoded
_LONGEST_NUMBER = 24
_MOST_KINDS = 8
_WORD = re.compile(r"[a-z0-9_.-]{1,32}", re.ASCII)


class AskedFor(msgspec.Struct, frozen=True, gc=False):
    """What one request asks for; None: it does not say."""

    max_tokens: int | None = None
    context_tokens: int | None = None  # an estimate, without pictures and files
    tools: int | None = None  # functions that the model may call
    response_format: str | None = None
    modalities: tuple[str, ...] = ()  # of the answer
    stops: bool = False  # whether it names a text that ends the answer


NOTHING = AskedFor()


def asked_for(fields: Fields) -> AskedFor:
    """What a request with these fields, as they are sent, asks for. Never raises."""
    talk = [fields[name] for name in _TALK if name in fields]
    limits = [_limit(fields[name]) for name in LIMITS if name in fields]
    kinds = _decoded(_MODALITIES, fields["modalities"]) if "modalities" in fields else None
    return AskedFor(
        max_tokens=max((limit for limit in limits if limit is not None), default=None),
        context_tokens=sum(map(_text_in, talk)) // _BYTES_PER_TOKEN if talk else None,
        tools=_tools(fields["tools"]) if "tools" in fields else None,
        response_format=_format(fields),
        modalities=tuple(filter(_is_word, (kinds or [])[:_MOST_KINDS])),
        stops=any(is_given(fields.get(name)) for name in _STOPS),
    )


class _Typed(msgspec.Struct, gc=False):
    """An object of which only the type is read."""

    type: Any = None


class _Format(msgspec.Struct, gc=False):
    """An object with a type, or with one in its `format`."""

    type: Any = None
    format: _Typed | str | None = None


_NUMBER = msgspec.json.Decoder(int)
_TOOLS = msgspec.json.Decoder(list[_Typed])
_FORMAT = msgspec.json.Decoder(_Format | str | None)
_MODALITIES = msgspec.json.Decoder(list[Any])
# In order: chat's, `/responses`', and those of `/messages`.
_FORMATS = ("response_format", "text", "output_format", "output_config")


def _decoded(decoder: Any, raw: msgspec.Raw, most: int = _LARGEST) -> Any:
    if len(raw) > most:
        return None
    try:
        return decoder.decode(raw)
    except UNREADABLE:
        return None


def _limit(raw: msgspec.Raw) -> int | None:
    number: int | None = _decoded(_NUMBER, raw, _LONGEST_NUMBER)
    return number if number is not None and number > 0 else None


def _tools(raw: msgspec.Raw) -> int | None:
    tools: list[_Typed] | None = _decoded(_TOOLS, raw)
    return None if tools is None else sum(1 for tool in tools if tool.type in FUNCTIONS)


def _format(fields: Fields) -> str | None:
    for name in _FORMATS:
        if name in fields:
            found = _decoded(_FORMAT, fields[name])
            if isinstance(found, _Format) and found.format is not None:
                found = found.format
            kind = found.type if isinstance(found, _Format | _Typed) else found
            if _is_word(kind):
                return str(kind)
    return None


def _is_word(value: object) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _text_in(raw: msgspec.Raw) -> int:
    """The bytes of a field that are not those of a picture or a file, roughly."""
    size = len(raw)
    return size if size < _SMALLEST_FILE else size - _files_in(bytes(raw))


def _files_in(text: bytes) -> int:
    found = end = 0
    for _ in range(_MOST_FILES):
        named = text.find(_ENCODING, end)
        if named < 0:
            break
        begin = named + len(_ENCODING)
        if text[begin : begin + 1] == b'"':  # a value of its own
            begin = max(text.find(_DATA, begin, begin + _NEAR) + len(_DATA), begin)
            begin = text.find(b'"', begin) + 1 or len(text)
        end = text.find(b'"', begin)
        if end < 0:
            break
        found += end - begin
    return found
