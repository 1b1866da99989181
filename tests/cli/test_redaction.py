"""Secrets are taken out of texts, in each form that a text may have them."""

import json
from urllib.parse import quote

import pytest

from app.cli.redaction import REMOVED, Redaction
from app.settings import Settings

SETTINGS = {
    "openrouter_api_key": "key-of-the-operator",
    "caller_keys": 'anna:key-of-anna,ci:key"of\\ci',
    "notify_url": "https://hooks.example/canary/path",
    "notify_secret": "secret-of-the-webhook",
    "shared_secret": "s" * 32,
}
SECRETS = (
    *("key-of-the-operator", "key-of-anna", 'key"of\\ci', "https://hooks.example/canary/path"),
    *("secret-of-the-webhook", "s" * 32),
)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_removed_as_it_is_in_json_and_in_a_url(secret: str) -> None:
    redaction = Redaction.of(Settings.read(**SETTINGS))
    for form in (secret, json.dumps({"a": secret}), quote(secret, safe="")):
        assert secret not in redaction.applied(f"before {form} after")
        assert REMOVED in redaction.applied(f"before {form} after")


@pytest.mark.parametrize(
    ("url", "passwords"),
    [
        ("postgresql://me:geheim@h/d", ["geheim"]),
        ("postgresql://me:ge%40heim@h/d", ["ge%40heim", "ge@heim"]),
        ("postgresql://me:ge/he#im@h/d", ["ge/he#im"]),
        ("postgresql://me:ge?heim@h/d", ["ge?heim"]),
        ("postgresql://h/d?password=geheim&sslpassword=noch%20eins", ["geheim", "noch eins"]),
        ("postgresql://me:geheim@h/d?options=a%40b", ["geheim"]),
    ],
)
def test_so_are_the_passwords_of_the_ledger(url: str, passwords: list[str]) -> None:
    redaction = Redaction.of(Settings.read(ledger_url=url))
    for each in passwords:
        assert redaction.applied(f"failed for {each}.") == f"failed for {REMOVED}."


def test_a_key_of_openrouter_is_removed_whose_ever_it_is() -> None:
    redaction = Redaction.of(Settings.read())
    assert redaction.applied("key sk-or-v1-0123abcd, then") == f"key {REMOVED}, then"


def test_what_is_no_secret_stays_and_short_keys_do_not_eat_words() -> None:
    redaction = Redaction.of(Settings.read(openrouter_api_key="a", ledger_url="sqlite:///x.db"))
    assert redaction.applied("a ledger at sqlite:///x.db") == "a ledger at sqlite:///x.db"
