"""`deploy/scale/Caddyfile`, run by a real Caddy in front of three Pointsmans."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import pytest

from tests.deploy.replicas import Replica, replica
from tests.deploy.test_compose import ENV, REPLICAS, SCALE
from tests.end_to_end.test_behind_a_web_server import filled_in, free_port, started
from tests.running import NO_TLS
from tests.scripted_upstream import Pause, reply, sse
from tests.waiting import until

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": [], "stream": True}
FIRST, LAST = b'data: {"n": 1}\n\n', b"data: [DONE]\n\n"
RETRIES_A_POST = (2, 11, 2)
CLIENTS_OWN = {"x-forwarded-for": "9.9.9.9", "forwarded": "for=9.9.9.9", "x-real-ip": "9.9.9.9"}


def caddy_version() -> tuple[int, ...]:
    done = subprocess.run(["caddy", "version"], check=True, capture_output=True, text=True)  # noqa: S607 - the one on the path
    return tuple(int(part) for part in re.findall(r"\d+", done.stdout.split()[0])[:3])


@dataclass
class Balanced:
    """A client of Caddy, and the replicas behind it."""

    client: httpx2.AsyncClient
    replicas: list[Replica]

    def ask(self, **headers: str) -> "asyncio.Task[httpx2.Response]":
        return asyncio.create_task(self.client.post(CHAT, json=ASK, headers=headers))

    def asked(self) -> list[int]:
        """How many requests each replica has sent on."""
        return [len(each.upstream.requests) for each in self.replicas]

    def all_play(self, *script: Any) -> None:
        for each in self.replicas:
            each.upstream.plays(*script)


@pytest.fixture
async def balanced(tmp_path: Path) -> AsyncIterator[Balanced]:
    if shutil.which("caddy") is None:
        pytest.skip("there is no caddy here; on Debian: apt install caddy")
    port = free_port()
    settings = {
        name: ENV[name]
        for name in (
            "POINTSMAN_ALLOWED_HOSTS",
            "POINTSMAN_DRAIN_SECONDS",
            "POINTSMAN_MAX_BODIES_MB",
        )
    }
    async with AsyncExitStack() as stack:
        for name in REPLICAS:
            (tmp_path / name).mkdir()
        starting = (
            stack.enter_async_context(
                replica(tmp_path / name, OPENROUTER_API_KEY="sk-or-v1-x", **settings)
            )
            for name in REPLICAS
        )
        replicas = await asyncio.gather(*starting)
        file = tmp_path / "Caddyfile"
        changes = {
            f"{name}:4477": one.address for name, one in zip(REPLICAS, replicas, strict=True)
        }
        ours = filled_in((SCALE / "Caddyfile").read_text(encoding="utf-8"), changes)
        file.write_text(f"{{\nadmin off\nauto_https off\n}}\n{ours}", encoding="utf-8")
        command = ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]
        with patch.dict(os.environ, SITE=f"http://{ENV['SITE']}:{port}"):
            stack.enter_context(started(command, tmp_path, port))
        client = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"host": f"{ENV['SITE']}:{port}"},
            verify=NO_TLS,
            timeout=15,
            trust_env=False,
        )
        await stack.enter_async_context(client)
        yield Balanced(client, replicas)


async def test_a_stream_passes_as_it_is_sent_and_nothing_of_the_clients_address_goes_on(
    balanced: Balanced,
) -> None:
    balanced.all_play(sse(FIRST, Pause(1.5), LAST))
    began = time.monotonic()
    first, body = None, b""
    async with balanced.client.stream("POST", CHAT, json=ASK, headers=CLIENTS_OWN) as answer:
        async for chunk in answer.aiter_raw():
            first = time.monotonic() - began if first is None else first
            body += chunk
    assert body == FIRST + LAST
    assert first is not None
    assert first < 1 < time.monotonic() - began
    (request,) = (each for one in balanced.replicas for each in one.upstream.requests)
    names = {name.lower() for name, _ in request.headers}
    assert not names & {*CLIENTS_OWN, "x-forwarded-host", "x-forwarded-proto", "via"}


async def test_a_new_stream_goes_to_the_replica_with_the_fewest(balanced: Balanced) -> None:
    balanced.all_play(sse(FIRST, Pause(2), LAST))
    streams = []
    for count in range(1, 4):
        streams.append(balanced.ask())
        await until(lambda wanted=count: sum(balanced.asked()) == wanted)  # type: ignore[misc]
    assert balanced.asked() == [1, 1, 1]
    assert [(await each).content for each in streams] == [FIRST + LAST] * 3


async def test_a_draining_replica_gets_no_new_requests_and_finishes_its_streams(
    balanced: Balanced,
) -> None:
    balanced.all_play(sse(FIRST, Pause(5), LAST), reply(b"{}"))
    streaming = balanced.ask()
    await until(lambda: sum(balanced.asked()) == 1)
    (draining,) = (each for each in balanced.replicas if each.upstream.requests)
    for each in balanced.replicas:
        if each is not draining:
            each.upstream.plays(reply(b"{}"))
    draining.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(2.5)  # health_interval is 1 s
    answers = [await balanced.ask() for _ in range(6)]
    assert [each.status_code for each in answers] == [200] * 6
    assert len(draining.upstream.requests) == 1
    assert not streaming.done()
    assert (await streaming).content == FIRST + LAST
    assert await draining.ended(within=5) == 0


async def test_no_request_fails_while_a_replica_is_gone(balanced: Balanced) -> None:
    """Nothing was sent to it, so the next one is tried."""
    if caddy_version() < RETRIES_A_POST:
        pytest.skip("this caddy can't send a POST to the next replica; 2.11.2 and later can")
    balanced.all_play(reply(b"{}"))
    assert (await balanced.ask()).status_code == 200
    (gone, *_) = balanced.replicas
    gone.process.kill()
    await gone.ended(within=5)
    answers = await asyncio.gather(*(balanced.ask() for _ in range(12)))
    assert [each.status_code for each in answers] == [200] * 12


async def test_what_was_sent_once_is_not_sent_again(balanced: Balanced) -> None:
    """OpenRouter may already charge for it."""
    balanced.all_play((Pause(10), *reply(b"{}")))
    asking = balanced.ask()
    await until(lambda: sum(balanced.asked()) == 1)
    (asked,) = (each for each in balanced.replicas if each.upstream.requests)
    asked.process.kill()
    assert (await asking).status_code == 502
    await asyncio.sleep(1)
    assert sum(balanced.asked()) == 1


async def test_how_a_replica_stands_is_not_shown_outside(balanced: Balanced) -> None:
    for path in ("/ready", "/metrics"):
        assert (await balanced.client.get(path)).status_code == 404
    assert (await balanced.client.get("/health")).status_code == 200
