"""Quote another tool's file in messages: short, and never an API key."""

import json
import re
from typing import Any

_LONGEST_QUOTE = 60
_LONGEST_KEY = 100
_SECRET_NAME = re.compile(
    r"(?i)api[-_]?key|secret|password|authorization|bearer|credential|^(access[-_]?)?token$"
)
_SECRET = re.compile(r"(?i)bearer |(sk|pk|rk)-")


def shown(value: Any) -> str:
    """A value as quoted in a message."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = "a secret" if holds_secret(value) else json.dumps(value, ensure_ascii=False)
    return _cut(text, _LONGEST_QUOTE)


def shown_key(key: str) -> str:
    """A mapping's key as quoted in a path."""
    return "(a secret)" if holds_secret(key) else _cut(key, _LONGEST_KEY)


def holds_secret(value: Any) -> bool:
    """Whether a value may contain an API key."""
    if isinstance(value, dict):
        return any(map(_SECRET_NAME.search, value)) or any(map(holds_secret, value.values()))
    if isinstance(value, list):
        return any(map(holds_secret, value))
    return isinstance(value, str) and _SECRET.match(value.strip()) is not None


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."
