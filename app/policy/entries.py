"""Single tools and plugins of a request, by the names that `refuse` and `strip` give them.

`tools.TYPE` and `plugins.ID`, with * and ?: `tools.openrouter:advisor`, `tools.web_search*`,
`plugins.fusion`. A tool has its own name and those of the tools within it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from app.policy.pattern import glob
from app.policy.request import UNREADABLE
from app.policy.slices import Fields

_KINDS = {"tools": "type", "plugins": "id"}
_DEEPEST = 4  # tools within tools; OpenRouter takes one level


def is_entry(name: str) -> bool:
    """Whether a name is that of a single tool or plugin, and not of a field."""
    return name.partition(".")[0] in _KINDS and "." in name


def used(fields: Fields, pattern: str) -> str | None:
    """The first tool or plugin of a request that a name means; None where there is none."""
    field, wanted = pattern.partition(".")[0], glob(pattern)
    names = (name for entry in _entries(fields, field) for name in _names(field, entry))
    return next((name for name in names if wanted.match(name)), None)


def without(fields: Fields, patterns: Iterable[str]) -> dict[str, bytes | None]:
    """The lists that lose an entry, each with the entries left in their own bytes; None: no list.

    A list that can't be read is left out whole: it may have what is to be stripped.
    """
    by_field: dict[str, list[Any]] = {}
    for pattern in patterns:
        by_field.setdefault(pattern.partition(".")[0], []).append(glob(pattern))
    changed: dict[str, bytes | None] = {}
    for field, wanted in by_field.items():
        try:
            items = _items(fields, field)
        except UNREADABLE:
            changed[field] = None
            continue
        kept = [item for item in items if not _is_wanted(field, item, wanted)]
        if len(kept) < len(items):
            changed[field] = b"[" + b",".join(map(bytes, kept)) + b"]" if kept else None
    return changed


def _is_wanted(field: str, item: msgspec.Raw, wanted: list[Any]) -> bool:
    names = list(_names(field, msgspec.json.decode(item)))
    return any(each.match(name) for each in wanted for name in names)


def _items(fields: Fields, field: str) -> list[msgspec.Raw]:
    raw = bytes(fields.get(field, b"")).lstrip()
    return msgspec.json.decode(raw, type=list[msgspec.Raw]) if raw.startswith(b"[") else []


def _entries(fields: Fields, field: str) -> list[Any]:
    try:
        return [msgspec.json.decode(item) for item in _items(fields, field)]
    except UNREADABLE:
        return []


def _names(field: str, entry: Any, levels: int = _DEEPEST) -> Iterator[str]:
    """What an entry is called, and the tools within it."""
    if not isinstance(entry, dict):
        return
    name = entry.get(_KINDS[field])
    if isinstance(name, str):
        yield f"{field}.{name}"
    parameters = entry.get("parameters")
    nested = parameters.get("tools") if isinstance(parameters, dict) else None
    for each in nested if levels and isinstance(nested, list) else ():
        yield from _names(field, each, levels - 1)
