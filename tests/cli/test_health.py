"""`pointsman health`, as the image's health check runs it."""

import asyncio
import re

import pytest

from app.cli.health import health
from app.cli.words import local_address
from app.settings import Settings
from tests.conftest import StartProxy
from tests.scripted_upstream import ScriptedUpstream, reply
from tests.test_surroundings import ROOT


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])  # noqa: S104 - as the image has it
def test_a_server_that_answers_is_healthy_with_any_setting_of_its_address(
    host: str, start_proxy: StartProxy, capsys: pytest.CaptureFixture[str]
) -> None:
    port = int(start_proxy().url.rpartition(":")[2])
    assert health(Settings.read(host=host, port=port)) == 0
    assert capsys.readouterr().out == f"http://{local_address(host)}:{port} answers\n"


def test_it_needs_no_caller_key(
    start_proxy: StartProxy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = {"caller_keys": "anna:key-of-anna", "openrouter_api_key": "sk-or-v1-any"}
    monkeypatch.setenv("POINTSMAN_PORT", start_proxy(**keys).url.rpartition(":")[2])
    assert health(Settings.read()) == 0
    assert "key-of-anna" not in capsys.readouterr().out


def test_no_server_is_not_healthy_and_the_message_says_where_it_looked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert health(Settings.read(port=1)) == 1
    assert capsys.readouterr().err.startswith("no server at http://127.0.0.1:1: ")


async def test_another_server_is_not_healthy(
    openrouter: ScriptedUpstream, capsys: pytest.CaptureFixture[str]
) -> None:
    openrouter.plays(reply(b"{}", status=500))
    port = int(openrouter.url.split("/")[2].rpartition(":")[2])
    assert await asyncio.to_thread(health, Settings.read(port=port)) == 1
    assert "answers 500" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("listens", "reached"),
    [("::", "[::1]"), ("::1", "[::1]"), ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "127.0.0.1")],  # noqa: S104
)
def test_the_address_is_one_that_this_machine_reaches(listens: str, reached: str) -> None:
    assert local_address(listens) == reached


def test_the_image_asks_for_its_health_with_this_command() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (check,) = re.findall(r"^HEALTHCHECK (?:[^\n]*\\\n)*[^\n]*$", dockerfile, re.MULTILINE)
    assert check.endswith('CMD ["pointsman", "health"]')
    assert "4477" not in check
