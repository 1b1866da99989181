"""Text from outside, made safe to show on a terminal, in a log or on a page. PURE.

Clients choose model names and user agents, OpenRouter chooses the names of providers and the
wording of errors, and any of these can hold control characters that move a cursor, recolour a
screen, set a window's title or reverse the order of what stands next to them.

Rule 1  Characters that Unicode calls printable, newlines and tabs are shown. Every other character,
        and each combining mark beyond four on one letter, becomes one U+FFFD: the length stays.
Rule 2  In JSON the same characters are written as escapes, so a reader gets the exact text.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from unicodedata import category

MOST_MARKS = 4  # combining marks on one letter; written languages stay below

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_ASCII_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_MARKS = frozenset({"Mn", "Me"})  # marks that take no room of their own
_SPACE = "Zs"  # of any width; not printable according to Python, but harmless
# Letters and symbols by category that are invisible, so that they could hide a difference.
_INVISIBLE = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def shown(text: str) -> str:
    """The text made safe to show; its lines and its length stay the same."""
    return _replaced(text, lambda _: _REPLACEMENT)


def one_line(text: str) -> str:
    """The safe text on one line, so that it can't forge the next line or the next column."""
    return shown(text).replace("\n", _REPLACEMENT).replace("\t", _REPLACEMENT)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """A value as JSON that is safe to show. Letters of any script stay unchanged.

    Raises `TypeError` for a value that JSON can't represent.
    """
    return _replaced(json.dumps(value, ensure_ascii=False, indent=indent), _escaped)


def _replaced(text: str, stand_in: Callable[[str], str]) -> str:
    if text.isascii():
        if text.isprintable():
            return text  # nearly always
        return _ASCII_CONTROLS.sub(lambda found: stand_in(found[0]), text)
    shown_text: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if category(char) in _MARKS else 0
        fits = _is_shown(char) and marks <= MOST_MARKS
        shown_text.append(char if fits else stand_in(char))
    return "".join(shown_text)


def _is_shown(char: str) -> bool:
    if char.isprintable():
        return char not in _INVISIBLE
    return char in "\n\t" or category(char) == _SPACE


def _escaped(char: str) -> str:
    """A character as JSON escapes it; beyond U+FFFF, as two surrogates."""
    units = char.encode("utf-16-be", "surrogatepass")
    pairs = (units[at : at + 2] for at in range(0, len(units), 2))
    return "".join(f"\\u{int.from_bytes(pair, 'big'):04x}" for pair in pairs)
