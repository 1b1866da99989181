"""Nothing that a caller sends, or leaves unsent, stalls or swells the process (T-62, T-65)."""

import asyncio
import gzip
import json
import os
import re
import resource
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from app.server.entrance import State
from app.server.plain import send_json
from app.server.process import Traffic
from app.telemetry.stalls import Stalls
from tests.conftest import Proxy, StartProxy
from tests.running import NO_TLS, running
from tests.scripted_upstream import Pause, ScriptedUpstream, reply, sse
from tests.waiting import until, until_seen

ROOT = Path(__file__).parent.parent.parent
CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": []}
BODY = json.dumps(ASK).encode()
JSON = b"Content-Type: application/json\r\n"
KEYS = "anna:key-of-anna,bob:key-of-bob"

MORE = getattr(socket, "MSG_MORE", 0)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def head(length: int | str = len(BODY), *lines: bytes, path: str = CHAT) -> bytes:
    start = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n".encode()
    return start + JSON + b"".join(lines) + b"\r\n"


def chunked(*lines: bytes) -> bytes:
    return head(0, b"Transfer-Encoding: chunked\r\n", *lines).replace(b"Content-Length: 0\r\n", b"")


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the next answer."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:-2])
    if headers.get("transfer-encoding") == "chunked":
        body = await reader.readuntil(b"0\r\n\r\n")
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(lines[0].split()[1]), headers, body


def code(body: bytes) -> str:
    return str(json.loads(body)["error"]["code"])


async def until_closed(reader: asyncio.StreamReader, within: float = 3.0) -> float:
    """Seconds until the other side has closed; fails if anything else comes."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        assert await reader.read() == b""
    return time.monotonic() - began


async def counted(proxy: Proxy, name: str) -> float:
    """The sum of a metric's samples."""
    text = (await proxy.client.get(f"{proxy.url}/metrics")).text
    return sum(map(float, re.findall(rf"(?m)^{name}(?:{{.*}})? (\S+)$", text)))


# --- heads ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "again", "status"),
    [
        (head()[:-2], b"X-Y: z\r\n" * 1000, 431),
        (head()[:-2] + b"X: ", b"y" * 65_536, 431),
        (b"GET /", b"y" * 65_536, 414),
        (b"", b"\r\n" * 30_000, 431),
    ],
    ids=["lines", "a line", "a path", "blank lines"],
)
async def test_t62_a_head_without_end_gets_an_error_that_arrives(
    proxy: Proxy, first: bytes, again: bytes, status: int
) -> None:
    """Though far more is on its way than was read, nothing takes the answer back."""
    async with connected(proxy.url) as (reader, writer):
        writer.write(first + again * 40)
        found, headers, body = await answer(reader)
        assert (found, headers["connection"]) == (status, "close")
        assert code(body) == {431: "head_too_large", 414: "target_too_long"}[status]
    assert await counted(proxy, "pointsman_turned_away_total") == 1
    assert (await proxy.client.get(f"{proxy.url}/health")).status_code == 200


