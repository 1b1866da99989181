"""A policy file's YAML as a tree in which every value has its line and can report a problem there.

The text is composed into nodes and never constructed into objects: no tag can run anything, and
the traps of YAML (a key given twice, `no` that is a boolean, `1:30` that is a number) can still
be detected. Anchors and merge keys work; their expansion is bounded.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from ...errors import PolicyProblem

# libyaml's loader reads a thousand rules in 30 ms where the one in Python takes 300.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_DEEPEST = 50  # far beyond any policy; libyaml's composer overruns the stack some way further on
_MOST_VALUES = 100_000
# No two consecutive parts may match the same characters: otherwise rejecting a long text that is
# not a number would take extremely long.
_NUMBER = re.compile(r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0\d")
_TRUE = frozenset({"yes", "true", "on"})

BAD: Final[Any] = object()  # stands for a value that was complained about


@dataclass(frozen=True, slots=True)
class Spot:
    """One value in a policy file."""

    file: str
    where: str  # rules[2].only[0]
    line: int
    node: yaml.Node
    problems: list[PolicyProblem]

    def complain(self, message: str) -> Any:
        """Note a mistake here and return BAD, for the caller to pass on."""
        self.problems.append(PolicyProblem(self.file, self.line, self.where, message))
        return BAD

    @property
    def kind(self) -> str:
        """The kind as YAML resolves it: mapping, list, text, number, flag or null."""
        if isinstance(self.node, yaml.MappingNode):
            return "mapping"
        if isinstance(self.node, yaml.SequenceNode):
            return "list"
        return _KINDS.get(self.node.tag.rpartition(":")[2], "text")

    def __str__(self) -> str:
        """Render as a message would quote it."""
        if self.kind in {"mapping", "list"}:
            return f"a {self.kind}"
        if self.kind == "null":
            return "an empty value"
        if self.kind == "flag":
            return f"{self.node.value} (which YAML reads as {str(self.flag()).lower()})"
        return f'"{self.node.value}"' if self.kind == "text" else str(self.node.value)

    def text(self) -> str:
        """The text written here, for a value that is not a mapping or a list."""
        return str(self.node.value)

    def flag(self) -> bool:
        """The boolean that is written here."""
        return self.text().lower() in _TRUE

    def number(self) -> int | float | None:
        """The number written here; None if it isn't one that JSON could carry.

        YAML 1.1 treats `1e-7` as text and `1:30` as a number; here it is the other way round.
        """
        text = self.text()
        quoted = self.kind == "text" and bool(getattr(self.node, "style", None))
        if quoted or not _NUMBER.fullmatch(text) or _LEADING_ZERO.match(text):
            return None
        text = text.replace("_", "")
        number = float(text)
        if not math.isfinite(number):
            return None
        return number if re.search(r"[.eE]", text) else int(text)

    def items(self) -> list["Spot"]:
        """The values of a list."""
        return [
            self._at(f"{self.where}[{position}]", _line(node), node)
            for position, node in enumerate(self.node.value)
        ]

    def entries(self) -> dict[str, "Spot"]:
        """The values of a mapping by key, each at its key's line; a repeated key is an error."""
        found: dict[str, Spot] = {}
        for key, value in self.node.value:
            spot = self._at(self._below(str(key.value)), _line(key), value)
            if not isinstance(key, yaml.ScalarNode):
                spot.complain("a key must be plain text")
            elif key.tag.endswith(":merge"):
                continue
            elif key.value in found:
                spot.complain(f"{key.value} is given twice; remove one of them")
            else:
                found[key.value] = spot
        for base in self._merged():
            found = {**base.entries(), **found}
        return found

    def _merged(self) -> Iterator["Spot"]:
        """The mappings that `<<` merges; earlier ones win."""
        for key, value in self.node.value:
            if not key.tag.endswith(":merge"):
                continue
            nodes = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for node in nodes:
                spot = self._at(self._below("<<"), _line(key), node)
                if spot.kind == "mapping":
                    yield spot
                else:
                    spot.complain("`<<` requires a mapping, or a list of mappings")

    def _below(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def _at(self, where: str, line: int, node: yaml.Node) -> "Spot":
        return Spot(self.file, where, line, node, self.problems)


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1 if node.start_mark else 1


_KINDS = {"int": "number", "float": "number", "bool": "flag", "null": "null"}


def read_tree(file: str, text: str, problems: list[PolicyProblem]) -> Spot | None:
    """Return the root of a file's tree; if there is none, note a problem and return None."""

    def complain(line: int, message: str) -> None:
        problems.append(PolicyProblem(file, line, "", message))

    try:
        deepest = _deepest(text)
        if deepest is not None:
            complain(deepest, f"nested more than {_DEEPEST} levels deep")
            return None
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        complain(mark.line + 1 if mark else 1, _syntax(text, error))
        return None
    except yaml.reader.ReaderError as error:
        complain(1, f"character {error.position} is not allowed in YAML: {error.reason}")
        return None
    if node is None:
        complain(1, "the file is empty; begin with `version: 1`, or delete it")
        return None
    if not _bounded(node):
        line = _line(node)
        most = f"{_MOST_VALUES} values or {_DEEPEST} levels"
        complain(line, f"an anchor contains itself, or expands to more than {most}")
        return None
    return Spot(file, "", _line(node), node, problems)


def _syntax(text: str, error: yaml.MarkedYAMLError) -> str:
    """The YAML parser's error, in words that help."""
    mark = error.problem_mark
    lines = text.splitlines()
    if mark and int(mark.line) < len(lines) and "\t" in lines[mark.line]:
        return "a tab in the line; indent YAML with spaces"
    if error.problem and "another document" in error.problem:
        return "a second document (`---`); put each policy into its own file"
    said = ", ".join(part for part in (error.context, error.problem) if part)
    return f"not valid YAML: {said}"


def _deepest(text: str) -> int | None:
    """The line where nesting gets too deep, if it does."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                return event.start_mark.line + 1 if event.start_mark else 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


def _bounded(root: yaml.Node) -> bool:
    """Whether the tree is bounded: anchors can make a small text a huge or infinite tree."""
    endless = (math.inf, math.inf)
    known: dict[int, tuple[float, float]] = {}  # the values in a node, and its levels

    def measure(node: yaml.Node) -> tuple[float, float]:
        if id(node) not in known:
            known[id(node)] = endless  # while it is measured: a node in itself is endless
            children = node.value if isinstance(node.value, list) else []
            found = [
                measure(each)
                for child in children
                for each in (child if isinstance(child, tuple) else (child,))
            ]
            levels = 1 + max((each for _, each in found), default=0)
            known[id(node)] = (1 + sum(size for size, _ in found), levels)
        return known[id(node)]

    size, levels = measure(root)
    return size <= _MOST_VALUES and levels <= _DEEPEST + 1  # a scalar is a level too
