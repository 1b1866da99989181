"""JDK clients and `curl --http2` offer h2c with their first request; others ask for WebSockets."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.simulator import create_simulator
from tests.conftest import Proxy, StartProxy
from tests.running import running
from tests.scripted_upstream import ScriptedUpstream, reply, sse
from tests.warned import warned

BODY = b'{"model":"acme/sim-1","messages":[],"n":1.0}'
OFFER = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)
WEBSOCKET = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def head(path: str, *headers: bytes, method: str = "POST") -> bytes:
    lines = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer sk-or-x\r\n"
    return lines.encode() + b"".join(headers) + b"\r\n"


def ask(*headers: bytes, path: str = "/v1/chat/completions", body: bytes = BODY) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return head(path, b"Content-Type: application/json\r\n", length, *headers) + body


def in_chunks(body: bytes, size: int) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    told = (b"Content-Type: application/json\r\n", b"Transfer-Encoding: chunked\r\n", OFFER)
    return head("/v1/chat/completions", *told) + framed


class Connection:
    """One connection, on which bytes leave as they are cut here."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._answers = sock.makefile("rb")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            await asyncio.to_thread(self._sock.sendall, piece)
            await asyncio.sleep(0.001)  # so that the next one does not arrive with it

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer: status, headers, body."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self._answers.readline().split()[1])
        lines = iter(self._answers.readline, b"\r\n")
        headers = dict(line.decode().strip().lower().split(": ", 1) for line in lines)
        if headers.get("transfer-encoding") != "chunked":
            return status, headers, self._answers.read(int(headers["content-length"]))
        body = b""
        while size := int(self._answers.readline(), 16):
            body += self._answers.read(size + 2)[:-2]
        self._answers.readline()
        return status, headers, body


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5) as sock:
        yield Connection(sock)


@pytest.mark.parametrize(
    "request_",
    [ask(OFFER), in_chunks(BODY, 7), ask(OFFER.replace(b"h2c", b"TLS/1.2, h2c"))],
    ids=["length", "chunked", "list"],
)
async def test_t54_a_request_that_offers_h2c_is_served_wherever_it_is_cut(
    proxy: Proxy,
    openrouter: ScriptedUpstream,
    caplog: pytest.LogCaptureFixture,
    request_: bytes,
) -> None:
    """All on one connection, which stays usable after each."""
    openrouter.plays(reply(b'{"id":"gen-1"}'))
    cuts = range(1, len(request_), 3)
    with connected(proxy.url) as connection:
        for cut in cuts:
            await connection.send(request_[:cut], request_[cut:])
            status, headers, body = await connection.answer()
            assert (status, body) == (200, b'{"id":"gen-1"}'), cut
            assert "upgrade" not in headers
    assert {request.body for request in openrouter.requests} == {BODY}
    assert len(openrouter.requests) == len(cuts)
    sent = openrouter.requests[0]
    assert not [name for name in ("upgrade", "http2-settings") if sent.header(name)]
    assert not warned(caplog)


