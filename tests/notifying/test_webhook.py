"""The webhook of the settings: its format, by its URL, and nothing of it shown."""

import pytest
from pydantic import SecretStr

from app.notifying.webhook import Webhook, format_of


def webhook(url: str, form: str = "auto", secret: str | None = None) -> Webhook:
    return Webhook.of(SecretStr(url), form, SecretStr(secret) if secret else None)


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
    assert webhook(url).form == form


def test_the_setting_decides_over_the_url() -> None:
    assert webhook("https://hooks.slack.com/x", "json").form == "json"
    assert webhook("https://chat.example/hooks/x", "slack").form == "slack"


@pytest.mark.parametrize(
    ("url", "root", "topic"),
    [
        ("https://ntfy.sh/mine", "https://ntfy.sh/", "mine"),
        ("https://ntfy.sh/mine/?auth=x", "https://ntfy.sh/?auth=x", "mine"),
        ("https://a.example/ntfy/m%20e", "https://a.example/ntfy/", "m e"),
    ],
)
def test_ntfy_is_sent_to_at_its_root(url: str, root: str, topic: str) -> None:
    found = webhook(url, "ntfy")
    assert (found.url, found.topic) == (root, topic)


def test_nothing_of_it_is_shown() -> None:
    found = webhook("https://ntfy.sh/canary-topic", secret="canary-secret")
    assert repr(found) == "Webhook(form='ntfy')"
