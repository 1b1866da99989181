"""What commands say of themselves can be typed as it stands."""

from pathlib import Path

import pytest

from app.cli.which_ledger import log_command
from app.cli.words import command, without_password
from app.settings import Settings


def test_the_command_is_named_as_it_can_be_called(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", [str(tmp_path / ".venv/bin/pointsman")])
    assert command() == ".venv/bin/pointsman"
    monkeypatch.setattr("sys.argv", ["/elsewhere/pointsman"])
    assert command() == "/elsewhere/pointsman"
    monkeypatch.setattr("sys.argv", ["/x/app/__main__.py"])
    assert command() == "python -m app"
    (tmp_path / "pointsman").write_text("#!/bin/sh\n")
    (tmp_path / "pointsman").chmod(0o755)
    assert command() == "pointsman"


def test_a_ledger_elsewhere_is_named() -> None:
    assert log_command(Settings.read()).endswith(" log -f")
    elsewhere = Settings.read(ledger_url="sqlite:///x.db")
    assert log_command(elsewhere).endswith(" log -f --ledger sqlite:///x.db")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///x.db", "sqlite:///x.db"),
        ("postgresql://me:geheim@h/d", "postgresql://me:PASSWORD@h/d"),
        ("postgresql://me:ge@heim@h/d", "postgresql://me:PASSWORD@h/d"),
        ("postgresql://me@h/d", "postgresql://me@h/d"),
        ("postgresql://h/d?password=geheim&a=b", "postgresql://h/d?password=PASSWORD&a=b"),
        ("postgresql://h/d?a=b&sslPassword=geheim", "postgresql://h/d?a=b&sslPassword=PASSWORD"),
        (
            "postgresql://me:geheim@h/d?password=ge@heim",
            "postgresql://me:PASSWORD@h/d?password=PASSWORD",
        ),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
