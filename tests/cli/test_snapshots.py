"""What commands print at 80, 100 and 120 columns and into a pipe, compared with the files of
`tests/cli/snapshots`.

`make snapshots` writes the files anew; look at `git diff` before you commit them. The ledger,
policies and catalog are made here, with fixed ids, times and versions. Only the port of the
simulated OpenRouter is replaced in what is printed.
"""

import io
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len

from app.catalog.snapshot import written
from app.cli.catalogs import simulated_snapshot
from app.cli.commands import commands
from app.cli.guard import guard_output
from app.ledger.audits import Audit
from app.ledger.receipt import Receipt
from app.ledger.store import Store
from app.simulator import create_simulator
from app.simulator.hosts import Host
from tests.running import running

SNAPSHOTS = Path(__file__).parent / "snapshots"
WRITES = "POINTSMAN_WRITE_SNAPSHOTS" in os.environ
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PORT = "54321"  # as long as any port that the system gives
PIPED = "piped"

POLICY = """\
version: 1
rules:
  - {name: careful, models: ["*"], quantization_floor: fp8, data_collection: deny}
  - {name: fast-and-8-bit, models: ["qwen/*"], sort: throughput, max_price: {prompt: 1}}
  - {name: kimi, models: [moonshotai/kimi-k2], only: [novta, novita, together], order: [together]}
  - {name: gone, models: [acme/no-such-model], zdr: true}
aliases:
  quick: {model: qwen/qwen3-coder, preferences: {sort: latency}}
"""

COMMANDS = {
    "log": ["log", "--ledger", "ledger.db"],
    "receipt": ["log", "rcp_01m7yq1whx00000000kept1", "--ledger", "ledger.db"],
    "stats": ["stats", "--ledger", "ledger.db"],
    "stats-by-model": ["stats", "--by", "model,caller", "--ledger", "ledger.db"],
    "check": ["check", "--catalog", "catalog.json"],
    "explain": [
        *("explain", "quick", "--catalog", "catalog.json"),
        *("--provider", '{"sort": "price", "only": ["novita", "siliconflow"]}'),
    ],
    "explain-receipt": ["explain", "broke2", "--catalog", "catalog.json", "--ledger", "ledger.db"],
    "catalog": ["catalog", "qwen/qwen3-coder", "--catalog", "catalog.json"],
    "doctor": ["doctor", "--ledger", "ledger.db"],
    "audit": [
        *("audit", "qwen/qwen3-coder", "--endpoints", "novita/fp8,hyperbolic/fp8", "--yes"),
        *("--reference", "gmicloud/bf16", "--ledger", "ledger.db"),
    ],
    "audit-list": ["audit", "--list", "--ledger", "ledger.db"],
    "help": ["--help"],
    "help-audit": ["audit", "--help"],
    "help-launch": ["launch", "--help"],
    "help-connect": ["connect", "--help"],
    "help-log": ["log", "--help"],
    "help-explain": ["explain", "--help"],
    "help-service": ["service", "--help"],
}


def receipt(id_: str, seconds: float, **known: Any) -> Receipt:
    usual = {
        "path": "/v1/chat/completions",
        "dialect": "chat",
        "user_agent": "aider/0.90",
        "model_asked": "qwen/qwen3-coder",
        "model_sent": "qwen/qwen3-coder",
        "model_served": "qwen/qwen3-coder-480b-a35b-07-25",
        "rules": ("careful", "fast-and-8-bit"),
        "book": "3ee59a0860a8",
        "status": 200,
        "provider": "siliconflow",
        "quantizations_listed": ("fp8",),
        "verdict": "kept",
        "streamed": True,
        "ending": "complete",
        "ttfb_ms": 81.25,
        "ttft_ms": 280.0,
        "duration_ms": 2048.75,
        "prompt_tokens": 687,
        "completion_tokens": 28,
        "cost_usd": Decimal("0.000032"),
        "bytes_in": 412,
        "bytes_out": 18_630,
    }
    return Receipt(
        id=f"rcp_01m7yq1whx{id_:0>13}",
        started_at=NOW + timedelta(seconds=seconds),
        **{**usual, **known},
    )


