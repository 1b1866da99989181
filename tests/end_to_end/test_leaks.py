"""However a request ends, nothing of it stays behind: no socket, no task, no upstream call."""

import asyncio
import gc
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Proxy, StartProxy
from tests.running import NO_TLS
from tests.scripted_upstream import Close, Pause, Reset, ScriptedUpstream, reply, sse

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": []}
FRAME = b'data: {"provider":"Novita","choices":[{"delta":{"content":"x"}}]}\n\n'
PATIENCE = httpx2.Timeout(60, read=0.05)
OTHERS = 5  # sockets that may come and go: for listings, or kept for the next request
ENDLESS = sse(*(piece for _ in range(400) for piece in (FRAME, Pause(0.02))))


def open_sockets() -> int:
    """Of this process: the proxy's, the upstream's and the test's own."""
    gc.collect()
    return sum(_target(fd).startswith("socket:") for fd in Path("/proc/self/fd").iterdir())


def _target(fd: Path) -> str:
    try:
        return str(fd.readlink())
    except FileNotFoundError:  # the one that listed the folder
        return ""


async def back_to(baseline: int, within: float = 5.0) -> int:
    """The number of open sockets, once it is as low as `baseline` or the time is up."""
    late = time.monotonic() + within
    while open_sockets() > baseline and time.monotonic() < late:  # noqa: ASYNC110 - no such event
        await asyncio.sleep(0.05)
    return open_sockets()


async def leave_mid_stream(proxy: Proxy, path: str) -> None:
    async with httpx2.AsyncClient(verify=NO_TLS, trust_env=False) as client:
        ask = {**ASK, "stream": True}
        async with client.stream("POST", proxy.url + path, json=ask) as answer:
            async for _ in answer.aiter_raw():
                break


async def leave_before_the_head(proxy: Proxy, path: str) -> None:
    async with httpx2.AsyncClient(verify=NO_TLS, trust_env=False, timeout=PATIENCE) as client:
        with pytest.raises(httpx2.ReadTimeout):
            await client.post(proxy.url + path, json=ASK)


Leave = Callable[[Proxy, str], Awaitable[None]]


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
@pytest.mark.parametrize(
    ("leave", "script"),
    [(leave_mid_stream, ENDLESS), (leave_before_the_head, (Pause(20),))],
    ids=["mid-stream", "before the head"],
)
async def test_t17_t18_callers_who_leave_take_their_sockets_along(
    proxy: Proxy, openrouter: ScriptedUpstream, path: str, leave: Leave, script: Any
) -> None:
    openrouter.plays(script)
    await leave(proxy, path)
    await asyncio.sleep(0.3)
    baseline = open_sockets()
    for _ in range(3):
        await asyncio.gather(*(leave(proxy, path) for _ in range(10)))
    assert await back_to(baseline + OTHERS) <= baseline + OTHERS
    endings = {receipt["ending"] for receipt in await proxy.receipts(30 + 1)}
    assert endings == {"caller_left"}


async def test_t17_the_upstream_call_ends_within_a_tenth_of_a_second(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(ENDLESS)
    await leave_mid_stream(proxy, CHAT)
    assert await openrouter.saw_hangup(within=0.1)


@pytest.mark.parametrize(
    "script",
    [
        sse(FRAME, Reset),
        sse(FRAME, Close),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", Close),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", Close),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Close),
        (b"rubbish\r\n\r\n", Close),
        (Close,),
        (Reset,),
    ],
    ids=["reset", "close", "short", "half a chunk", "no chunk", "rubbish", "hangs up", "resets"],
)
async def test_t06_t18_upstreams_that_break_leave_no_socket(
    proxy: Proxy, openrouter: ScriptedUpstream, script: Any
) -> None:
    openrouter.plays(script)

    async def ask() -> None:
        async with httpx2.AsyncClient(verify=NO_TLS, trust_env=False) as client:
            try:
                answer = await client.post(proxy.url + CHAT, json={**ASK, "stream": True})
            except httpx2.RemoteProtocolError:
                return
            assert answer.status_code == 502

    await ask()
    baseline = open_sockets()
    for _ in range(30):
        await ask()
    assert await back_to(baseline + OTHERS) <= baseline + OTHERS
    endings = {receipt["ending"] for receipt in await proxy.receipts(31)}
    assert endings <= {"upstream_cut", "upstream_error"}


async def test_t20_error_answers_give_their_connections_back(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    error = reply(b'{"error":{"message":"no","code":500}}', status=500)
    openrouter.plays(*[error] * 200, reply(b"{}"))
    for _ in range(200):
        answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
        assert answer.status_code == 500
    assert (await proxy.client.post(proxy.url + CHAT, json=ASK)).status_code == 200
    assert openrouter.connections <= 2


async def test_t19_a_caller_who_stops_reading_is_let_go(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    big = b"data: " + b"x" * 60_000 + b"\n\n"
    openrouter.plays(reply(b"{}"), sse(*[big] * 2_000))
    proxy = start_proxy(upstream_url=openrouter.url, write_timeout=0.6)
    await proxy.client.post(proxy.url + CHAT, json=ASK)
    body = b'{"model":"acme/sim-1","messages":[],"stream":true}'
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    before = open_sockets()
    with socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2]))) as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.sendall(head + body)
        receipt, _ = await proxy.receipts(2)
        assert await back_to(before + 1) <= before + 1  # this caller's own
    assert receipt["ending"] == "caller_left"
    assert receipt["bytes_out"] < 30_000_000


async def test_t19_a_slow_reader_is_not_taken_for_one_who_left(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(FRAME, Pause(1.5), FRAME))
    proxy = start_proxy(upstream_url=openrouter.url, write_timeout=0.4)
    answer = await proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": True})
    assert answer.content == FRAME * 2
