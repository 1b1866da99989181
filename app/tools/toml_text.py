"""Edits of TOML by lines: a top-level key, or a key of one table. PURE.

What these lines mean is checked by `editing`: an edit that a dotted key, an inline table or a text
of several lines would make wrong is not made.
"""

import json
import re
import tomllib
from typing import Any

from .lines import line_end, whole_lines
from .not_editable import NotEditable

Path = tuple[str, ...]

_HEADER = re.compile(r"\s*\[")
_BLANK = re.compile(r"\s*(#.*)?$")
_REST = re.compile(r"""(\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"'\[{]+)(.*)""", re.DOTALL)
_LINE = re.compile(r"line (\d+)")


def toml_value(text: str) -> dict[str, Any]:
    """The value of a text. Raises `NotEditable`."""
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        raise NotEditable(f"not TOML: {error}", int(line[1]) if line else None) from None


def toml_set(text: str, path: Path, value: Any) -> str:
    """The text with one text value set."""
    *table, key = path
    lines, end = whole_lines(text), line_end(text)
    first, last = _region(lines, ".".join(table))
    new = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    if first is None:
        gap = [end] if lines and lines[-1].strip() else []
        return "".join([*lines, *gap, f"[{'.'.join(table)}]{end}", new + end])
    named = re.compile(rf"\s*{re.escape(key)}\s*=")
    for number in range(first, last):
        found = named.match(lines[number])
        if found:
            rest = _REST.match(lines[number], found.end())
            if rest is None:
                raise NotEditable(f"{key} has a value of several parts", number + 1)
            before = lines[number][: found.end()]
            lines[number] = f"{before}{rest[1]}{json.dumps(value, ensure_ascii=False)}{rest[2]}"
            return "".join(lines)
    at = first
    while not table and at < last and _BLANK.match(lines[at]):
        at += 1  # behind the comments at the top
    gap = [end] if not table and at == last and at < len(lines) else []
    return "".join([*lines[:at], new + end, *gap, *lines[at:]])


def _region(lines: list[str], table: str) -> tuple[int | None, int]:
    """The lines of a table without its header; of none, the lines above the first header."""
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    if not table:
        return 0, next(iter(headers), len(lines))
    for number in headers:
        if lines[number].partition("#")[0].strip() == f"[{table}]":
            return number + 1, next((each for each in headers if each > number), len(lines))
    return None, len(lines)
