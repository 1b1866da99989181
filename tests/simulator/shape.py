"""Compares the shape of two JSON values: which keys are there, and of what kind their values."""

from collections.abc import Iterable
from typing import Any

Shape = dict[str, set[str]]  # path -> kinds seen there


def shape_of(value: Any, path: str = "$") -> Shape:
    """Every path in a value with the kinds of value at it; items of a list share one path."""
    shape: Shape = {path: {_kind(value)}}
    if isinstance(value, dict):
        parts = [(f"{path}.{key}", item) for key, item in value.items()]
    elif isinstance(value, list):
        parts = [(f"{path}[]", item) for item in value]
    else:
        parts = []
    for where, item in parts:
        _add(shape, shape_of(item, where))
    return shape


def differences(
    recorded: Iterable[Any],
    simulated: Any,
    *,
    may_lack: Iterable[str] = (),
    may_add: Iterable[str] = (),
    free: Iterable[str] = (),
) -> list[str]:
    """How a simulated value differs in shape from recorded ones of its sort; nothing if it fits.

    It must have every path that all recordings have, and none that no recording has, with a kind
    of value that was recorded there. `null` fits anywhere, since any recorded value may be absent,
    and an empty list where one with items was recorded.
    `may_lack` and `may_add` name paths (with all below) that are excused; below `free` is data.
    """
    shapes = [_without(shape_of(value), free) for value in recorded]
    mine = _without(shape_of(simulated), free)
    always = set.intersection(*(set(shape) for shape in shapes))
    ever: Shape = {}
    for shape in shapes:
        _add(ever, shape)
    empty = [f"{path}[]" for path, kinds in mine.items() if kinds >= {"array"}]
    excused = [*may_lack, *(path for path in empty if path not in mine)]
    missing = [path for path in always - set(mine) if not _under(path, excused)]
    extra = [path for path in set(mine) - set(ever) if not _under(path, may_add)]
    odd = [
        f"kind: {path} is {' or '.join(sorted(mine[path]))}, recorded as {sorted(ever[path])}"
        for path in set(mine) & set(ever)
        if not mine[path] <= ever[path] | {"null"} and ever[path] != {"null"}
    ]
    return sorted([f"missing: {path}" for path in missing] + [f"extra: {p}" for p in extra] + odd)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _add(shape: Shape, more: Shape) -> None:
    for path, kinds in more.items():
        shape.setdefault(path, set()).update(kinds)


def _under(path: str, roots: Iterable[str]) -> bool:
    return any(path == root or path.startswith((f"{root}.", f"{root}[")) for root in roots)


def _without(shape: Shape, roots: Iterable[str]) -> Shape:
    below = list(roots)
    return {
        path: kinds for path, kinds in shape.items() if path in below or not _under(path, below)
    }
