"""Halves of characters in JSON: legal to JavaScript, and to no strict reader. PURE."""

import re

# A stream may cut an emoji between two deltas. Only readers of a copy replace them, so each may
# become U+FFFD, also where an escaped backslash precedes its `u`.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def without_surrogates(text: bytes) -> bytes:
    """`text` with U+FFFD for each half of a character that is written as an escape."""
    return _SURROGATE.sub(rb"\\ufffd", text)


def readable(text: bytes) -> bytes:
    """`text` with U+FFFD for what isn't UTF-8, too."""
    return without_surrogates(text.decode(errors="replace").encode())