async def test_t62_the_limits_of_a_head_are_settings(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(upstream_url=openrouter.url, max_head_kb=200, max_headers=400)
    many = {f"x-{number}": "y" * 400 for number in range(300)}
    allowed = await proxy.client.post(proxy.url + CHAT, json=ASK, headers=many)
    assert allowed.status_code == 200
    error = await proxy.client.post(
        proxy.url + CHAT, json=ASK, headers={f"x-{number}": "" for number in range(400)}
    )
    assert (error.status_code, error.json()["error"]["code"]) == (431, "head_too_large")
    assert "POINTSMAN_MAX_HEADERS" in error.json()["error"]["message"]


async def test_an_error_before_the_head_ends_has_the_shape_of_the_path(proxy: Proxy) -> None:
    async with connected(proxy.url) as (reader, writer):
        writer.write(head(path="/v1/messages")[:-2] + b"X: y\r\n" * 200)
        status, _, body = await answer(reader)
    assert (status, json.loads(body)["type"]) == (431, "error")


async def test_trailers_do_not_go_upstream(proxy: Proxy, openrouter: ScriptedUpstream) -> None:
    openrouter.plays(reply(b"{}"))
    async with connected(proxy.url) as (reader, writer):
        writer.write(chunked() + b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY))
        writer.write(b"Authorization: Bearer smuggled\r\nX-Title: smuggled\r\n\r\n")
        assert (await answer(reader))[0] == 200
    assert openrouter.only_request.body == BODY
    assert "smuggled" not in str(openrouter.only_request.headers)


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Type: text/plain\r\n",
        b"Content-Type: application/json\r\n",
        b"Host: 127.0.0.1\r\n",
        b"Host: evil.example\r\n",
        b"Content-Encoding: gzip\r\nContent-Encoding: identity\r\n",
        b"Content-Length: %d\r\n" % len(BODY),
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip\r\n",
    ],
)
async def test_t54_a_head_that_can_be_read_in_two_ways_is_a_400(
    proxy: Proxy, openrouter: ScriptedUpstream, lines: bytes
) -> None:
    async with connected(proxy.url) as (reader, writer):
        writer.write(head(len(BODY), lines) + BODY)
        status, _, body = await answer(reader)
    assert (status, code(body) in {"ambiguous_header", "malformed_request"}) == (400, True)
    assert not openrouter.requests


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"Chunked", b"chunked"])
async def test_t54_a_body_is_sent_in_chunks_and_in_no_other_coding(
    proxy: Proxy, openrouter: ScriptedUpstream, coding: bytes
) -> None:
    openrouter.plays(reply(b"{}"))
    start = chunked().replace(b"chunked", coding)
    async with connected(proxy.url) as (reader, writer):
        writer.write(start + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))
        status, _, body = await answer(reader)
    if coding.lower() == b"chunked":
        assert status == 200
    else:
        assert (status, code(body)) == (400, "ambiguous_header")
        assert not openrouter.requests


# --- connections that never finish a request ------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /hea", head()[:-2], head()[:60]])
async def test_t65_a_request_that_does_not_come_is_not_waited_for(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, sent: bytes
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, head_timeout=0.3)
    async with connected(proxy.url) as (reader, writer):
        writer.write(sent)
        if sent:
            status, _, body = await answer(reader)
            assert (status, code(body)) == (408, "request_timeout")
            assert b"POINTSMAN_HEAD_TIMEOUT" in body
        assert await until_closed(reader) < 1


async def test_t65_a_head_that_trickles_is_late_all_the_same(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, head_timeout=0.3)
    async with connected(proxy.url) as (reader, writer):
        began = time.monotonic()
        answered = asyncio.create_task(answer(reader))
        for byte in head()[:-2]:
            if answered.done():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)
        assert (await answered)[0] == 408
        assert time.monotonic() - began < 1


@pytest.mark.parametrize("sent", [b"", BODY[:5]])
async def test_t65_a_body_that_does_not_come_is_a_408_with_a_receipt(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, sent: bytes
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, body_timeout=0.3)
    async with connected(proxy.url) as (reader, writer):
        writer.write(head() + sent)
        status, headers, body = await answer(reader)
        assert (status, headers["connection"], code(body)) == (408, "close", "request_timeout")
        assert b"POINTSMAN_BODY_TIMEOUT" in body
        assert await until_closed(reader) < 1
    receipt = await proxy.only_receipt()
    assert (receipt["ending"], receipt["error_code"]) == ("refused", "request_timeout")


