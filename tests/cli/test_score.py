"""`pointsman score`: the faults of each host, in tables that fit, and as JSON."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.commands import commands
from app.cli.score import print_scorecard
from app.cli.terminal import Console
from app.ledger.receipt import Receipt
from app.ledger.scorecard import Scorecard
from app.ledger.store import Store
from tests.ledger.receipts import START, receipt

URL = "sqlite:///ledger.sqlite"
BASE = (datetime.now(UTC) - timedelta(hours=1) - START).total_seconds()


def served(provider: str, count: int, *defects: str, **fields: Any) -> list[Receipt]:
    usual: dict[str, Any] = {
        "dialect": "chat",
        "model_sent": "qwen/qwen3-coder",
        "provider": provider,
        "quantizations_listed": ("fp8",),
        "status": 200,
        "tools_offered": 3,
        "defects": defects,
    }
    return [receipt(BASE + second, **(usual | fields)) for second in range(count)]


@pytest.fixture
def store() -> Store:
    ledger = Store.open(URL)
    ledger.write(served("novita", 160))
    ledger.write(served("chutes", 30, "tool_call_as_text"))
    ledger.write(served("chutes", 70, response_format="json_schema"))
    ledger.write(served("together", 3, attempts=({"provider": "Chutes", "status": 503},)))
    ledger.write(served("novita", 2, ending="unfinished", model_sent="a/b", tools_offered=0))
    return ledger


def shown(card: Scorecard, width: int) -> str:
    out = io.StringIO()
    print_scorecard(card, as_json=False, console=Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_every_line_fits_and_every_rate_has_its_interval_and_number(
    store: Store, width: int
) -> None:
    text = shown(store.scorecard(slug=str.lower), width)
    assert all(len(line) <= width for line in text.splitlines())
    assert "…" not in text
    assert "22-40% 100" in text  # 30 of 100, by Wilson's interval
    assert "95 % interval" in text
    assert ("no room for: any defect" in text) == (width == 60)


def test_hosts_are_sorted_by_what_is_sure_and_all_of_them_come_last(store: Store) -> None:
    lines = shown(store.scorecard(slug=str.lower), 120).splitlines()
    firsts = [line.split()[0] for line in lines[: lines.index("a/b")] if line]
    assert firsts == ["qwen/qwen3-coder", "provider", "chutes", "together", "novita", "all"]
    heading = lines[1]
    assert "JSON" in heading
    other = lines[lines.index("a/b") + 1]
    assert "tool calls" not in other  # none of its requests offered any
    assert "failed" in other


def test_few_requests_are_faint_and_a_fault_of_many_is_bold(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    lines = shown(store.scorecard(slug=str.lower), 120).splitlines()
    together = next(line for line in lines if line.startswith("together"))
    chutes = next(line for line in lines if line.startswith("chutes"))
    assert "\x1b[2m0%\x1b[0m" in together
    assert "\x1b[1m30%\x1b[0m" in chutes


def run(*options: str) -> Any:
    return CliRunner().invoke(commands, ["score", *options, "--ledger", URL])


@pytest.mark.usefixtures("store")
def test_json_has_every_rate() -> None:
    found = json.loads(run("--json", "--by", "provider", "--model", "qwen/*").output)
    (model,) = found["models"]
    hosts = {host["provider"]: host for host in model["hosts"]}
    assert hosts["chutes"]["rates"]["tool_calls"]["found"] == 30
    assert hosts["chutes"]["statuses"] == {"503": 3}
    assert found["by"] == ["provider"]


def test_without_a_time_the_last_week_is_counted(store: Store) -> None:
    store.write(served("old", 5, started_at=datetime.now(UTC) - timedelta(days=8)))
    assert "old" not in run("--by", "provider").output
    assert "old" in run("--by", "provider", "--since", "30d").output


@pytest.mark.usefixtures("store")
def test_where_nothing_matches_it_says_so() -> None:
    assert "No request to a host matches" in run("--caller", "none-such").output


@pytest.mark.usefixtures("store")
def test_other_dimensions_are_refused() -> None:
    ran = run("--by", "caller")
    assert ran.exit_code == 2
    assert "'caller' is not one of provider, quantization" in ran.output


def test_it_says_when_older_receipts_are_left_out(store: Store) -> None:
    assert "older ones are left out" in shown(store.scorecard(slug=str, most=10), 120)
