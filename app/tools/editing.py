"""Edits of a tool's configuration file that keep everything else in it, byte for byte. PURE.

Rule 1  An edit sets values by their paths. What is not on a path stays as it is: comments, order,
        spaces, line ends.
Rule 2  After an edit, the file means what it meant before with the new values, and nothing else;
        that is checked by reading both. A file for which it can't be had is not edited.
Rule 3  Values that are there already are no edit, so a second one changes nothing.
Rule 4  What an edit did can be taken out of a file that has changed since, unless the change is
        in the same place.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from .json_text import json_set, json_value, json_without
from .lines import lines_of
from .not_editable import NotEditable
from .toml_text import toml_set, toml_value
from .yaml_text import yaml_appended, yaml_set, yaml_value

Path = tuple[str, ...]
Values = Mapping[Path, Any]


class Format(NamedTuple):
    """How files of one format are read and edited; an edit is checked by what it is read as."""

    read: Callable[[str], Any]
    set: Callable[[str, Path, Any], str]
    without: Callable[[str, Path], str] | None = None  # None: taken out by lines only
    puts_first: bool = True  # a new value before the others


FORMATS: Mapping[str, Format] = {
    "json": Format(json_value, json_set, json_without),
    "toml": Format(toml_value, toml_set),
    "yaml": Format(yaml_value, yaml_set, puts_first=False),
    "yaml list": Format(yaml_value, yaml_appended, puts_first=False),
}


def edited(kind: str, text: str, values: Values) -> str:
    """The text with these values set.

    Raises `NotEditable` for a file that can't be read, or not edited without changing more.
    """
    form = FORMATS[kind]
    wanted = form.read(text)
    for path, value in reversed(list(values.items())) if form.puts_first else values.items():
        before, wanted = wanted, _with(wanted, path, value)
        if wanted == before:
            continue
        text = form.set(text, path, value)
        if _read_again(form, text) != wanted:
            raise NotEditable(f"{'.'.join(path) or 'an entry'} can't be set without changing more")
    return text


def absent_of(kind: str, text: str, values: Values) -> dict[Path, Any]:
    """Those of the values whose paths the text does not have. Raises `NotEditable`."""
    root = FORMATS[kind].read(text)
    return {path: value for path, value in values.items() if value_at(root, path) is ABSENT}


def taken_out(kind: str, *, before: str, after: str, now: str, edit: "Edit") -> str:
    """The text of `now` without what the edit from `before` to `after` set.

    Raises `NotEditable` if that has changed since.
    """
    if now == after:
        return before
    form = FORMATS[kind]
    try:
        return _lines_taken_out(form, before, after, now)
    except NotEditable:
        if form.without is None:
            raise
    return _values_taken_out(form, before, now, edit)


def _values_taken_out(form: Format, before: str, now: str, edit: "Edit") -> str:
    """`now`, with each value put back, for a tool that has written the file anew."""
    was, current = form.read(before), form.read(now)
    for path, value in edit.values.items():
        if value_at(current, path) != value:
            raise NotEditable(f"{'.'.join(path)} has another value by now")
        old = value_at(was, path)
        if old is not ABSENT and old != value:
            now = form.set(now, path, old)
    gone = [path for path in edit.values if value_at(was, path) is ABSENT]
    gone += [
        path
        for path, value in edit.if_absent.items()
        if value_at(was, path[:-1]) is ABSENT and value_at(current, path) == value
    ]
    if edit.whole and value_at(was, edit.whole) is ABSENT:
        gone.append(edit.whole)
    for path in gone:
        now = _without(form, now, path)
    for path in _new_mappings(gone, was):
        now = _without(form, now, path, only={})
    return now


def _without(form: Format, text: str, path: Path, only: Any = None) -> str:
    """The text without what is at a path, if there is something: with `only`, this value."""
    assert form.without is not None  # noqa: S101 - as the one caller has it
    found = value_at(form.read(text), path)
    keeps = found is ABSENT or (only is not None and found != only)
    return text if keeps else form.without(text, path)


class Edit(NamedTuple):
    """What is set in a file, what only where it is absent, and what is one thing as a whole."""

    values: Values
    if_absent: Values
    whole: Path


class _Absent:
    """The value of a path that a file does not have."""


ABSENT = _Absent()


def value_at(root: Any, path: Path) -> Any:
    """The value at a path of mappings; `ABSENT` if there is none."""
    for key in path:
        if not isinstance(root, Mapping) or key not in root:
            return ABSENT
        root = root[key]
    return root


def _with(root: Any, path: Path, value: Any) -> Any:
    """A copy of a document with a value set; an empty path appends it to a list."""
    if not path:
        if not isinstance(root, list | None):
            raise NotEditable("not a list")
        return root if value in (root or []) else [*(root or []), value]
    copy = deepcopy(root) if isinstance(root, dict) else {}
    place = copy
    for key in path[:-1]:
        if not isinstance(place.get(key), dict):
            place[key] = {}
        place = place[key]
    place[path[-1]] = value
    return copy


def _read_again(form: Format, text: str) -> Any:
    try:
        return form.read(text)
    except NotEditable:
        return ABSENT


def _new_mappings(paths: list[Path], was: Any) -> list[Path]:
    """The mappings on these paths that were not there before, the inner ones first."""
    inner = {path[:depth] for path in paths for depth in range(1, len(path))}
    return sorted((path for path in inner if value_at(was, path) is ABSENT), key=len, reverse=True)


def _lines_taken_out(form: Format, before: str, after: str, now: str) -> str:
    """`now`, with each run of lines that the edit wrote put back to what it was."""
    old, ours, current = map(lines_of, (before, after, now))
    kept = SequenceMatcher(None, ours, current, autojunk=False).get_matching_blocks()
    result, at = list(current), 0
    edits = SequenceMatcher(None, old, ours, autojunk=False).get_opcodes()
    for _, old_from, old_to, first, last in (each for each in edits if each[0] != "equal"):
        block = next(
            (each for each in kept if each.a <= first and last <= each.a + each.size), None
        )
        if block is None or first == last:
            raise NotEditable("lines that belong to it have changed")
        start = block.b + first - block.a + at
        result[start : start + last - first] = old[old_from:old_to]
        at += (old_to - old_from) - (last - first)
    text = "".join(result)
    form.read(text)
    return text
