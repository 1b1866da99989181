"""JSON as JavaScript reads it, which OpenRouter runs on: halves of characters are no error.

Python reads them, too, and then can't write them into any answer; JavaScript writes U+FFFD.
"""

import re

# An escape: of a whole character in two halves, of one half alone, or of anything else.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(u[dD][89a-fA-F]\w\w)|.)", re.DOTALL
)


def without_halves(raw: bytes) -> bytes:
    """The same JSON with U+FFFD for every escaped half of a character that has no other half."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], raw)
