"""One JSON object of an answer, read no further than an observer looks.

Every event is decoded. Searching its bytes for telling keys first was measured and dropped: six
searches through a 270-byte event take 1.0 µs, decoding it this way takes 0.5 µs and is right
whatever the order of keys, the white space, or the words that a model writes.
"""

import re
from decimal import Decimal, DecimalException
from typing import Any, NamedTuple

import msgspec

Step = str | int  # a key of an object, or a place in a list

# A stream may cut an emoji between two deltas: legal JSON, but not to a strict decoder. We only
# look, so every surrogate may become U+FFFD, also where an escaped backslash precedes its `u`.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class Frame(msgspec.Struct, gc=False):
    """The keys that any dialect looks at in a body or an event; all others are skipped unread.

    Absent and null are both None. Nothing is validated: every value may be of any type.
    """

    id: Any = None
    request_id: Any = None
    type: Any = None
    provider: Any = None
    model: Any = None
    service_tier: Any = None
    usage: Any = None
    error: Any = None
    openrouter_metadata: Any = None
    choices: Any = None
    delta: Any = None
    status: Any = None
    incomplete_details: Any = None
    stop_reason: Any = None
    response: msgspec.Raw = msgspec.Raw()
    message: msgspec.Raw = msgspec.Raw()


class Place(NamedTuple):
    """Where something sits: a field of a frame, and the steps from there."""

    field: str
    steps: tuple[Step, ...] = ()


# Costs are compared with list prices to the last digit, so no number passes through a float.
_DECODER = msgspec.json.Decoder(Frame, float_hook=Decimal)
_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_UNREADABLE = (ValueError, RecursionError, DecimalException)


def read_frame(text: bytes | msgspec.Raw) -> Frame | None:
    """The frame that `text` is; None where it is no JSON object. Never raises."""
    try:
        return _DECODER.decode(text)
    except _UNREADABLE:
        mended = _mended(bytes(text))
    try:
        return _DECODER.decode(mended)
    except _UNREADABLE:
        return None


def _mended(text: bytes) -> bytes:
    """`text` without the broken characters that a reader of JSON in a browser would put up with."""
    return _SURROGATE.sub(rb"\\ufffd", text.decode(errors="replace").encode())


def read_value(text: bytes) -> object:
    """The value that `text` is; None where it is no JSON. Never raises."""
    try:
        return _EXACT.decode(text)
    except _UNREADABLE:
        return None


def pick(frame: Frame, place: Place) -> Any:
    """What sits at `place`, or None where the way there does not exist."""
    return walk(getattr(frame, place.field), place.steps)


def walk(found: Any, steps: tuple[Step, ...]) -> Any:
    """What the steps lead to from `found`, or None where one of them leads nowhere."""
    for step in steps:  # no `try`: to lead nowhere is usual, and an exception costs 4 times more
        if type(found) is dict:
            found = found.get(step)
        elif type(found) is list and type(step) is int and step < len(found):
            found = found[step]
        else:
            return None
    return found
