"""The items of an answer: which of them the client can use, and which are calls of its tools.

The blocks of a message and the output items of a response are lists of objects with a `type`.
"""

from typing import Any

import msgspec

from .frame import more_values_than

_MOST_VALUES = 50_000
# What the model thought is no answer: the client asked for what comes after it.
_THOUGHTS = frozenset({"reasoning", "thinking", "redacted_thinking"})
_TEXTS = frozenset({"text", "output_text", "refusal", "message"})
# The calls that the client has to run; those that a server ran already are left out.
_CALLS = frozenset(
    {
        *("tool_use", "function_call", "custom_tool_call"),
        *("local_shell_call", "shell_call", "computer_call", "apply_patch_call"),
    }
)


class Item(msgspec.Struct, gc=False):
    """One item; all else in it is skipped unread."""

    type: Any = None
    text: Any = None
    refusal: Any = None
    content: Any = None

    @property
    def is_call(self) -> bool:
        """Whether it is a call of one of the client's tools."""
        return isinstance(self.type, str) and self.type in _CALLS

    @property
    def says(self) -> bool:
        """Whether it is text, a refusal, a call, or anything else that is not a thought."""
        kind = self.type if isinstance(self.type, str) else "text"
        if kind not in _TEXTS:
            return kind not in _THOUGHTS
        if isinstance(self.content, list):
            return any(map(_says, self.content))
        return bool(self.text or self.refusal or self.content)


_ITEMS = msgspec.json.Decoder(list[Item])


def read_items(raw: bytes | msgspec.Raw) -> list[Item] | None:
    """The items in a JSON list; None if they can't be read, or are too many. Never raises."""
    text = bytes(raw)
    if more_values_than(_MOST_VALUES, text):
        return None
    try:
        return _ITEMS.decode(text)
    except (ValueError, RecursionError):
        return None


def _says(part: Any) -> bool:
    """Whether a part of an item's content says something."""
    if not isinstance(part, dict):
        return bool(part)
    kind = part.get("type", "text")
    is_other = isinstance(kind, str) and kind not in _TEXTS
    return is_other or bool(part.get("text") or part.get("refusal"))
