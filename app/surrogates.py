"""Escaped halves of characters in JSON: legal in JavaScript, refused by strict parsers. PURE."""

import re

# A stream may cut an emoji between two deltas. Only readers of a copy replace them, so each may
# become U+FFFD, also where an escaped backslash precedes its `u`.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def without_surrogates(text: bytes) -> bytes:
    """`text` with each escaped half of a character replaced by U+FFFD."""
    return _SURROGATE.sub(rb"\\ufffd", text)


def readable(text: bytes) -> bytes:
    """As `without_surrogates`, with bytes that are not UTF-8 also replaced by U+FFFD."""
    return without_surrogates(text.decode(errors="replace").encode())
