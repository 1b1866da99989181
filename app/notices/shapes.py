"""The shapes in which an event is sent: Pointsman's own JSON, Slack's and ntfy's. PURE."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import msgspec

from .event import Event, Level

Format = Literal["json", "slack", "ntfy"]
FORMATS: tuple[Format, ...] = get_args(Format)

Body = Mapping[str, Any]

_PRIORITIES: Mapping[Level, int] = {"problem": 4, "warning": 3, "over": 3}
_TAGS: Mapping[Level, str] = {
    "problem": "rotating_light",
    "warning": "warning",
    "over": "white_check_mark",
}
_SLACK_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def body_of(form: Format, told: Event, *, at: str, sent_at: str, topic: str = "") -> bytes:
    """The body of a message; `at` is when it was told first, `sent_at` now, as ISO times.

    `topic` is for ntfy.
    """
    return msgspec.json.encode(_SHAPES[form](told, at, sent_at, topic))


def _json(told: Event, at: str, sent_at: str, topic: str) -> Body:
    del topic
    return {
        "id": told.id,
        "event": told.kind,
        "level": told.level,
        "at": at,
        "sent_at": sent_at,
        "subject": told.subject,
        "title": told.title,
        "text": told.text,
        "facts": told.facts,
    }


def _slack(told: Event, at: str, sent_at: str, topic: str) -> Body:
    del topic
    title, text = (part.translate(_SLACK_ESCAPES) for part in (told.title, told.text))
    return {"text": f"*{title}*\n{text}\n{_when(at, sent_at)}"}


def _ntfy(told: Event, at: str, sent_at: str, topic: str) -> Body:
    """As JSON, since headers could not carry every rule's name."""
    return {
        "topic": topic,
        "title": told.title,
        "message": f"{told.text}\n{_when(at, sent_at)}",
        "priority": _PRIORITIES[told.level],
        "tags": [_TAGS[told.level]],
    }


def _when(at: str, sent_at: str) -> str:
    return f"At {at}, sent at {sent_at}."


_SHAPES: Mapping[Format, Callable[[Event, str, str, str], Body]] = {
    "json": _json,
    "slack": _slack,
    "ntfy": _ntfy,
}
