"""SIGTERM: what runs may finish, what is new is turned away, every receipt is written (T-26)."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.ledger.store import Store
from tests.running import NO_TLS
from tests.scripted_upstream import Pause, ScriptedUpstream, reply, sse
from tests.waiting import until_seen

ROOT = Path(__file__).parent.parent.parent
CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": []}
FRAME = b'data: {"provider":"Novita","choices":[{"delta":{"content":"x"}}]}\n\n'
DONE = b"data: [DONE]\n\n"


@asynccontextmanager
async def serving(
    tmp_path: Path, upstream: ScriptedUpstream, **env: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`pointsman serve` as a process of its own, and its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve", "--port", "0"),
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "POINTSMAN_STATE": str(tmp_path),
            "POINTSMAN_UPSTREAM_URL": upstream.url,
            "OPENROUTER_API_KEY": "sk-or-v1-x",
            **env,
        },
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            line = (await process.stderr.readline()).decode()
        yield process, line.split("serves ")[1].split("/v1")[0]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP])
async def test_t26_running_streams_finish_and_new_requests_are_told_to_come_again(
    openrouter: ScriptedUpstream, tmp_path: Path, told: signal.Signals
) -> None:
    if signal.getsignal(told) is signal.SIG_IGN:
        pytest.skip("SIGHUP is ignored here, as under nohup, and so by every child")
    openrouter.plays(sse(*(piece for _ in range(10) for piece in (FRAME, Pause(0.15))), DONE))
    async with (
        serving(tmp_path, openrouter) as (process, url),
        httpx2.AsyncClient(verify=NO_TLS) as client,
    ):
        streaming = asyncio.create_task(client.post(url + CHAT, json={**ASK, "stream": True}))
        await openrouter.was_asked()
        process.send_signal(told)

        async def is_draining() -> bool:
            return (await client.get(f"{url}/ready")).status_code == 503

        await until_seen(is_draining)
        refused = await client.post(url + CHAT, json=ASK)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["error"]["code"] == "draining"
        ready = await client.get(f"{url}/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        assert (await streaming).content == FRAME * 10 + DONE
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    receipts = Store.open(f"sqlite:///{tmp_path / 'ledger.db'}").recent(limit=10)
    assert [receipt.ending for receipt in receipts] == ["refused", "complete"]


async def test_t26_a_stream_that_does_not_end_is_ended_at_the_limit(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays(sse(FRAME, Pause(60)))
    limit = {"POINTSMAN_DRAIN_SECONDS": "1"}
    async with (
        serving(tmp_path, openrouter, **limit) as (process, url),
        httpx2.AsyncClient(verify=NO_TLS) as client,
    ):
        streaming = asyncio.create_task(client.post(url + CHAT, json={**ASK, "stream": True}))
        await openrouter.was_asked()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
            with pytest.raises(httpx2.RemoteProtocolError):
                await streaming
            assert process.stderr is not None
            log = (await process.stderr.read()).decode()
    assert "stopping: cutting 1 request after POINTSMAN_DRAIN_SECONDS (1)" in log
    assert "ending=draining" in log
    (receipt,) = Store.open(f"sqlite:///{tmp_path / 'ledger.db'}").recent(limit=10)
    assert (receipt.ending, receipt.error_code) == ("draining", "draining")
    assert "POINTSMAN_DRAIN_SECONDS" in (receipt.error_message or "")
    assert receipt.provider == "novita"


async def test_t26_a_stream_to_a_client_that_does_not_read_is_ended_at_the_limit(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays(sse(FRAME, *[b"data: " + b"x" * 60_000 + b"\n\n"] * 600))
    limit = {"POINTSMAN_DRAIN_SECONDS": "1"}
    async with serving(tmp_path, openrouter, **limit) as (process, url):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        body = json.dumps({**ASK, "stream": True}).encode()
        head = (
            f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await openrouter.was_asked()
        await reader.readuntil(FRAME)
        await asyncio.sleep(0.5)  # now everything on the way is full
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
        writer.close()
    (receipt,) = Store.open(f"sqlite:///{tmp_path / 'ledger.db'}").recent(limit=10)
    assert (receipt.ending, receipt.provider) == ("draining", "novita")


async def test_t26_an_idle_server_stops_at_once(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays(reply(b"{}"))
    async with (
        serving(tmp_path, openrouter) as (process, url),
        httpx2.AsyncClient(verify=NO_TLS) as client,
    ):
        assert (await client.post(url + CHAT, json=ASK)).status_code == 200
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    assert len(Store.open(f"sqlite:///{tmp_path / 'ledger.db'}").recent(limit=10)) == 1
