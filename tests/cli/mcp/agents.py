"""Agents for tests of `pointsman mcp`: the SDK's own client, and bare lines, over a process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mcp import StdioServerParameters

from app.ledger.store import Store
from tests.cli.test_snapshots import RECEIPTS

ROOT = Path(__file__).parents[3]
POLICY = """\
version: 1
rules:
  - name: careful
    models: ["*"]
    quantization_floor: fp8
    data_collection: deny
    budget: {usd: 4, per: day, by: caller}
  - {name: typo, models: [moonshotai/kimi-k2], only: [novta]}
aliases:
  quick: {model: qwen/qwen3-coder, preferences: {sort: latency}}
"""
NOBODY = "1"  # a port where nothing listens

# Each tool with arguments that have an answer in the folder of `furnished`.
CALLS: dict[str, dict[str, Any]] = {
    "log": {"model": "qwen/*", "limit": 3},
    "receipt": {"receipt": "kept1"},
    "stats": {"by": ["provider", "model"]},
    "score": {"since": "2026-01-01", "limit": 2},
    "explain": {"model": "quick", "provider": {"sort": "price"}},
    "check": {},
    "budget": {},
}


def furnished(folder: Path) -> Path:
    """A folder with policies and a ledger of receipts."""
    (folder / "policies").mkdir(exist_ok=True)
    (folder / "policies" / "mine.yaml").write_text(POLICY, encoding="utf-8")
    store = Store.open(f"sqlite:///{folder}/ledger.db")
    store.write(RECEIPTS)
    store.close()
    return folder


def environment(folder: Path, **more: str) -> dict[str, str]:
    """All that the process sees of the environment."""
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    own = {
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "POINTSMAN_STATE": str(folder),
        "POINTSMAN_PORT": NOBODY,
    }
    return {**kept, **own, **more}


def served(folder: Path, *options: str, **more: str) -> StdioServerParameters:
    """What the SDK's client starts."""
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "app", "mcp", *options],
        env=environment(folder, **more),
        cwd=folder,
    )


class Agent:
    """A client that writes and reads lines itself."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self._number = 0

    def write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def read(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def send(self, method: str, params: dict[str, Any] | None = None) -> int:
        self._number += 1
        message = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params or {}}
        self.write(json.dumps(message).encode())
        return self._number

    def ask(self, method: str, params: dict[str, Any] | None = None) -> Any:
        number = self.send(method, params)
        answer = self.read()
        assert answer["id"] == number, answer
        return answer

    def greet(self, version: str = "2025-11-25") -> Any:
        about = {"name": "test", "version": "1"}
        asked = {"protocolVersion": version, "capabilities": {}, "clientInfo": about}
        answer = self.ask("initialize", asked)
        self.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}')
        return answer["result"]

    def closes(self) -> int:
        """End the input; return the status of the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(timeout=60)

    def complains(self) -> str:
        """What the process wrote to standard error; it must have ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()


@contextmanager
def started(folder: Path, *command: str, **more: str) -> Iterator[Agent]:
    """An agent at a process of `pointsman mcp`, or of another command."""
    process = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, *(command or ("-m", "app", "mcp"))],
        cwd=folder,
        env=environment(folder, **more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Agent(process)
    finally:
        process.kill()
        process.wait(timeout=60)
        for pipe in (process.stdin, process.stdout, process.stderr):
            with suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]  # all three are pipes
