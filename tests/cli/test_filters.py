"""The options that say which receipts."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.commands import commands
from app.cli.filters import FILTERS
from app.errors import SettingsError
from app.ledger.store import Store
from app.ledger.wanted import NAMES
from tests.ledger.receipts import receipt

COMMANDS = ("log", "stats", "export")
ALSO = ("score", "suggest")
URL = "sqlite:///ledger.sqlite"


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.open(URL)
    store.write(
        [
            receipt(0, model_asked="fast", alias="fast", model_sent="q/w", verdict="kept"),
            receipt(1, model_asked="q/w", model_sent="q/w", ending="upstream_error", status=429),
            receipt(2, model_asked="q/x", user_agent="aider/1", rules=("base",), provider="novita"),
        ]
    )
    store.close()


def counted(command: str, *options: str) -> int:
    """How many receipts a command finds."""
    as_json = ("--format", "jsonl") if command == "export" else ("--json",)
    ran = CliRunner().invoke(commands, [command, *options, *as_json, "--ledger", URL])
    assert ran.exit_code == 0, ran.output
    if command == "stats":
        return int(json.loads(ran.output)["total"]["requests"])
    return len(ran.output.splitlines())


def test_there_is_an_option_for_each_filter() -> None:
    assert tuple(FILTERS) == NAMES
    for command in (*COMMANDS, *ALSO):
        said = CliRunner().invoke(commands, [command, "--help"], env={"COLUMNS": "200"}).output
        options = set(re.findall(r"--([a-z-]+)", said))
        assert {name.replace("_", "-") for name in NAMES} <= options


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("options", "count"),
    [
        ([], 3),
        (["--verdict", "none"], 2),
        (["--model", "q/*"], 3),
        (["--model", "fast"], 1),
        (["--model", "q/w"], 2),
        (["--failed"], 1),
        (["--no-failed"], 2),
        (["--status", "429"], 1),
        (["--user-agent", "aider/*", "--rule", "base", "--provider", "Novita"], 1),
        (["--since", "2026-11-21T09:30:01+00:00", "--until", "2026-11-22"], 2),
    ],
    ids=str,
)
def test_every_command_finds_the_same(command: str, options: list[str], count: int) -> None:
    assert counted(command, *options) == count


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--since", "yesterday", "--since: 'yesterday' is not a time"),
        ("--until", "", "--until: there is no value"),
        ("--verdict", "good", "--verdict: 'good' is not one of"),
        ("--status", "4xx", "--status: '4xx' is not an HTTP status"),
        ("--user-agent", " ", "--user-agent: there is no value"),
    ],
)
def test_an_option_that_can_not_be_read_is_named(
    command: str, option: str, value: str, words: str
) -> None:
    ran = CliRunner().invoke(commands, [command, option, value, "--ledger", URL])
    assert isinstance(ran.exception, SettingsError)
    assert str(ran.exception).startswith(words)