_UNSERVED: dict[str, Any] = {
    "provider": None,
    "quantizations_listed": (),
    "model_served": None,
    "verdict": None,
    "ttft_ms": None,
    "completion_tokens": None,
    "prompt_tokens": None,
    "cost_usd": None,
}
_DAY = 86_400
RECEIPTS = (
    receipt("oldest", -400 * _DAY, caller="ci"),
    receipt("yester", -_DAY, model_asked="quick", alias="quick", caller="ci"),
    receipt(
        "kept1",
        -900,
        caller="aider",
        session="9f2c11aa77e0",
        preferences_sent={
            "quantizations": ["fp8", "mxfp8", "fp16", "bf16", "fp32"],
            "data_collection": "deny",
            "sort": "throughput",
            "max_price": {"prompt": 1},
        },
        overruled=(
            {
                "field": "sort",
                "asked": "price",
                "sent": "throughput",
                "rule": "fast-and-8-bit",
                "why": "the rule sets it, and merge is tighten",
            },
        ),
        generation_id="gen-1795830419-0XSzOOd15jlM7HVvFTM1",
        reason="served by SiliconFlow (siliconflow/fp8), listed as fp8; no answer can show"
        " data_collection",
        evidence=("router_metadata", "body.provider", "catalog"),
        attempts=(
            {"provider": "novita", "model": "qwen/qwen3-coder", "status": 503},
            {"provider": "siliconflow", "model": "qwen/qwen3-coder", "status": 200},
        ),
        router_strategy="direct",
        cached_tokens=512,
        reasoning_tokens=0,
        tokens_per_second=61.33,
        finish_reason="stop",
    ),
    receipt(
        "broke2",
        -800,
        model_asked="moonshotai/kimi-k2",
        model_sent="moonshotai/kimi-k2",
        provider="a-provider-with-a-long-name",
        quantizations_listed=("fp4", "fp8"),
        verdict="broken",
        rules=("careful",),
        cost_usd=Decimal("0.012345"),
    ),
    receipt(
        "unprov3",
        -700,
        model_asked="anthropic/claude-sonnet-4.6-with-an-unusually-long-name-20261101:thinking",
        model_sent="anthropic/claude-sonnet-4.6-with-an-unusually-long-name-20261101:thinking",
        provider="google-vertex",
        quantizations_listed=("unknown",),
        verdict="unproven",
        streamed=False,
        ttft_ms=None,
        cost_usd=Decimal("12.5"),
        rules=("careful",),
    ),
    receipt("left4", -600, ending="caller_left", verdict="unproven", cost_usd=None),
    receipt("failed5", -500, **_UNSERVED, status=429, error_code="429", ending="upstream_error"),
    receipt("cut6", -400, **_UNSERVED, status=None, error_code=None, ending="upstream_cut"),
    receipt(
        "refused7", -300, **_UNSERVED, status=403, error_code="policy_conflict", ending="refused"
    ),
    receipt(
        "passed8",
        -200,
        **{**_UNSERVED, "model_asked": None, "model_sent": None, "dialect": None},
        path="/v1/files/file-abc/content",
        reason="no policy on this route",
        rules=(),
        status=200,
    ),
    receipt("wide9", -100, model_asked="作者/编码模型", model_sent="作者/编码模型", rules=()),
)


COMPARED = (
    {"tag": "novita/fp8", "verdict": "different"},
    {"tag": "hyperbolic/fp8", "verdict": "same"},
    {"tag": "a-provider-with-a-long-name/bf16", "verdict": "undecided"},
)
AUDITS = (
    Audit(
        id="aud_01m7yq1whx00000000done1",
        model="qwen/qwen3-coder",
        started_at=NOW,
        ended_at=NOW + timedelta(minutes=2),
        state="finished",
        plan={},
        result={"compared": COMPARED, "spent_usd": "0.029412"},
    ),
    Audit(
        id="aud_01m7yq1whx00000000stop2",
        model="moonshotai/kimi-k2-with-a-long-name",
        started_at=NOW + timedelta(hours=1),
        state="stopped",
        plan={},
    ),
)


