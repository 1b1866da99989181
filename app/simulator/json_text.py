"""Parse JSON like JavaScript, which OpenRouter runs on: lone surrogates are not an error.

Python accepts them too, but can't write them into an answer; JavaScript writes U+FFFD.
"""

import re

# An escape: of a surrogate pair, of a lone surrogate, or of any other character.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(u[dD][89a-fA-F]\w\w)|.)", re.DOTALL
)


def without_halves(raw: bytes) -> bytes:
    """The same JSON with U+FFFD for every escaped lone surrogate."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], raw)
