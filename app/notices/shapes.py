"""The shapes in which an event is sent: Pointsman's own JSON, Slack's and ntfy's. PURE."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, get_args
from urllib.parse import unquote, urlsplit

import msgspec

from app.notices.event import Event, Level

Format = Literal["json", "slack", "ntfy"]
FORMATS: tuple[Format, ...] = get_args(Format)

_PRIORITIES: Mapping[Level, int] = {"problem": 4, "warning": 3, "over": 3}
_TAGS: Mapping[Level, str] = {
    "problem": "rotating_light",
    "warning": "warning",
    "over": "white_check_mark",
}
_SLACK_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Message(NamedTuple):
    """What is posted where. The URL is a secret."""

    url: str
    body: bytes


def format_of(url: str) -> Format:
    """The format that a webhook's URL asks for by its host or path; `json` if it names none."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if host in {"hooks.slack.com", "hooks.slack-gov.com"} or parts.path.endswith("/slack"):
        return "slack"
    return "ntfy" if host == "ntfy.sh" or host.startswith("ntfy.") else "json"


def has_topic(url: str) -> bool:
    """Whether a URL ends in a topic, as ntfy requires."""
    return bool(urlsplit(url).path.strip("/"))


def message_of(form: Format, url: str, told: Event, *, at: str, sent_at: str) -> Message:
    """The message about an event; `at` is when it was told first, `sent_at` now, as ISO times."""
    return _SHAPES[form](url, told, at, sent_at)


def _json(url: str, told: Event, at: str, sent_at: str) -> Message:
    body = {
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
    return Message(url, msgspec.json.encode(body))


def _slack(url: str, told: Event, at: str, sent_at: str) -> Message:
    title, text = (part.translate(_SLACK_ESCAPES) for part in (told.title, told.text))
    return Message(url, msgspec.json.encode({"text": f"*{title}*\n{text}\n{_when(at, sent_at)}"}))


def _ntfy(url: str, told: Event, at: str, sent_at: str) -> Message:
    """Ntfy takes JSON at the server's root: headers could not carry every rule's name."""
    parts = urlsplit(url)
    root, _, topic = parts.path.rstrip("/").rpartition("/")
    body = {
        "topic": unquote(topic),
        "title": told.title,
        "message": f"{told.text}\n{_when(at, sent_at)}",
        "priority": _PRIORITIES[told.level],
        "tags": [_TAGS[told.level]],
    }
    return Message(parts._replace(path=f"{root}/").geturl(), msgspec.json.encode(body))


def _when(at: str, sent_at: str) -> str:
    return f"At {at}, sent at {sent_at}."


_SHAPES: Mapping[Format, Callable[[str, Event, str, str], Message]] = {
    "json": _json,
    "slack": _slack,
    "ntfy": _ntfy,
}