class Fixed(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Fixed":
        return cls.fromtimestamp(NOW.timestamp(), tz)


class Terminal(io.TextIOWrapper):
    """Standard output, at a terminal or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__(io.BytesIO(), "utf-8", write_through=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def text(self) -> str:
        written_bytes: io.BytesIO = self.buffer  # type: ignore[assignment]
        return written_bytes.getvalue().decode()


@pytest.fixture(scope="module")
def openrouter() -> Iterator[int]:
    """The port of a simulated OpenRouter."""
    lying = Host(quirks={"delta": 0.5})
    with running(create_simulator(pace=0, hosts={"novita/fp8": lying})) as upstream:
        yield upstream.port


@pytest.fixture
def _surroundings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, openrouter: int
) -> Iterator[None]:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "mine.yaml").write_text(POLICY)
    snapshot = msgspec.structs.replace(simulated_snapshot(), fetched_at=NOW.isoformat())
    (tmp_path / "catalog.json").write_bytes(written(snapshot))
    store = Store.open("sqlite:///ledger.db")
    store.write(RECEIPTS)
    for audit in AUDITS:
        store.keep_audit(audit)
    store.close()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pointsman").touch(mode=0o755)
    for name, value in (
        ("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}"),
        ("POINTSMAN_UPSTREAM_URL", f"http://127.0.0.1:{openrouter}/api/v1"),
        ("OPENROUTER_API_KEY", "sk-or-v1-simulated"),
        ("POINTSMAN_PORT", "1"),  # where nothing listens
        ("TERM", "xterm"),
        ("TZ", "UTC"),
    ):
        monkeypatch.setenv(name, value)
    time.tzset()
    monkeypatch.setattr("app.cli.log_table.datetime", Fixed)
    monkeypatch.setattr("app.cli.audit.datetime", Fixed)
    monkeypatch.setattr("app.cli.audit_job.datetime", Fixed)
    monkeypatch.setattr("app.cli.audit_job.random", SimpleNamespace(SystemRandom=lambda: Random(1)))
    for clock in ("log_table", "doctor"):
        monkeypatch.setattr(f"app.cli.{clock}.datetime", Fixed)
    ticks = iter((0.0, 0.042))
    monkeypatch.setattr("app.cli.doctor.time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    yield
    monkeypatch.undo()
    time.tzset()


@contextmanager
def _output(monkeypatch: pytest.MonkeyPatch, width: str) -> Iterator[Terminal]:
    """Standard output of this width, guarded as for a real command."""
    out = Terminal(is_terminal=width != PIPED)
    if width == PIPED:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", width)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", sys.stderr)
        guard_output()
        yield out


@pytest.mark.usefixtures("_surroundings")
@pytest.mark.parametrize("width", ["80", "100", "120", PIPED])
@pytest.mark.parametrize("name", COMMANDS)
def test_output_is_that_of_the_file(
    name: str, width: str, openrouter: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _output(monkeypatch, width) as out:
        commands(COMMANDS[name], standalone_mode=False, prog_name="pointsman")
    printed = re.sub(r"\x1b\[[0-9;]*m", "", out.text()).replace(f":{openrouter}/", f":{PORT}/")
    if width == PIPED:
        assert "…" not in printed
    else:
        assert max(map(cell_len, printed.splitlines())) <= int(width)
    text = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    file = SNAPSHOTS / f"{name}-{width}.txt"
    if WRITES:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), "`make snapshots` writes the files anew"


def test_no_file_is_left_of_a_command_that_is_gone() -> None:
    known = {f"{name}-{width}.txt" for name in COMMANDS for width in ("80", "100", "120", PIPED)}
    assert {file.name for file in SNAPSHOTS.iterdir()} == known
