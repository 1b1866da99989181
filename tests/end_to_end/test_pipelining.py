"""Callers that send ahead on one connection, or send rubbish there, and leave (T-17)."""

import asyncio
from urllib.parse import urlsplit

import pytest

from app.server.bounds import Bounds
from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import Pause, ScriptedUpstream, sse
from tests.warned import warned

FRAME = b'data: {"provider":"Novita","choices":[{"delta":{"content":"x"}}]}\n\n'
BODY = b'{"model":"acme/sim-1","messages":[]}'
ASK = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
) % (len(BODY), BODY)

# Who closes right after a request may still want its answer (`nc -N`). How soon that is for a busy
# server depends on when it reads, so here closing always means leaving.
LEAVES_FOR_GOOD = Bounds(half_close_seconds=-1)


async def connected(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", urlsplit(proxy.url).port)


@pytest.mark.parametrize("ahead", [b"", ASK, ASK * 3, ASK[:60], ASK[:-10]])
@pytest.mark.parametrize("in_one_write", [True, False])
async def test_t17_who_has_sent_ahead_and_leaves_is_noticed(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    caplog: pytest.LogCaptureFixture,
    ahead: bytes,
    *,
    in_one_write: bool,
) -> None:
    openrouter.plays((Pause(60),))
    proxy = start_proxy(upstream_url=openrouter.url, bounds=LEAVES_FOR_GOOD)
    _, writer = await connected(proxy)
    if in_one_write:
        writer.write(ASK + ahead)
        await openrouter.was_asked()
    else:
        writer.write(ASK)
        await openrouter.was_asked()
        writer.write(ahead)
        await asyncio.sleep(0.05)
    writer.transport.abort()
    assert await openrouter.saw_hangup()
    assert (await proxy.only_receipt())["ending"] == "caller_left"
    assert not warned(caplog)


async def test_rubbish_sent_during_an_answer_does_not_become_a_part_of_it(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(FRAME, Pause(60)))
    proxy = start_proxy(upstream_url=openrouter.url)
    reader, writer = await connected(proxy)
    writer.write(ASK)
    await reader.readuntil(FRAME + b"\r\n")
    writer.write(b"RUBBISH\r\n\r\n")
    try:
        rest = await reader.read()
    except ConnectionError:
        rest = b""
    writer.transport.abort()
    assert rest == b""
    assert await openrouter.saw_hangup()


async def test_rubbish_in_place_of_a_request_is_told_of(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url)
    reader, writer = await connected(proxy)
    writer.write(b"RUBBISH\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.transport.abort()


async def test_requests_sent_ahead_are_answered_in_their_order(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(*(sse(b"data: %d\n\n" % number) for number in range(12)))
    proxy = start_proxy(upstream_url=openrouter.url)
    reader, writer = await connected(proxy)
    writer.write(ASK * 12)
    for number in range(12):
        async with asyncio.timeout(60):
            await reader.readuntil(b"data: %d\n\n" % number)
    assert len(await proxy.receipts(12)) == 12
    writer.transport.abort()
