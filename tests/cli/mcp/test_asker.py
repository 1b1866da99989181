"""Whose key is sent, and whose receipts are shown."""

import pytest

from app.cli.mcp.asker import Asker, asker_of
from app.errors import SettingsError
from app.settings import Settings


def settings(keys: str = "", operators: str = "") -> Settings:
    return Settings.read(openrouter_api_key="sk-or-1", caller_keys=keys, operators=operators)


def found(asker: Asker) -> tuple[str | None, str | None]:
    return asker.key.get_secret_value() if asker.key else None, asker.only


@pytest.mark.parametrize(
    ("keys", "operators", "caller", "expected"),
    [
        ("", "", None, (None, None)),
        ("", "", "ann", (None, "ann")),
        ("ann:ka", "", None, ("ka", "ann")),
        ("ann:ka,bob:kb", "bob", None, ("kb", None)),
        ("ann:ka,bob:kb", "", "bob", ("kb", "bob")),
        ("ann:ka,bob:kb", "bob", "bob", ("kb", "bob")),
    ],
)
def test_the_caller_is_the_one_named_or_the_one_that_is_clear(
    keys: str, operators: str, caller: str | None, expected: tuple[str | None, str | None]
) -> None:
    assert found(asker_of(settings(keys, operators), caller)) == expected


def test_a_choice_that_is_not_clear_is_left_to_the_user() -> None:
    with pytest.raises(SettingsError, match="choose one with --caller NAME"):
        asker_of(settings("ann:ka,bob:kb"), None)
    with pytest.raises(
        SettingsError, match=r"'bbo' is not a name in .* did you mean bob\?"
    ) as caught:
        asker_of(settings("ann:ka,bob:kb"), "bbo")
    assert "kb" not in str(caught.value)
    assert "kb" not in repr(asker_of(settings("bob:kb"), None))
