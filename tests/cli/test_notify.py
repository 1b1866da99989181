"""`pointsman notify test`: what came back, and nothing of the URL."""

import pytest
from typer.testing import CliRunner

from app.cli.commands import commands
from app.cli.notify import notify_test
from app.errors import SettingsError
from app.settings import Settings
from tests.notifying.receiver import receiving, status


def settings(url: str, **more: str) -> Settings:
    return Settings.read(notify_url=url, **more)


def test_a_test_arrives(capsys: pytest.CaptureFixture[str]) -> None:
    with receiving() as receiver:
        assert notify_test(settings(receiver.url, notify_secret="s3cret")) == 0
    out = capsys.readouterr().out
    assert out.startswith("accepted after ")
    assert out.endswith(" ms: HTTP 200 (format json, signed)\n")
    (got,) = receiver.arrived
    assert got.json()["event"] == "test"
    assert "x-pointsman-signature" in got.headers


@pytest.mark.parametrize("code", [302, 404, 500])
def test_a_refusal_is_told(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with receiving(status(code, "location: /x")) as receiver:
        assert notify_test(settings(receiver.url, notify_format="slack")) == 1
    out = capsys.readouterr().out
    assert f": HTTP {code}" in out
    assert "(format slack, not signed)" in out
    assert "canary" not in out


def test_without_a_webhook_the_setting_is_named() -> None:
    with pytest.raises(SettingsError, match="set POINTSMAN_NOTIFY_URL"):
        notify_test(Settings.read())


def test_the_command_takes_test_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        monkeypatch.setenv("POINTSMAN_NOTIFY_URL", receiver.url)
        assert CliRunner().invoke(commands, ["notify", "test"]).exit_code == 0
        assert CliRunner().invoke(commands, ["notify", "all"]).exit_code == 2
    assert len(receiver.arrived) == 1
