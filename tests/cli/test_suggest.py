"""`pointsman suggest`: a valid policy with its evidence, only where intervals part."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.commands import commands
from app.ledger.receipt import Receipt
from app.ledger.store import Store
from app.policy.book import Book
from app.policy.file.parse import read_book
from tests.ledger.receipts import START, receipt

URL = "sqlite:///ledger.sqlite"
BASE = (datetime.now(UTC) - timedelta(hours=1) - START).total_seconds()
QWEN = "qwen/qwen3-coder"

Write = Callable[..., None]


def served(provider: str, label: str, count: int, *defects: str, **fields: Any) -> list[Receipt]:
    usual: dict[str, Any] = {
        "dialect": "chat",
        "model_sent": QWEN,
        "provider": provider,
        "quantizations_listed": (label,),
        "status": 200,
        "tools_offered": 3,
        "defects": defects,
        "preferences_sent": {"data_collection": "deny"},
    }
    return [receipt(BASE + second, **(usual | fields)) for second in range(count)]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def add(*batches: list[Receipt]) -> None:
        store = Store.open(URL)
        for batch in batches:
            store.write(batch)
        store.close()

    return add


def run(*options: str) -> str:
    ran = CliRunner().invoke(commands, ["suggest", *options, "--ledger", URL])
    assert ran.exit_code == 0, ran.output
    return ran.output


def words(text: str) -> str:
    """A policy's comments as one line."""
    return re.sub(r"\n *# +", " ", text)


def book(text: str) -> Book:
    return read_book({"suggested.yaml": text})


BAD = [
    *served("deepinfra", "fp4", 30, "tool_call_as_text"),
    *served("deepinfra", "fp4", 70),
]


def test_a_host_that_is_surely_worse_is_ignored_with_the_evidence_beside(write: Write) -> None:
    write(BAD, served("novita", "fp8", 300))
    text = run("--catalog", "simulated")
    (rule,) = book(text).rules
    assert rule.name == "avoid-faulty-hosts-of-qwen-qwen3-coder"
    assert [pattern.text for pattern in rule.models] == [QWEN]
    assert "ignore: [deepinfra/fp4, deepinfra/turbo]" in text  # both are listed as fp4
    told = words(text)
    assert "deepinfra, fp4: tool calls 30% (22% to 40%; 30 of 100), against 0%" in told
    assert "(0% to 1.3%; 0 of 300) at all other hosts together" in told
    assert "25% of 400 requests in this time were served there" in told
    assert "0 requests would have been left without an endpoint" in told


def test_requests_that_would_have_no_endpoint_left_are_counted(write: Write) -> None:
    only_there = served("deepinfra", "fp4", 7, preferences_sent={"quantizations": ["fp4"]})
    nowhere = served("deepinfra", "fp4", 3, preferences_sent={"only": ["none-such"]})
    write(BAD, only_there, nowhere, served("novita", "fp8", 300))
    (found,) = json.loads(run("--catalog", "simulated", "--json"))["suggestions"]
    assert (found["requests"], found["moved"], found["without_endpoint"]) == (410, 110, 7)
    assert found["endpoints_left"] > 3


def test_without_a_listing_the_provider_is_ignored_and_it_says_so(write: Write) -> None:
    write(BAD, served("novita", "fp8", 300))
    text = run()
    assert "ignore: [deepinfra]" in text
    assert book(text).rules
    told = words(text)
    assert "not known, as there is no listing of this model: add --catalog live" in told
    assert "deepinfra is ignored as a whole" in told
    (found,) = json.loads(run("--json"))["suggestions"]
    assert (found["without_endpoint"], found["endpoints_left"]) == (None, None)
    assert found["untold"] == ["deepinfra"]


def test_a_provider_ignored_as_a_whole_moves_its_other_endpoints_too(write: Write) -> None:
    write(BAD, served("deepinfra", "bf16", 50), served("novita", "fp8", 300))
    (found,) = json.loads(run("--json"))["suggestions"]
    assert found["moved"] == 150
    (told,) = found["evidence"]
    assert (told["provider"], told["quantization"], told["fault"]) == (
        "deepinfra",
        "fp4",
        "tool_calls",
    )


def test_failures_are_shown_by_status(write: Write) -> None:
    down = served("novita", "fp8", 60, attempts=({"provider": "Chutes", "status": 429},))
    write(down, served("together", "fp8", 60, attempts=()))
    told = words(run())
    assert "chutes: failed 100%" in told
    assert "its failures by status: 429 60" in told


def test_where_nothing_is_sure_it_prints_a_valid_policy_without_rules(write: Write) -> None:
    write(served("deepinfra", "fp4", 2, "empty"), served("novita", "fp8", 300))
    text = run()
    assert book(text).rules == ()
    assert "nothing is suggested" in words(text)
    assert json.loads(run("--json")) == {"suggestions": []}


@pytest.mark.parametrize("model", ["a b\n- name: evil", "x" * 500, "a/b: {c}", "a/'\"\u2028"])
def test_a_model_of_any_name_gives_a_valid_policy_or_no_rule(write: Write, model: str) -> None:
    bad = served("deepinfra", "fp4", 50, "empty", model_sent=model)
    write(bad, served("novita", "fp8", 300, model_sent=model))
    for rule in book(run()).rules:
        assert rule.name.startswith("avoid-faulty-hosts-of-")
        assert [pattern.text for pattern in rule.models] == [model]


def test_it_changes_nothing(write: Write, tmp_path: Path) -> None:
    write(BAD, served("novita", "fp8", 300))
    (tmp_path / "policies").mkdir()
    file = tmp_path / "policies" / "mine.yaml"
    file.write_text("version: 1\nrules: []\n", encoding="utf-8")
    run()
    assert file.read_text(encoding="utf-8") == "version: 1\nrules: []\n"
    named = {path.name.partition(".")[0] for path in tmp_path.iterdir()}
    assert named == {"policies", "ledger"}
