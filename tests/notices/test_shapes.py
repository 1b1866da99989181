"""The three shapes, which URL asks for which, and the signature."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from app.notices.event import event
from app.notices.shapes import FORMATS, Format, format_of, has_topic, message_of
from app.notices.signature import headers_of

TOLD = event(
    "broken",
    "ü <careful> & co",
    "2026-11-28T09",
    level="problem",
    title='Rule "ü <careful> & co" was broken',
    text="One.\nTwo.",
    facts={"rule": "ü <careful> & co", "further": 2},
)
AT, SENT_AT = "2026-11-28T09:31:04.120Z", "2026-11-28T09:31:05.000Z"


def sent(form: Format, url: str = "https://hook.example/x") -> tuple[str, dict[str, Any]]:
    message = message_of(form, url, TOLD, at=AT, sent_at=SENT_AT)
    return message.url, json.loads(message.body)


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://hooks.slack.com/services/T0/B0/x", "slack"),
        ("https://HOOKS.SLACK.COM/services/T0/B0/x", "slack"),
        ("https://discord.com/api/webhooks/1/x/slack", "slack"),
        ("https://ntfy.sh/mine", "ntfy"),
        ("https://ntfy.example.org/mine", "ntfy"),
        ("https://hook.example/ntfy.sh", "json"),
        ("https://hooks.slack.com.evil.example/services", "json"),
        ("http://127.0.0.1:9000/", "json"),
    ],
)
def test_a_url_asks_for_a_format_by_its_host_or_path(url: str, form: str) -> None:
    assert format_of(url) == form


def test_pointsmans_own_shape_has_everything() -> None:
    url, body = sent("json")
    assert url == "https://hook.example/x"
    assert body == {
        "id": TOLD.id,
        "event": "broken",
        "level": "problem",
        "at": AT,
        "sent_at": SENT_AT,
        "subject": "ü <careful> & co",
        "title": 'Rule "ü <careful> & co" was broken',
        "text": "One.\nTwo.",
        "facts": {"rule": "ü <careful> & co", "further": 2},
    }


def test_slack_gets_a_text_in_which_no_name_is_a_command() -> None:
    _, body = sent("slack")
    assert body == {
        "text": '*Rule "ü &lt;careful&gt; &amp; co" was broken*\nOne.\nTwo.\n'
        f"At {AT}, sent at {SENT_AT}."
    }


@pytest.mark.parametrize(
    ("url", "root", "topic"),
    [
        ("https://ntfy.sh/mine", "https://ntfy.sh/", "mine"),
        ("https://ntfy.sh/mine/?auth=x", "https://ntfy.sh/?auth=x", "mine"),
        ("https://a.example/ntfy/m%20e", "https://a.example/ntfy/", "m e"),
    ],
)
def test_ntfy_gets_json_at_its_root(url: str, root: str, topic: str) -> None:
    where, body = sent("ntfy", url)
    assert where == root
    assert body == {
        "topic": topic,
        "title": 'Rule "ü <careful> & co" was broken',
        "message": f"One.\nTwo.\nAt {AT}, sent at {SENT_AT}.",
        "priority": 4,
        "tags": ["rotating_light"],
    }


def test_ntfy_needs_a_topic() -> None:
    assert has_topic("https://ntfy.sh/mine")
    assert not has_topic("https://ntfy.sh/")


@pytest.mark.parametrize("form", FORMATS)
def test_each_shape_is_signed_over_its_very_bytes(form: Format) -> None:
    body = message_of(form, "https://a.example/x", TOLD, at=AT, sent_at=SENT_AT).body
    headers = headers_of(TOLD.id, body, "s3cret")
    expected = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["x-pointsman-signature"] == f"sha256={expected}"
    assert headers["x-pointsman-notice"] == TOLD.id
    assert "x-pointsman-signature" not in headers_of(TOLD.id, body, None)
