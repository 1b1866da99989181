"""The event that a stream repeats: all of its bytes but one text.

Nearly all events of a stream say one piece of text each, and are else the same, byte for byte. Read
as JSON, each takes half of what a streamed chunk costs. Where it is known in which bytes they
differ, only these have to be read.

Rule 1  It is not guessed which bytes may differ: an event with another text at their place is read
        as any other, and must say that text and nothing else that is new (`Observer`).
Rule 2  The text must be one whole JSON string, so that whatever it is, it ends where it should.
"""

from typing import NamedTuple

import msgspec

_TEXT = msgspec.json.Decoder(str)
_REPLACED = "\N{REPLACEMENT CHARACTER}"  # perhaps half of a character; see `kept.py`


class Repeated(NamedTuple):
    """A whole event, with its framing, around a text; both parts have a quote of the text."""

    before: bytes
    after: bytes

    def around(self, text: bytes) -> bytes:
        """The event with that text, which needs no escapes."""
        return self.before + text + self.after

    def text_in(self, chunk: bytes) -> bytes | None:
        """The text of one more such event, as UTF-8; None if `chunk` is not one, or has none."""
        before, after = self
        if not (chunk.startswith(before) and chunk.endswith(after)):
            return None
        try:
            text = _TEXT.decode(chunk[len(before) - 1 : 1 - len(after)])
        except ValueError:
            return None
        return None if _REPLACED in text else text.encode()


def split_at(text: bytes, chunk: bytes) -> Repeated | None:
    """The event in `chunk` around the last string that is this text; None if there is none."""
    place = chunk.rfind(b'"%b"' % text)
    return None if place < 0 else Repeated(chunk[: place + 1], chunk[place + 1 + len(text) :])
