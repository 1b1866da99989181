"""`pointsman audit` as a process: interrupted, killed, beside a server, and without any text."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.audit.pool import POOL
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from app.simulator import create_simulator
from app.simulator.hosts import Host
from tests.conftest import StartProxy
from tests.running import running
from tests.waiting import until

ROOT = Path(__file__).parent.parent.parent
CODER = "qwen/qwen3-coder"
LYING, HONEST, REFERENCE = "novita/fp8", "hyperbolic/fp8", "gmicloud/bf16"
SOME = (CODER, "--endpoints", f"{LYING},{HONEST}", "--reference", REFERENCE, "--yes")
KEY = "sk-or-v1-canary-of-the-operator"


@dataclass(frozen=True)
class Upstream:
    """A simulated OpenRouter, and what its router noted."""

    url: str
    router: Any = None


@pytest.fixture
def simulated() -> Iterator[Upstream]:
    """A simulated OpenRouter that takes its time, with an endpoint whose label is a lie."""
    app = create_simulator(pace=0.2, hosts={LYING: Host(quirks={"delta": 0.5})}, remembered=5_000)
    with running(app) as server:
        yield Upstream(server.url, app.state.router)


@asynccontextmanager
async def auditing(
    tmp_path: Path, upstream: Upstream, *options: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command as a process of its own."""
    (tmp_path / "policies").mkdir(exist_ok=True)
    (tmp_path / "policies" / "p.yaml").write_text("version: 1\nrules: []\n", encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "audit", *options),
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "POINTSMAN_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.sqlite",
            "POINTSMAN_UPSTREAM_URL": f"{upstream.url}/api/v1",
            "POINTSMAN_LOG_LEVEL": "debug",
            "OPENROUTER_API_KEY": KEY,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def answers_kept(tmp_path: Path) -> int:
    """How many answers are in the ledger, while another process writes to it."""
    file = tmp_path / "ledger.sqlite"
    if not file.exists():
        return 0
    try:
        with sqlite3.connect(file) as ledger:
            return int(ledger.execute("SELECT count(*) FROM audit_answers").fetchone()[0])
    except sqlite3.OperationalError:  # it is being made
        return 0


async def until_kept(tmp_path: Path, number: int) -> None:
    async with asyncio.timeout(60):
        while answers_kept(tmp_path) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def opened(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path}/ledger.sqlite")


def places(store: Store, name: str) -> set[tuple[str, int, int]]:
    return {(each.tag, each.prompt, each.round) for each in store.answers(name)}


async def test_ctrl_c_waits_for_what_is_under_way_and_a_later_run_asks_only_for_the_rest(
    simulated: Upstream, tmp_path: Path
) -> None:
    async with auditing(tmp_path, simulated, *SOME, "--json") as process:
        await until_kept(tmp_path, 20)
        process.send_signal(signal.SIGINT)
        code, out, err = await ended(process)
    assert code == 3, err
    assert "stopping once the requests under way have ended" in err
    told = json.loads(out)
    assert told["state"] == "stopped"
    assert "Stopped: interrupted" in told["notes"][0]
    store = opened(tmp_path)
    receipts = store.stats(wanted=Wanted(audit="any")).total.requests
    assert 20 <= receipts < 300
    assert len(places(store, told["audit"])) == receipts  # each that was sent was kept
    assert all(each.dropped is None for each in store.answers(told["audit"]))
    async with auditing(
        tmp_path, simulated, told["audit"], "--resume", "--yes", "--json"
    ) as process:
        code, out, err = await ended(process)
    assert code == 1, err
    again = json.loads(out)
    assert (again["audit"], again["state"]) == (told["audit"], "finished")
    assert {each["tag"]: each["verdict"] for each in again["result"]["compared"]} == {
        LYING: "different",
        HONEST: "same",
    }
    assert store.stats(wanted=Wanted(audit="any")).total.requests == 300  # none was sent twice
    store.close()


