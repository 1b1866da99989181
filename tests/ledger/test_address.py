"""A ledger's address is shown without its password, however that is written."""

import pytest

from app.errors import SettingsError
from app.ledger.address import without_password
from app.settings import Settings


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///x.db", "sqlite:///x.db"),
        ("sqlite:////home/a:b@c/x.db", "sqlite:////home/a:b@c/x.db"),
        ("postgresql://me:geheim@h/d", "postgresql://me:PASSWORD@h/d"),
        ("postgresql://me:ge@heim@h/d", "postgresql://me:PASSWORD@h/d"),
        ("postgresql://me:ge:h/e?i#m@h:1/d", "postgresql://me:PASSWORD@h:1/d"),
        ("postgresql://me@h/d", "postgresql://me@h/d"),
        ("postgresql://h/d", "postgresql://h/d"),
        ("postgresql://me@h/d?password=geheim", "postgresql://me@h/d?password=PASSWORD"),
        (
            "postgresql://h/d?host=a&PASSWORD=geheim&host=b&sslpassword=geheim",
            "postgresql://h/d?host=a&PASSWORD=PASSWORD&host=b&sslpassword=PASSWORD",
        ),
        ("postgresql:me:geheim@h/d", "(an unreadable URL)"),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
    assert "geheim" not in shown


@pytest.mark.parametrize("url", ["me:ge@heim@h/d", "me:ge@heim:1x@h/d", "me:ge@h/d?options=a@b"])
def test_a_password_with_an_at_sign_is_not_taken_for_a_host(url: str) -> None:
    """The driver would name the host that it does not find."""
    with pytest.raises(SettingsError, match="more than one @; in a password, write %40") as told:
        Settings.read(ledger_url=f"postgresql+psycopg://{url}")
    assert "heim" not in str(told.value)
