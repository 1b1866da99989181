"""Trims a name the way upstream may trim it. PURE.

`str.strip` keeps a byte order mark, and JavaScript's `trim` removes it: a name that begins with
one would be a different name here than upstream.
"""

_SPACES = (
    *(*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)),
    *(0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
)
_UNSEEN = (0x180E, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF)
BLANKS = "".join(map(chr, (*_SPACES, *_UNSEEN)))


def trimmed(text: str) -> str:
    """`text` without blanks at either end."""
    return text.strip(BLANKS)
