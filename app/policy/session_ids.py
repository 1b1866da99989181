"""Reads an identifier of a session from a header or a field. Nothing here raises.

An identifier is usable if it is text of 1 to 256 characters that is not blank. A longer one is
ignored and not cut, since two sessions could begin alike.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

LONGEST = 256  # characters of an identifier; OpenRouter's own limit
_LARGEST = 4096  # bytes of a field that is read; `metadata` may contain anything

Read = Callable[[Any], str | None]


def reader_of(source: str) -> Read:
    """The reader of a place: `header.NAME`, `body.FIELD` or one of the known `body.FIELD.MEMBER`.

    It takes a header's value or a field's raw slice, and returns a usable identifier or None.
    """
    where = source.partition(".")[0]
    return _READERS.get(source, _of_header if where == "header" else _of_field)


def _usable(text: object) -> str | None:
    fits = isinstance(text, str) and len(text) <= LONGEST and text and not text.isspace()
    return str(text) if fits else None


def _of_header(value: bytes) -> str | None:
    return _usable(value.decode("latin-1"))


def _of_field(raw: Any) -> str | None:
    return _usable(_decoded(raw))


def _decoded(raw: Any) -> Any:
    """A field's value as JavaScript reads it; None for one that is large or is not JSON."""
    if len(raw) > _LARGEST:
        return None
    try:
        return _JSON.decode(bytes(raw).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _of_user_id(raw: Any) -> str | None:
    """The session in Claude Code's `metadata.user_id`, never its device or account.

    Today that is JSON inside a string; until March 2026 it was one text of three parts. In other
    clients it is the id of an end user, which is not a session.
    """
    user = _member(_decoded(raw), "user_id")
    if not isinstance(user, str):
        return None
    if older := _OLDER_USER_ID.fullmatch(user):
        return _usable(older[1])
    return _usable(_member(_decoded(user.encode("utf-8", "replace")), "session_id"))


def _of_session_id(raw: Any) -> str | None:
    return _usable(_member(_decoded(raw), "sessionId"))


_JSON = json.JSONDecoder(parse_int=float)  # Python won't turn thousands of digits into an int
_OLDER_USER_ID = re.compile(r"user_[0-9a-f]+_account_[0-9a-f-]*_session_([0-9a-f-]+)")
_READERS: Mapping[str, Read] = MappingProxyType(
    {"body.metadata.user_id": _of_user_id, "body.metadata.sessionId": _of_session_id}
)