async def test_t65_a_slow_body_that_gets_on_is_waited_for(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(upstream_url=openrouter.url, body_timeout=0.2)
    body = b'{"model":"acme/sim-1","messages":"%b"}' % (b"x" * 60_000)
    async with connected(proxy.url) as (reader, writer):
        writer.write(head(len(body)))
        for at in range(0, len(body), 5000):
            writer.write(body[at : at + 5000])
            await asyncio.sleep(0.05)
        assert (await answer(reader))[0] == 200
    assert openrouter.only_request.body == body


async def test_t65_a_request_that_waits_for_its_turn_is_not_late(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    """Half a request behind one that is being answered: that answer is not broken off for it."""
    openrouter.plays(sse(b"data: 1\n\n", Pause(1.0), b"data: 2\n\n"))
    proxy = start_proxy(upstream_url=openrouter.url, body_timeout=0.2, head_timeout=0.2)
    for ahead in (head()[:30], head() + BODY[:9]):
        async with connected(proxy.url) as (reader, writer):
            writer.write(head() + BODY + ahead)
            assert b"data: 2" in (await answer(reader))[2]
            status, _, _ = await answer(reader)
            assert status == 408


async def test_t65_an_idle_connection_is_closed(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, idle_timeout=1, head_timeout=0.2)
    async with connected(proxy.url) as (reader, writer):
        writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert (await answer(reader))[0] == 200
        assert 0.7 < await until_closed(reader) < 2


# --- too many connections -------------------------------------------------------------------------


async def test_t65_beyond_the_bound_callers_are_told_and_health_is_answered(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(upstream_url=openrouter.url, max_connections=2)
    await proxy.client.aclose()
    async with connected(proxy.url) as first, connected(proxy.url), connected(proxy.url) as third:
        reader, writer = third
        for path, status in (("/health", 200), ("/ready", 200)):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            found, _, body = await answer(reader)
            assert found == status
        ready = json.loads(body)
        assert ready["status"] == "degraded"
        assert ready["connections"]["open"] == 3
        assert ready["connections"]["most"] == 2
        writer.write(head() + BODY)
        found, headers, body = await answer(reader)
        assert (found, headers["retry-after"], headers["connection"]) == (503, "1", "close")
        assert code(body) == "connections_full"
        assert b"POINTSMAN_MAX_CONNECTIONS" in body
        await until_closed(reader)
        first[1].write(head() + BODY)  # those that are in are served
        assert (await answer(first[0]))[0] == 200
    async with httpx2.AsyncClient(verify=NO_TLS) as client:
        assert (await client.get(f"{proxy.url}/ready")).json()["status"] == "ready"


async def test_t65_many_more_are_cut_off_without_a_word(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, max_connections=1)
    opened = [
        await asyncio.open_connection("127.0.0.1", urlsplit(proxy.url).port) for _ in range(60)
    ]
    cut = 60 - 1 - 32

    def gone() -> int:
        return sum(reader.at_eof() or reader.exception() is not None for reader, _ in opened)

    await until(lambda: gone() >= cut)
    assert gone() == cut
    for _, writer in opened:
        writer.transport.abort()

    async def all_have_left() -> bool:
        return await counted(proxy, "pointsman_connections") == 1

    await until_seen(all_have_left)
    assert await counted(proxy, "pointsman_turned_away_total") == cut


SHORT_OF_DESCRIPTORS = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (96, 96))
from app.__main__ import main
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts on Linux's numbers")
async def test_t65_when_descriptors_run_out_it_is_told_and_health_is_still_answered(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SHORT_OF_DESCRIPTORS, "serve", "--port", "0"),
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "POINTSMAN_STATE": str(tmp_path),
            "POINTSMAN_UPSTREAM_URL": openrouter.url,
            "POINTSMAN_MAX_CONNECTIONS": "1000",  # more than there can be
            "OPENROUTER_API_KEY": "sk-or-v1-x",
        },
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    opened: list[socket.socket] = []
    try:
        async with asyncio.timeout(60):
            line = (await process.stderr.readline()).decode()
        url = line.split("serves ")[1].split("/v1")[0]
        async with connected(url) as (reader, writer):
            writer.write(b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert json.loads((await answer(reader))[2])["status"] == "ready"
            port = urlsplit(url).port
            opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
            async with asyncio.timeout(60):
                while "file descriptors run out" not in line:
                    line = (await process.stderr.readline()).decode()
            assert "this process may have 96" in line
            writer.write(b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            ready = json.loads((await answer(reader))[2])
            assert ready["status"] == "degraded"
            assert ready["connections"]["descriptors_run_out"] is True
            for each in opened:
                each.close()
            await asyncio.sleep(0.2)
            async with httpx2.AsyncClient(verify=NO_TLS) as client:
                assert (await client.get(f"{url}/health")).status_code == 200
    finally:
        for each in opened:
            each.close()
        process.kill()
        rest = await process.stderr.read()
        await process.wait()
    assert rest.count(b"file descriptors run out") == 0  # once a minute is enough


# --- bodies ---------------------------------------------------------------------------------------


async def test_bodies_that_are_held_together_have_a_bound(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(upstream_url=openrouter.url, max_body_mb=1, max_bodies_mb=1.5)
    body = b'{"model":"acme/sim-1","messages":"%b"}' % (b"x" * 900_000)
    async with connected(proxy.url) as (reader, writer):
        writer.write(head(len(body)) + body[:-1])
        for _ in range(200):
            if await counted(proxy, "pointsman_request_bodies_bytes") == len(body) - 1:
                break
        full = await proxy.client.post(
            proxy.url + CHAT, content=body, headers={"content-type": "application/json"}
        )
        assert (full.status_code, full.headers["retry-after"]) == (503, "1")
        assert full.json()["error"]["code"] == "bodies_full"
        assert "POINTSMAN_MAX_BODIES_MB" in full.json()["error"]["message"]
        small = await proxy.client.post(proxy.url + CHAT, json=ASK)
        assert small.status_code == 200
        writer.write(body[-1:])
        assert (await answer(reader))[0] == 200
    assert await counted(proxy, "pointsman_request_bodies_bytes") == 0
    assert await counted(proxy, "pointsman_refusals_total") == 1


async def test_a_body_is_let_go_of_once_it_is_being_answered(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(b"data: 1\n\n", Pause(30)))
    proxy = start_proxy(upstream_url=openrouter.url)
    async with proxy.client.stream("POST", proxy.url + CHAT, json=ASK) as streamed:
        async for _ in streamed.aiter_raw():
            break
        assert await counted(proxy, "pointsman_request_bodies_bytes") == 0


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
async def test_what_a_body_grows_to_counts(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, encoding: str
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, max_body_mb=1, max_bodies_mb=1)
    body = gzip.compress(b" " * 1_000_000)
    for _ in range(encoding.count(",")):
        body = gzip.compress(body)
    headers = {"content-type": "application/json", "content-encoding": encoding}
    error = await proxy.client.post(proxy.url + CHAT, content=body, headers=headers)
    assert error.json()["error"]["code"] == "bodies_full"
    assert await counted(proxy, "pointsman_request_bodies_bytes") == 0


@pytest.mark.parametrize(
    ("path", "lines", "status"),
    [
        (CHAT, (), 401),
        (CHAT, (b"Origin: https://evil.example\r\n",), 403),
        ("/v1/Chat/Completions", (b"X-Api-Key: key-of-anna\r\n",), 404),
        (CHAT, (b"X-Api-Key: key-of-anna\r\n",), 413),
        ("/health", (), 405),
    ],
)
@pytest.mark.parametrize("framing", ["declared", "chunked"])
async def test_the_body_of_a_refused_request_is_thrown_away_and_the_answer_arrives(  # noqa: PLR0917
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    path: str,
    lines: tuple[bytes, ...],
    status: int,
    framing: str,
) -> None:
    proxy = start_proxy(
        upstream_url=openrouter.url, caller_keys=KEYS, operators="anna", max_body_mb=1
    )
    piece, pieces = b"x" * 65_536, 200
    declared = head(len(piece) * pieces, *lines, path=path)
    start = (
        declared if framing == "declared" else chunked(*lines).replace(CHAT.encode(), path.encode())
    )
    async with connected(proxy.url) as (reader, writer):
        writer.write(start)
        for _ in range(pieces):
            writer.write(piece if framing == "declared" else b"10000\r\n%b\r\n" % piece)
            await writer.drain()
        found, headers, _ = await answer(reader)
        assert (found, headers["connection"]) == (status, "close")
        writer.write_eof()
        await until_closed(reader)
    headers = {"x-api-key": "key-of-anna"}
    metrics = (await proxy.client.get(f"{proxy.url}/metrics", headers=headers)).text
    assert "pointsman_request_bodies_bytes 0.0" in metrics


async def test_a_refused_body_that_never_ends_is_not_listened_to_for_ever(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, caller_keys=KEYS)
    async with connected(proxy.url) as (reader, writer):
        writer.write(head(10**9) + b"x" * 1000)
        assert (await answer(reader))[0] == 401
        assert await until_closed(reader) < 0.5  # our direction
        await asyncio.sleep(2.5)
        writer.write(b"x")
        await asyncio.sleep(0.1)
        writer.write(b"x")
        with pytest.raises(ConnectionError):
            await writer.drain()


async def test_a_whole_request_that_is_refused_leaves_its_connection_open(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, caller_keys=KEYS)
    async with connected(proxy.url) as (reader, writer):
        for _ in range(3):
            writer.write(head() + BODY)
            status, headers, _ = await answer(reader)
            assert (status, headers.get("connection")) == (401, None)


@pytest.mark.parametrize(
    ("key", "length", "status"), [(b"wrong", 100, 401), (b"key-of-anna", 2_000_000, 413)]
)
async def test_a_client_that_waits_for_a_word_is_not_told_to_send_what_is_refused(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, key: bytes, length: int, status: int
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, caller_keys=KEYS, max_body_mb=1)
    async with connected(proxy.url) as (reader, writer):
        writer.write(head(length, b"Expect: 100-continue\r\n", b"X-Api-Key: %b\r\n" % key))
        found, headers, _ = await answer(reader)
        assert (found, headers["connection"]) == (status, "close")


async def test_a_client_that_waits_for_a_word_gets_it_and_its_answer(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    async with connected(proxy.url) as (reader, writer):
        writer.write(head(len(BODY), b"Expect: 100-continue\r\n"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(BODY)
        status, headers, _ = await answer(reader)
        assert (status, headers.get("connection")) == (200, None)


# --- half-closed connections ----------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("count", [1, 3])
async def test_a_caller_that_closes_its_own_direction_gets_its_answer(
    proxy: Proxy, openrouter: ScriptedUpstream, version: str, count: int
) -> None:
    """As `nc -N` does, and some clients of HTTP/1.0."""
    openrouter.plays(sse(Pause(0.3), b"data: 1\n\n", Pause(0.2), b"data: 2\n\n"))
    count = count if version == "1.1" else 1
    asked = (head() + BODY).replace(b"HTTP/1.1", f"HTTP/{version}".encode()) * count
    with socket.create_connection(("127.0.0.1", urlsplit(proxy.url).port or 0)) as sock:
        sock.sendall(asked, MORE)  # so that all of it leaves with the end, however busy we are
        sock.shutdown(socket.SHUT_WR)
        sock.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=sock)
        async with asyncio.timeout(60):
            everything = await reader.read()
        writer.close()
    assert everything.count(b"HTTP/1.1 200") == count
    assert everything.count(b"data: 2") == count
    assert {receipt["ending"] for receipt in await proxy.receipts(count)} == {"complete"}


async def test_what_we_answer_ourselves_is_answered_to_a_half_closed_caller(proxy: Proxy) -> None:
    for path in ("/health", "/ready", "/pointsman/receipts", "/metrics"):
        async with connected(proxy.url) as (reader, writer):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            writer.write_eof()
            async with asyncio.timeout(60):
                assert (await reader.read()).startswith(b"HTTP/1.1 200")


async def test_t17_a_half_closed_caller_that_is_gone_is_noticed_when_it_is_written_to(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(
        sse(Pause(0.3), *(piece for _ in range(50) for piece in (b"data: 1\n\n", Pause(0.05))))
    )
    with socket.create_connection(("127.0.0.1", urlsplit(proxy.url).port or 0)) as sock:
        sock.sendall(head() + BODY, MORE)
        sock.shutdown(socket.SHUT_WR)
        await asyncio.sleep(0.2)
    assert await openrouter.saw_hangup()
    assert (await proxy.only_receipt())["ending"] == "caller_left"


def test_a_process_gets_the_descriptors_that_the_system_allows() -> None:
    """The limit is raised for the test's own process, and put back."""
    from app.server import descriptors  # noqa: PLC0415

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
        assert descriptors.limit() == 512
        descriptors.raise_limit()
        assert descriptors.limit() == min(before[1], descriptors.PLENTY)
        descriptors.raise_limit()
        assert descriptors.limit() == min(before[1], descriptors.PLENTY)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_a_blocked_event_loop_is_told_with_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stalls = Stalls()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            time.sleep(1.5)  # noqa: ASYNC251 - that is what must not happen
            await send_json(send, 200, {})
        else:
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})

    app.state = State(Traffic(), stalls)  # type: ignore[attr-defined]
    with running(app) as server:
        await asyncio.sleep(0.3)
        async with httpx2.AsyncClient(verify=NO_TLS) as client:
            assert (await client.get(server.url)).status_code == 200
        await asyncio.sleep(0.3)
    assert stalls.longest > 1
    assert "the event loop was blocked for 1." in caplog.text
    assert "tests/end_to_end/test_bounds.py:" in caplog.text
