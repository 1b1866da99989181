"""`pointsman budget`, and the budgets that `explain` names."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.commands import commands
from app.ledger.store import Store
from tests.ledger.receipts import START, receipt

POLICY = """\
version: 1
rules:
  - name: held
    models: ["*"]
    budget:
      - {usd: 4, per: day, by: caller}
      - {usd: 8, per: month}
      - {usd: 50, per: session}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "mine.yaml").write_text(POLICY)
    monkeypatch.setenv("POINTSMAN_LEDGER_URL", f"sqlite:///{tmp_path}/ledger.db")
    monkeypatch.setenv("POINTSMAN_TIME_ZONE", "Europe/Berlin")
    return CliRunner()


def spend(tmp_path: Path, usd: str, **more: str) -> None:
    now = (datetime.now(UTC) - START) / timedelta(seconds=1)
    store = Store.open(f"sqlite:///{tmp_path}/ledger.db")
    store.write([receipt(now, cost_usd=Decimal(usd), rules=("held",), **more)])
    store.close()


def test_each_budget_is_shown_with_what_is_left(run: CliRunner, tmp_path: Path) -> None:
    spend(tmp_path, "1", caller="ann", session="s1")
    spend(tmp_path, "7.5", caller="bob")
    found = run.invoke(commands, ["budget"])
    assert found.exit_code == 0, found.output
    lines = found.output.splitlines()
    assert lines[0].split() == ["rule", "budget", "for", "spent", "rest", "share", "runs", "out",
                                "free", "again"]  # fmt: skip
    bob, ann, month, session = lines[1:5]
    assert "$4 a day       caller bob  " in bob
    assert "188%  refused " in bob
    assert ann.split()[1:10] == ["$4", "a", "day", "caller", "ann", "$1.00", "$3.00", "25%", "-"]
    assert "$8 a month     all requests  " in month
    assert "new session" in session
    assert lines[-2:] == [
        "refused: spent, requests get a 402 until the time under `free again`",
        "times in Europe/Berlin (POINTSMAN_TIME_ZONE)",
    ]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_at_every_width_amounts_and_times_stay_whole(
    run: CliRunner, tmp_path: Path, width: int
) -> None:
    spend(tmp_path, "3.9", caller="a-caller-with-a-long-name", session="0123456789abcdef")
    found = run.invoke(commands, ["budget"], env={"COLUMNS": str(width)})
    assert max(map(len, found.output.splitlines())) <= width
    for whole in ("$4 a day", "$8 a month", "$50 a session", "$3.90", "98%", "new session"):
        assert whole in found.output
    assert len(re.findall(r"\d\d-\d\d 00:00\b", found.output)) >= 2
    assert ("$0.1000" in found.output) == (width > 80)


def test_for_machines_it_is_json(run: CliRunner, tmp_path: Path) -> None:
    spend(tmp_path, "2", caller="ann")
    told = json.loads(run.invoke(commands, ["budget", "--json"]).output)["budgets"]
    assert [(each["per"], each["key"], each["spent_usd"]) for each in told] == [
        ("day", "ann", 2.0),
        ("month", None, 2.0),
        ("session", None, 0.0),
    ]


def test_without_a_budget_it_says_how_to_write_one(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "policies" / "mine.yaml").write_text("version: 1\nrules: []\n")
    found = run.invoke(commands, ["budget"])
    assert "No rule has a budget" in found.output
    assert json.loads(run.invoke(commands, ["budget", "--json"]).output) == {"budgets": []}


@pytest.mark.parametrize("spent", [None, "3"])
def test_explain_names_the_budgets_of_a_request(
    run: CliRunner, tmp_path: Path, spent: str | None
) -> None:
    if spent:
        spend(tmp_path, spent, caller="ann")
    asked = ["explain", "a/b", "--caller", "ann"]
    text = run.invoke(commands, asked).output
    amount = "$3.00" if spent else "$0.00"
    assert f"budget: $4 a day, for each caller: {amount} spent (" in text
    assert 'by rule "held" (' in text
    assert "a session, if the request names one, by rule" in text
    told = json.loads(run.invoke(commands, [*asked, "--json"]).output)["budgets"]
    assert [(each["key"], each["rest_usd"]) for each in told] == [
        ("ann", 1.0 if spent else 4.0),
        (None, 5.0 if spent else 8.0),
    ]


def test_a_time_zone_that_does_not_exist_is_a_mistake(
    run: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_TIME_ZONE", "Europe/Berln")
    found = run.invoke(commands, ["budget"])
    assert found.exit_code != 0
    told = str(found.exception) + found.output
    assert "POINTSMAN_TIME_ZONE: 'Europe/Berln' is not a time zone; did you mean" in told
    assert "Europe/Berlin" in told