async def test_a_second_ctrl_c_leaves_at_once_and_counts_what_was_under_way(
    tmp_path: Path,
) -> None:
    app = create_simulator(pace=0, hosts={}, remembered=5_000)
    asked = threading.Event()

    async def holding(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/chat/completions"):
            await receive()
            asked.set()
            await asyncio.sleep(600)
        await app(scope, receive, send)

    with running(holding) as server:
        async with auditing(tmp_path, Upstream(server.url), *SOME, "--json") as process:
            await until(lambda: _begun(tmp_path) and asked.is_set())
            process.send_signal(signal.SIGINT)
            await asyncio.sleep(1.5)
            assert process.returncode is None  # it waits
            process.send_signal(signal.SIGINT)
            code, out, err = await ended(process)
        assert code == 3, err
        told = json.loads(out)
        assert told["state"] == "stopped"
        assert float(told["result"]["spent_usd"]) > 0
        assert "0 of 300 answers" in told["notes"][0]


def _begun(tmp_path: Path) -> bool:
    file = tmp_path / "ledger.sqlite"
    if not file.exists():
        return False
    try:
        with sqlite3.connect(file) as ledger:
            return bool(ledger.execute("SELECT count(*) FROM audits").fetchone()[0])
    except sqlite3.OperationalError:
        return False


async def test_after_a_kill_little_is_asked_again(simulated: Upstream, tmp_path: Path) -> None:
    async with auditing(tmp_path, simulated, *SOME) as process:
        await until_kept(tmp_path, 30)
        process.kill()
        await process.wait()
    store = opened(tmp_path)
    (audit,) = store.audits(limit=5)
    assert audit.state == "running"
    async with auditing(tmp_path, simulated, CODER, "--resume", "--yes", "--json") as process:
        code, out, err = await ended(process)
    assert code == 1, err
    assert json.loads(out)["audit"] == audit.id
    assert len(places(store, audit.id)) == 300
    assert store.stats(wanted=Wanted(audit="any")).total.requests < 350
    store.close()


async def test_a_server_on_the_same_ledger_is_not_disturbed(
    simulated: Upstream, tmp_path: Path, start_proxy: StartProxy
) -> None:
    proxy = start_proxy(
        upstream_url=f"{simulated.url}/api/v1", ledger_url=f"sqlite:///{tmp_path}/ledger.sqlite"
    )
    ask = {"model": CODER, "messages": [{"role": "user", "content": "Hi."}], "max_tokens": 4}
    async with auditing(tmp_path, simulated, *SOME, "--json") as process:
        running_audit = asyncio.create_task(ended(process))
        sent = 0
        while not running_audit.done():
            answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ask)
            assert answer.status_code == 200
            sent += 1
            await asyncio.sleep(0.1)
        code, out, err = await running_audit
    assert code == 1, err
    assert json.loads(out)["state"] == "finished"
    assert len(await proxy.receipts(sent)) == sent  # and none of the audit's
    figures = (await proxy.client.get(f"{proxy.url}/pointsman/stats")).json()
    assert figures["total"]["requests"] == sent
    asked = await proxy.client.get(f"{proxy.url}/pointsman/stats?audit=any")
    assert asked.json()["total"]["requests"] == 300
    metrics = (await proxy.client.get(f"{proxy.url}/metrics")).text
    assert "pointsman_requests_total{" in metrics or sent == 0


async def test_t47_no_prompt_answer_or_key_is_written_anywhere(
    simulated: Upstream, tmp_path: Path
) -> None:
    """Not in the ledger, not in the saved file, not in what it prints at debug level."""
    saved = tmp_path / "saved.json"
    async with auditing(tmp_path, simulated, *SOME, "--save", str(saved)) as process:
        code, out, err = await ended(process)
    assert code == 1, err
    prompts, answers = _texts(simulated)
    assert len(prompts) == 50
    assert len(answers) > 50
    files = _files(tmp_path)
    assert saved in files
    assert any(file.name.startswith("ledger.sqlite") for file in files)
    written = b"\n".join(file.read_bytes() for file in files) + out.encode() + err.encode()
    for text in (*prompts, *answers, KEY):
        assert text.encode() not in written
        assert json.dumps(text).strip('"').encode() not in written


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def _texts(upstream: Upstream) -> tuple[set[str], set[str]]:
    """The prompts that arrived, and beginnings of answers, long enough not to occur by chance."""
    router = upstream.router
    bodies = [
        json.loads(raw) for path, _, raw in router.requests if path.endswith("/chat/completions")
    ]
    prompts = {body["messages"][0]["content"] for body in bodies}
    assert prompts <= set(POOL)
    return prompts, _answers(upstream, bodies)


def _answers(upstream: Upstream, bodies: list[dict[str, Any]]) -> set[str]:
    """What the simulator answers to the same requests again: at temperature 0, the same text."""
    import httpx2  # noqa: PLC0415 - for these alone

    from tests.running import NO_TLS  # noqa: PLC0415

    found: set[str] = set()
    with httpx2.Client(verify=NO_TLS, trust_env=False) as client:
        for body in bodies[:120]:
            answer = client.post(
                f"{upstream.url}/api/v1/chat/completions",
                json=body,
                headers={"authorization": f"Bearer {KEY}"},
            ).json()
            text = answer["choices"][0]["message"]["content"]
            found |= {text, text[:24]}
    return {text for text in found if len(text) >= 24}
