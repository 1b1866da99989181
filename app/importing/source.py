"""Read another tool's file into a tree with line numbers: YAML, JSON, JSON with comments.

The YAML parser reads nearly all of JSON. The rest (tabs, comments, escaped surrogates) is
rewritten first, line by line, so that line numbers don't change.
"""

import json
import re
from typing import Any
from unicodedata import category

from ..errors import ForeignFileError, PolicyProblem
from ..policy.file.yaml_tree import Spot, read_tree
from .found import Left, Place

_COMMENT_LINE = re.compile(r"^[^\S\n]*#.*", re.MULTILINE)
_BLANKS_OR_COMMENTS = r"(?:\s++|//[^\n]*+|/\*[\s\S]*?\*/)*+"
_IS_JSON = re.compile(rf'{_BLANKS_OR_COMMENTS}\{{{_BLANKS_OR_COMMENTS}["}}]')

# An unclosed string or comment runs to the end of the text: each character is read once.
_TOKEN = re.compile(
    r"""(?P<string>"[^"\\]*+(?:\\[\s\S][^"\\]*+)*+(?:"|\\?\Z))"""
    r"""|//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)|\t"""
)


def read_source(file: str, text: str) -> tuple[Spot, list[PolicyProblem]]:
    """The root of a file's tree, and the list that collects problems while it is walked.

    Raises `ForeignFileError` for a text that is neither YAML nor JSON.
    """
    text = text.removeprefix("\ufeff")
    if not _COMMENT_LINE.sub("", text).strip():
        raise ForeignFileError(f"{file}: the file is empty")
    problems: list[PolicyProblem] = []
    root = read_tree(file, _as_yaml(text) if _IS_JSON.match(text) else text, problems)
    if root is None:
        raise ForeignFileError("\n".join(map(str, problems)))
    return root, problems


def misread(problems: list[PolicyProblem]) -> list[Left]:
    """Keys that can't be read, without duplicates: each access to a mapping reports them again."""
    return [
        Left(Place(problem.file, problem.line, problem.where), "a key", problem.message)
        for problem in dict.fromkeys(problems)
    ]


def _as_yaml(text: str) -> str:
    """JSON, with or without comments and trailing commas, as YAML with the same lines."""
    return _TOKEN.sub(_token, text)


def _token(match: re.Match[str]) -> str:
    string = match["string"]
    if string is None:
        return re.sub(r"[^\n]", " ", match[0])
    try:
        said = json.loads(string)
    except ValueError:
        return string  # not JSON; the YAML parser reports its own error
    return '"' + "".join(map(_escaped, said)) + '"'


def _escaped(character: str) -> str:
    if character.isascii() and character.isprintable() and character not in '"\\':
        return character
    if category(character) == "Cs":  # half of a surrogate pair, which is not a character
        character = "\N{REPLACEMENT CHARACTER}"
    return f"\\U{ord(character):08X}"


# --- walking ----------------------------------------------------------------------------------


def at(spot: Spot | None, *keys: str) -> Spot | None:
    """The value under these nested keys; None if a key is missing."""
    for key in keys:
        spot = entries(spot).get(key)
    return spot


def entries(spot: Spot | None) -> dict[str, Spot]:
    """A mapping's values by key; empty if it isn't a mapping."""
    return spot.entries() if spot is not None and spot.kind == "mapping" else {}


def items(spot: Spot | None) -> list[Spot]:
    """A list's values; empty if it isn't a list."""
    return spot.items() if spot is not None and spot.kind == "list" else []


def mapping_at(spot: Spot | None, *keys: str) -> Spot | None:
    """The mapping under these keys; None if there isn't one."""
    found = at(spot, *keys)
    return found if found is not None and found.kind == "mapping" else None


def text_at(spot: Spot | None, *keys: str) -> str:
    """The text under these keys; empty if there isn't one."""
    return text_of(at(spot, *keys))


def text_of(spot: Spot | None) -> str:
    """The value as text; empty if it isn't text."""
    return spot.text().strip() if spot is not None and spot.kind == "text" else ""


def plain(spot: Spot) -> Any:
    """A value in plain JSON types."""
    if spot.kind == "mapping":
        return {key: plain(each) for key, each in spot.entries().items()}
    if spot.kind == "list":
        return [plain(each) for each in spot.items()]
    if spot.kind == "null":
        return None
    if spot.kind == "flag":
        return spot.flag()
    number = spot.number()
    return spot.text() if number is None else number
