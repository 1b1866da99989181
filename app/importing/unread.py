"""Find provider settings that no reader has read, by their shape, anywhere in a file.

Tools change faster than readers do, and people write provider objects in places that are never
sent. So every mapping of a file is checked once, whichever anchors refer to it; anything that
looks like provider settings and was neither carried over nor reported by a reader is reported here.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import yaml

from ..policy.file.yaml_tree import Spot
from .found import Found, Left, Place
from .mending import field_named
from .quoting import shown_key

# Fields that other settings have too: two are needed, or one in a mapping with a telling name.
_LISTS = frozenset({"only", "order", "ignore"})
_SORTS = frozenset({"price", "throughput", "latency", "exacto"})
_ENOUGH = 2
_WEIGHTS = {**dict.fromkeys((*_LISTS, "sort"), 1), "options": 0}
_TELLING_NAME = re.compile(r"(?i)provider|routing|extra_?body|open_?router")

# One field per key, as Cline and its forks write them, and their value for "not set".
FLAT_KEY = re.compile(r"(?i)open_?router_?(specific_?provider|provider_?\w|zdr)|provider_?order$")
DEFAULT = "[default]"


@dataclass(frozen=True, slots=True)
class Looking:
    """A mapping that looks like provider settings: its position, and the keys that suggest it."""

    node: yaml.MappingNode
    fields: dict[str, yaml.Node]
    place: Place

    def is_known(self, read: Collection[int]) -> bool:
        """Whether a reader has read it, as a whole or field by field."""
        return id(self.node) in read or all(id(each) in read for each in self.fields.values())


def unread(root: Spot, found: Collection[Found | Left], title: str) -> Iterator[Left]:
    """Mappings in a file of `title` that look like provider settings and that no reader found."""
    read = {node for each in found for node in each.place.read}
    for each in look(root):
        if not each.is_known(read):
            why = f"not carried over: {title} is not known to send provider settings from here"
            yield Left(each.place, ", ".join(each.fields), why)


def look(root: Spot) -> Iterator[Looking]:
    """All mappings that look like provider settings, in the order of the file."""
    yield from _look(root.node, (), root.line, root.file, set())


def _look(
    node: yaml.Node, path: tuple[str, ...], line: int, file: str, seen: set[int]
) -> Iterator[Looking]:
    if id(node) in seen:
        return
    seen.add(id(node))
    fields: dict[str, yaml.Node] = {}
    if isinstance(node, yaml.MappingNode):
        fields = _fields(node, next((step for step in reversed(path) if step[0] != "["), ""))
        if fields:
            yield Looking(node, fields, Place(file, line, _joined(path)))
    for step, step_line, value in _children(node):
        if step not in fields:
            yield from _look(value, (*path, step), step_line, file, seen)


def _children(node: yaml.Node) -> Iterator[tuple[str, int, yaml.Node]]:
    """The items of a mapping or a list: the path step, the line, the value."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            yield name or "(no name)", _line(key), value
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield f"[{position}]", _line(value), value


def _fields(node: yaml.MappingNode, name: str) -> dict[str, yaml.Node]:
    """The keys that make a mapping of that name look like provider settings; empty if none do."""
    hinted = _TELLING_NAME.search(name) is not None
    known: dict[str, yaml.Node] = {}
    flat: dict[str, yaml.Node] = {}
    weight = 1 if hinted else 0
    for key, _, value in _children(node):
        field = field_named(key)
        if field is not None and _says_something(field, value, hinted=hinted):
            known[key] = value
            weight += _WEIGHTS.get(field, _ENOUGH)
        elif FLAT_KEY.search(key) and _is_said(value):
            flat[key] = value
    return {**(known if weight >= _ENOUGH else {}), **flat}


def _says_something(field: str, value: yaml.Node, *, hinted: bool) -> bool:
    """Whether a value is possible for the field and not empty."""
    if field in _LISTS and isinstance(value, yaml.SequenceNode):
        return bool(value.value) and all(map(_is_text, value.value))
    if field in _LISTS:
        return hinted and _is_text(value)
    if field == "sort" and isinstance(value, yaml.ScalarNode):
        return value.value.strip().lower() in _SORTS
    if field == "data_collection":
        return _is_text(value) or (hinted and _is_said(value))
    return _is_said(value) or (not isinstance(value, yaml.ScalarNode) and bool(value.value))


def _is_text(node: yaml.Node) -> bool:
    return _is_said(node) and node.tag.endswith(":str")


def _is_said(node: yaml.Node) -> bool:
    """Whether it is a scalar other than null, an empty value, or a default."""
    if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null"):
        return False
    return node.value not in {"", DEFAULT}


def _joined(path: tuple[str, ...]) -> str:
    steps = (step if step[0] == "[" else f".{shown_key(step)}" for step in path)
    return "".join(steps).removeprefix(".")


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1 if node.start_mark else 1