async def test_t54_offers_and_plain_requests_sent_ahead_are_answered_in_their_order(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(*(sse(b"data: %d\n\n" % number) for number in range(6)))
    with connected(proxy.url) as connection:
        await connection.send((ask(OFFER) + ask() + in_chunks(BODY, 9)) * 2)
        for number in range(6):
            status, _, body = await connection.answer()
            assert (status, body) == (200, b"data: %d\n\n" % number)
    assert [request.body for request in openrouter.requests] == [BODY] * 6


@pytest.mark.parametrize("chunked", [True, False])
async def test_t54_the_limit_on_bodies_holds_under_an_offer(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, *, chunked: bool
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, max_body_mb=0.01)
    body = b'{"model":"acme/sim-1","x":"%b"}' % (b"x" * 20_000)
    with connected(proxy.url) as connection:
        await connection.send(in_chunks(body, 1000) if chunked else ask(OFFER, body=body))
        status, _, answer = await connection.answer()
        assert (status, json.loads(answer)["error"]["code"]) == (413, "body_too_large")
    assert not openrouter.requests


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in ("/health", "/v1/models", "/pointsman/receipts", "/dashboard")),
        ("POST", "/v1/messages/count_tokens"),
        ("GET", "/nowhere"),
    ],
)
async def test_t54_every_route_answers_as_it_does_without_an_offer(
    proxy: Proxy, openrouter: ScriptedUpstream, method: str, path: str
) -> None:
    openrouter.plays(reply(b'{"input_tokens":7}'))
    body = (b"Content-Type: application/json\r\nContent-Length: 2\r\n", b"{}")
    told, content = body if method == "POST" else (b"", b"")
    with connected(proxy.url) as connection:
        await connection.send(head(path, told, method=method) + content)
        plain = await connection.answer()
        await connection.send(head(path, told, OFFER, method=method) + content)
        offered = await connection.answer()
    assert offered[0] == plain[0]
    assert offered[2] == plain[2]


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions", "/health", "/nowhere"])
@pytest.mark.parametrize("offer", [b"websocket", b"WebSocket", b"h2c, websocket"])
async def test_t54_a_websocket_is_refused_with_426_on_every_path(
    proxy: Proxy,
    openrouter: ScriptedUpstream,
    caplog: pytest.LogCaptureFixture,
    path: str,
    offer: bytes,
) -> None:
    openrouter.plays(reply(b"{}"))
    with connected(proxy.url) as connection:
        opening = head(path, WEBSOCKET.replace(b"websocket", offer), method="GET")
        await connection.send(opening)
        status, headers, body = await connection.answer()
        assert status == 426
        assert (headers["upgrade"], headers["connection"]) == ("http/1.1", "upgrade")
        error = json.loads(body)["error"]
        assert error["code"] == "websocket_refused"
        assert "POST" in error["message"]
        assert not openrouter.requests
        await connection.send(ask(OFFER))  # the connection is as good as before
        assert (await connection.answer())[0] == 200
    assert not warned(caplog)


async def test_t54_a_websocket_on_anthropics_path_is_refused_in_anthropics_shape(
    proxy: Proxy,
) -> None:
    with connected(proxy.url) as connection:
        await connection.send(head("/v1/messages", WEBSOCKET, method="GET"))
        status, _, body = await connection.answer()
    told: dict[str, Any] = json.loads(body)
    assert (status, told["type"], told["error"]["type"]) == (426, "error", "invalid_request_error")


async def test_t54_http_1_0_knows_no_upgrade(proxy: Proxy) -> None:
    """RFC 9110, 7.8: a server ignores the field there, whatever it offers."""
    with connected(proxy.url) as connection:
        opening = head("/health", WEBSOCKET, method="GET").replace(b"HTTP/1.1", b"HTTP/1.0")
        await connection.send(opening)
        assert (await connection.answer())[0] == 200


async def test_t54_the_simulated_openrouter_does_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    body = b'{"model":"qwen/qwen3-coder","messages":[{"role":"user","content":"hi"}]}'
    request = ask(OFFER, path="/api/v1/chat/completions", body=body)
    with running(create_simulator(pace=0)) as simulator, connected(simulator.url) as connection:
        for cut in (len(request), len(request) - len(body), len(request) - 5, 40):
            await connection.send(request[:cut], request[cut:])
            status, _, answer = await connection.answer()
            assert status == 200
            assert json.loads(answer)["choices"]
        for path, kind in (("/api/v1/responses", None), ("/api/v1/messages", "error")):
            await connection.send(head(path, WEBSOCKET, method="GET"))
            status, headers, answer = await connection.answer()
            assert (status, headers["upgrade"]) == (426, "http/1.1")
            assert json.loads(answer).get("type") == kind
    assert not warned(caplog)
