"""The three shapes, and the signature."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from app.notices.event import event
from app.notices.shapes import FORMATS, Format, body_of
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


def sent(form: Format, topic: str = "") -> dict[str, Any]:
    body: dict[str, Any] = json.loads(body_of(form, TOLD, at=AT, sent_at=SENT_AT, topic=topic))
    return body


def test_pointsmans_own_shape_has_everything() -> None:
    assert sent("json") == {
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
    assert sent("slack") == {
        "text": '*Rule "ü &lt;careful&gt; &amp; co" was broken*\nOne.\nTwo.\n'
        f"At {AT}, sent at {SENT_AT}."
    }


def test_ntfy_gets_json_with_its_topic() -> None:
    assert sent("ntfy", "mine") == {
        "topic": "mine",
        "title": 'Rule "ü <careful> & co" was broken',
        "message": f"One.\nTwo.\nAt {AT}, sent at {SENT_AT}.",
        "priority": 4,
        "tags": ["rotating_light"],
    }


@pytest.mark.parametrize("form", FORMATS)
def test_each_shape_is_signed_over_its_very_bytes(form: Format) -> None:
    body = body_of(form, TOLD, at=AT, sent_at=SENT_AT)
    headers = headers_of(TOLD.id, body, "s3cret")
    expected = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["x-pointsman-signature"] == f"sha256={expected}"
    assert headers["x-pointsman-notice"] == TOLD.id
    assert "x-pointsman-signature" not in headers_of(TOLD.id, body, None)
