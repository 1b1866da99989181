"""Edits of YAML by lines: a top-level key of a mapping, or one more entry of a list. PURE.

What these lines mean is checked by `editing`: an edit that a flow mapping, several documents or a
text of several lines would make wrong is not made.
"""

import json
import re
from typing import Any

import yaml

from .lines import line_end, whole_lines
from .not_editable import NotEditable

Path = tuple[str, ...]

# What follows a key: space, a value of one line, and the rest. No part gives back what it has read,
# so that a long line is read once.
_REST = re.compile(
    r"""([ \t]*+)
    (?:"(?:[^"\\]|\\.)*+" | '(?:[^']|'')*+' | [^#\s"'\[{|>&*!](?:[ \t]*+[^#\s])*+)?
    ([ \t]*+(?:(?<=[ \t])\#[^\n\r]*)?\r?\n?)$""",
    re.VERBOSE,
)


def yaml_value(text: str) -> Any:
    """The value of a text; an empty one is None. Raises `NotEditable`."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it can't be read"
        raise NotEditable(f"not YAML: {problem}", mark.line + 1 if mark else None) from None


def yaml_set(text: str, path: Path, value: Any) -> str:
    """The text with a text value set at the top level."""
    (key,) = path
    lines = whole_lines(text)
    named = re.compile(rf"{re.escape(key)}[ \t]*:(?=\s)")
    for number, line in enumerate(lines):
        found = named.match(line)
        if found:
            rest = _REST.match(line, found.end())
            if rest is None:
                raise NotEditable(f"{key} has a value of several parts", number + 1)
            comment = " " if rest[2].startswith("#") else ""  # of a key that had no value
            new = f"{rest[1] or ' '}{_scalar(value)}{comment}{rest[2]}"
            lines[number] = f"{line[: found.end()]}{new}"
            return "".join(lines)
    return "".join([*lines, f"{key}: {_scalar(value)}{line_end(text)}"])


def yaml_appended(text: str, path: Path, value: Any) -> str:
    """The text with one more entry, a mapping, at the end of its list."""
    del path
    entry = [f"{name}: {_scalar(each)}" for name, each in value.items()]
    new = [f"{'  ' if number else '- '}{line}" for number, line in enumerate(entry)]
    return "".join([*whole_lines(text), *(line + line_end(text) for line in new)])


def _scalar(value: Any) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w./:-]*[\w/]", value)
    if plain and yaml.safe_load(value) == value:
        return str(value)
    return json.dumps(value, ensure_ascii=False)
