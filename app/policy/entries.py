"""Single tools and plugins of a request, by the names that `refuse` and `strip` use for them.

`tools.TYPE` and `plugins.ID`, with * and ?: `tools.openrouter:advisor`, `tools.web_search*`,
`plugins.fusion`. A tool has its own name and those of the tools within it. An entry that can't
be read counts as a match: it is refused, and stripped.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ..surrogates import readable
from .pattern import glob
from .request import UNREADABLE
from .slices import Fields

_KINDS = {"tools": "type", "plugins": "id"}
_DEEPEST = 4  # tools within tools; OpenRouter takes one level


def is_entry(name: str) -> bool:
    """Whether a name is that of a single tool or plugin, and not of a field."""
    return name.partition(".")[0] in _KINDS and "." in name


class _Entry(msgspec.Struct, gc=False):
    """The fields that name an entry; its other fields are skipped, readable or not."""

    type: Any = None
    id: Any = None
    parameters: msgspec.Raw = msgspec.Raw()
    tools: msgspec.Raw = msgspec.Raw()  # of a namespace


class _Parameters(msgspec.Struct, gc=False):
    tools: msgspec.Raw = msgspec.Raw()


def used(fields: Fields, pattern: str) -> str | None:
    """Return the first tool or plugin of a request that the pattern matches, or None."""
    field, wanted = pattern.partition(".")[0], glob(pattern)
    raw = fields.get(field)
    try:
        items = _items(raw)
    except UNREADABLE:
        try:
            items = _items(msgspec.Raw(readable(bytes(raw or b""))))
        except UNREADABLE:
            return f"{field} that can't be read"
    for item in items:
        names = _names_of(field, item)
        if names is None:
            return f"{field} that can't be read"
        found = next((name for name in names if wanted.match(name)), None)
        if found is not None:
            return found
    return None


def without(fields: Fields, patterns: Iterable[str]) -> dict[str, bytes | None]:
    """The lists that lose an entry, each with the entries left in their own bytes; None: no list.

    An unreadable entry or list is left out, since it may be or contain an entry to strip.
    """
    by_field: dict[str, list[Any]] = {}
    for pattern in patterns:
        by_field.setdefault(pattern.partition(".")[0], []).append(glob(pattern))
    changed: dict[str, bytes | None] = {}
    for field, wanted in by_field.items():
        try:
            items = _items(fields.get(field))
        except UNREADABLE:
            changed[field] = None
            continue
        kept = [item for item in items if not _is_wanted(field, item, wanted)]
        if len(kept) < len(items):
            changed[field] = b"[" + b",".join(map(bytes, kept)) + b"]" if kept else None
    return changed


def _is_wanted(field: str, item: msgspec.Raw, wanted: list[Any]) -> bool:
    names = _names_of(field, item)
    return names is None or any(each.match(name) for each in wanted for name in names)


def _items(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    text = bytes(raw or b"").lstrip()
    return msgspec.json.decode(text, type=list[msgspec.Raw]) if text.startswith(b"[") else []


def _names_of(field: str, item: msgspec.Raw) -> list[str] | None:
    """The names of an entry and of the tools within it; None if it can't be read."""
    try:
        return [*_names(field, item, _DEEPEST)]
    except UNREADABLE:
        return None


def _names(field: str, item: msgspec.Raw, levels: int) -> Iterator[str]:
    if not bytes(item).lstrip().startswith(b"{"):
        return
    entry = msgspec.json.decode(item, type=_Entry)
    name = getattr(entry, _KINDS[field])
    if isinstance(name, str):
        yield f"{field}.{name}"
    if not levels:
        return
    within = _items(entry.tools)
    if bytes(entry.parameters).lstrip().startswith(b"{"):
        within += _items(msgspec.json.decode(entry.parameters, type=_Parameters).tools)
    for each in within:
        yield from _names(field, each, levels - 1)
