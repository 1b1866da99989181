"""Edits of JSON, with comments and trailing commas, as tools that accept them read it. PURE.

New members are put first in their object, so that no other line gets a comma. A key that an object
has twice is not edited: tools differ on which one counts.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from .lines import line_end
from .not_editable import NotEditable

Path = tuple[str, ...]

_SPACE = re.compile(r"(?:[ \t\r\n\ufeff]|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"', re.DOTALL)
_SCALAR = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")
_BLANKS = re.compile(r"[ \t]*")
_INDENT = "  "
_DEEPEST = 100


class _Member(NamedTuple):
    key: str
    start: int  # of the key
    value: int
    end: int
    comma: int | None  # where the comma behind it is


class _Object(NamedTuple):
    start: int  # of the brace
    end: int  # behind the closing one
    members: list[_Member]


class _Scan:
    """Finds where the values of one text are; reads none of them but keys."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.objects: dict[int, _Object] = {}
        self.commas: list[int] = []  # trailing ones
        self.gaps: list[tuple[int, int]] = []  # spaces and comments
        self.root = self._skip(0)
        end = self._skip(self._value(self.root, 0))
        if end != len(text):
            raise self._wrong(end, "more follows the end")

    def _wrong(self, at: int, problem: str) -> NotEditable:
        return NotEditable(f"not JSON: {problem}", self.text.count("\n", 0, at) + 1)

    def _skip(self, at: int) -> int:
        end = _SPACE.match(self.text, at).end()  # type: ignore[union-attr]  # it matches anything
        self.gaps.append((at, end))
        return end

    def _value(self, at: int, depth: int) -> int:
        """The end of the value that begins here."""
        if depth > _DEEPEST:
            raise self._wrong(at, "nested too deeply")
        opening = self.text[at : at + 1]
        if opening == "{":
            return self._object(at, depth)
        if opening == "[":
            return self._list(at, depth)
        found = (_STRING if opening == '"' else _SCALAR).match(self.text, at)
        if found is None:
            raise self._wrong(at, "a value is missing")
        return found.end()

    def _list(self, start: int, depth: int) -> int:
        at = self._skip(start + 1)
        while self.text[at : at + 1] != "]":
            at = self._comma(self._skip(self._value(at, depth + 1)), "]")
        return at + 1

    def _object(self, start: int, depth: int) -> int:
        members: list[_Member] = []
        at = self._skip(start + 1)
        while self.text[at : at + 1] != "}":
            key = _STRING.match(self.text, at)
            colon = self._skip(key.end()) if key else at
            if key is None or self.text[colon : colon + 1] != ":":
                raise self._wrong(colon, "a key and a colon are missing")
            value = self._skip(colon + 1)
            end = self._value(value, depth + 1)
            behind = self._skip(end)
            comma = behind if self.text[behind : behind + 1] == "," else None
            members.append(_Member(self._read(key[0], at), at, value, end, comma))
            at = self._comma(behind, "}")
        self.objects[start] = _Object(start, at + 1, members)
        return at + 1

    def _comma(self, at: int, closing: str) -> int:
        """Where the next element begins, or its closing bracket stands."""
        if self.text[at : at + 1] == closing:
            return at
        if self.text[at : at + 1] != ",":
            raise self._wrong(at, f"a comma or {closing} is missing")
        after = self._skip(at + 1)
        if self.text[after : after + 1] == closing:
            self.commas.append(at)
        return after

    def _read(self, string: str, at: int) -> str:
        try:
            return str(json.loads(string))
        except ValueError:
            raise self._wrong(at, "a key can't be read") from None

    def along(self, path: Path) -> Iterator[tuple[_Object, _Member | None]]:
        """The objects on a path, each with its member on it; None at the last if it is new."""
        at = self.root
        for key in path:
            found = self.objects.get(at)
            if found is None:
                raise self._wrong(at, f"the value that should have {key!r} is not an object")
            named = [each for each in found.members if each.key == key]
            if len(named) > 1:
                raise self._wrong(named[1].start, f"{key!r} is there twice")
            yield found, named[0] if named else None
            if not named:
                return
            at = named[0].value


def json_value(text: str) -> Any:
    """The value of a text; an empty one is an empty object. Raises `NotEditable`."""
    if not _SPACE.sub("", text):
        return {}
    scan = _Scan(text)
    drop = sorted([*scan.gaps, *((at, at + 1) for at in scan.commas)])
    kept, at = [], 0
    for start, end in drop:
        kept.append(text[at:start])
        at = max(at, end)
    try:
        return json.loads(" ".join([*kept, text[at:]]))
    except ValueError as error:
        raise NotEditable(f"not JSON: {error}") from None


def json_set(text: str, path: Path, value: Any) -> str:
    """The text with a value set."""
    if not _SPACE.sub("", text):
        return text + _dumped(_nested(path, value), "", "\n") + "\n"
    end = line_end(text)
    scan = _Scan(text)
    steps = list(scan.along(path))
    place, member = steps[-1]
    indent = _indent_in(text, place)
    if member is not None and len(steps) == len(path):
        return text[: member.value] + _dumped(value, indent, end) + text[member.end :]
    missing = path[len(steps) - 1 :]
    first = place.start + 1
    if place.members and "\n" not in text[place.start : place.end]:
        inner = json.dumps(_nested(missing, value), ensure_ascii=False)[1:-1]
        return f"{text[:first]}{inner}, {text[first:]}"
    new = _dumped(_nested(missing, value), "", end)
    inner = new[1:-1].strip().replace(end + _INDENT, end + indent)
    comma = "," if place.members else ""
    rest = text[first:]
    if not place.members and "\n" not in text[place.start : place.end]:
        rest = end + _indent_of(text, place.start) + rest.lstrip(" \t")
    return f"{text[:first]}{end}{indent}{inner}{comma}{rest}"


def json_without(text: str, path: Path) -> str:
    """The text without a member that it has."""
    *_, (place, member) = _Scan(text).along(path)
    assert member is not None  # noqa: S101 - the caller has read it there
    number = place.members.index(member)
    start = len(text[: member.start].rstrip(" \t\r\n"))
    comma = member.comma
    if comma is None and number:
        comma = place.members[number - 1].comma
    cut = [(start, member.end), *([] if comma is None else [(comma, comma + 1)])]
    if "\n" not in text[start : member.start] and comma is not None and not number:
        cut.append((comma + 1, comma + 1 + len(_BLANKS.match(text, comma + 1)[0])))  # type: ignore[index]  # it matches anything
    for first, last in sorted(cut, reverse=True):
        text = text[:first] + text[last:]
    return text


def _nested(path: Path, value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _dumped(value: Any, indent: str, end: str) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=_INDENT)
    return text.replace("\n", end + indent)


def _indent_in(text: str, place: _Object) -> str:
    """The indent of an object's members: that of the first on a line of its own."""
    for member in place.members:
        line = text[text.rfind("\n", 0, member.start) + 1 : member.start]
        if not line.strip():
            return line
    return _indent_of(text, place.start) + _INDENT


def _indent_of(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]
