"""The address of one run: bytes pass as they are, and receipts are noted."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial

import httpx2
import pytest

from app.cli.tap import Tap
from app.openrouter.client import connect
from app.server.bounds import Bounds
from tests.running import NO_TLS, Running, running
from tests.scripted_upstream import Close, Pause, ScriptedUpstream, reply, sse
from tests.waiting import until
from tests.warned import warned

BODY = b'{"model": "acme/sim-1",  "messages": []}'
CHAT = "/v1/chat/completions"


@pytest.fixture
def tap(openrouter: ScriptedUpstream) -> Tap:
    address = openrouter.url.removesuffix("/api/v1")
    pointsman = partial(connect, address, connect_timeout=5, read_timeout=20, transport="lean")
    return Tap(pointsman, largest=1000)


@pytest.fixture
def served(tap: Tap) -> Iterator[Running]:
    with running(tap) as server:
        yield server


@pytest.fixture
async def client(served: Running) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        base_url=served.url, verify=NO_TLS, timeout=20, trust_env=False
    ) as client:
        yield client


async def test_a_request_and_its_answer_pass_as_they_are(
    client: httpx2.AsyncClient, openrouter: ScriptedUpstream, tap: Tap
) -> None:
    openrouter.plays(reply(b'{"a":  1.0}', status=201, x_pointsman_receipt="rcp_1", x_more="y"))
    sent = {"x-own": "1", "authorization": "Bearer k", "user-agent": "mine/1"}
    answer = await client.post(f"{CHAT}/%2Fa?b=%20c", content=BODY, headers=sent)
    assert (answer.status_code, answer.content) == (201, b'{"a":  1.0}')
    assert answer.headers["x-more"] == "y"
    request = openrouter.only_request
    assert (request.method, request.target) == ("POST", f"{CHAT}/%2Fa?b=%20c")
    assert request.body == BODY
    assert {name: request.header(name) for name in sent} == sent
    assert tap.receipts == ["rcp_1"]


async def test_a_stream_passes_piece_by_piece(
    client: httpx2.AsyncClient, openrouter: ScriptedUpstream
) -> None:
    go_on = asyncio.Event()
    openrouter.plays(sse(b"data: 1\n\n", go_on, b"data: 2\n\n"))
    async with client.stream("POST", CHAT, content=BODY) as answer:
        pieces = answer.aiter_raw()
        assert await anext(pieces) == b"data: 1\n\n"
        go_on.set()
        assert await anext(pieces) == b"data: 2\n\n"


async def test_a_cut_stays_a_cut(
    client: httpx2.AsyncClient, openrouter: ScriptedUpstream, tap: Tap
) -> None:
    openrouter.plays(sse(b"data: 1\n\n", Close, end=False))
    with pytest.raises(httpx2.RemoteProtocolError):
        await client.post(CHAT, content=BODY)
    assert tap.unanswered == 0


async def test_a_tool_that_leaves_stops_the_request_and_is_counted_if_it_had_no_answer(
    openrouter: ScriptedUpstream, tap: Tap
) -> None:
    openrouter.plays((Pause(60),))
    with running(tap, bounds=Bounds(half_close_seconds=-1)) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        head = f"POST {CHAT} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(BODY)}\r\n\r\n"
        writer.write(head.encode() + BODY)
        await openrouter.was_asked()
        writer.close()
        assert await openrouter.saw_hangup(within=20)
        await until(lambda: tap.unanswered == 1)


async def test_what_is_under_way_when_the_run_ends_is_counted_and_no_error(
    openrouter: ScriptedUpstream, tap: Tap, caplog: pytest.LogCaptureFixture
) -> None:
    openrouter.plays((Pause(60),))
    with running(tap) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = f"POST {CHAT} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(BODY)}\r\n\r\n"
        writer.write(head.encode() + BODY)
        await openrouter.was_asked()
    assert tap.unanswered == 1
    assert not warned(caplog)
    writer.close()


async def test_a_pointsman_that_is_gone_is_a_502(
    client: httpx2.AsyncClient, openrouter: ScriptedUpstream, tap: Tap
) -> None:
    await openrouter.__aexit__()
    answer = await client.post(CHAT, content=BODY)
    assert answer.status_code == 502
    assert "Pointsman is gone" in answer.json()["error"]["message"]
    assert tap.unanswered == 1


async def test_t41_a_page_with_a_name_of_its_own_is_turned_away(
    client: httpx2.AsyncClient, openrouter: ScriptedUpstream
) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "[bad"):
        answer = await client.post(CHAT, content=BODY, headers={"host": host})
        assert answer.status_code == 403
    assert openrouter.requests == []


async def test_a_body_beyond_the_limit_is_not_held(
    client: httpx2.AsyncClient, openrouter: ScriptedUpstream
) -> None:
    answer = await client.post(CHAT, content=b"x" * 1001)
    assert answer.status_code == 413
    assert "POINTSMAN_MAX_BODY_MB" in answer.json()["error"]["message"]
    assert openrouter.requests == []


async def test_receipts_beyond_the_limit_are_counted(
    client: httpx2.AsyncClient,
    openrouter: ScriptedUpstream,
    tap: Tap,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.cli.tap.MOST_RECEIPTS", 1)
    openrouter.plays(reply(b"{}", x_pointsman_receipt="rcp_1"))
    await client.post(CHAT, content=BODY)
    await client.post(CHAT, content=BODY)
    assert (tap.receipts, tap.uncounted) == (["rcp_1"], 1)


async def test_the_answer_to_head_has_no_body(
    client: httpx2.AsyncClient, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays((b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",))
    for _ in range(2):
        answer = await client.head("/v1/files/x")
        assert (answer.status_code, answer.headers["content-length"]) == (200, "5")
