"""TLS towards upstream: who is trusted, what is whole, and that nothing is lost on the way."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from app.errors import UpstreamCut
from app.openrouter.lean import LeanTransport, trusted
from app.openrouter.tls import Tls
from app.openrouter.transport import TransportError

HERE = Path(__file__).parent.parent / "fixtures" / "tls"


@asynccontextmanager
async def upstream(
    *writes: bytes, close: str = "clean", version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answers each request with `writes`; gives its port, and the requests that came."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(HERE / "certificate.pem", HERE / "key.pem")
    context.maximum_version = version
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            seen.append(head + await reader.readexactly(int(length or b"0")))
            for piece in writes:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)
            if close == "abort":
                writer.transport.abort()
                writer.close()
                return
            if close == "bare":  # the TCP connection ends, TLS does not
                raw = writer.transport._ssl_protocol._transport  # type: ignore[attr-defined]  # noqa: SLF001 - no other way
                raw.close()
                writer.close()
                return
            if close == "clean":
                writer.close()
                return

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            writer.transport.abort()
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        server.close()


def client(port: int, *, host: str = "localhost", trust: bool = True) -> LeanTransport:
    context = ssl.create_default_context(cafile=HERE / "certificate.pem" if trust else None)
    return LeanTransport(f"https://{host}:{port}", connect_timeout=5, read_timeout=5, tls=context)


async def ask(transport: LeanTransport, body: bytes = b"{}") -> bytes:
    answer = await transport.send("POST", "/x", [], body)
    try:
        return b"".join([chunk async for chunk in answer.chunks()])
    finally:
        await answer.aclose()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_answers_come_whole_and_connections_are_used_again(version: ssl.TLSVersion) -> None:
    large = bytes(range(256)) * 4000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(large)
    async with upstream(head + large[:5], large[5:], close="never", version=version) as (
        port,
        seen,
    ):
        transport = client(port)
        for _ in range(3):
            assert await ask(transport, large) == large
        assert [request.endswith(b"\r\n\r\n" + large) for request in seen] == [True] * 3
        await transport.aclose()


@pytest.mark.parametrize(
    ("host", "trust", "told"),
    [("127.0.0.1", True, "IP address mismatch"), ("localhost", False, "certificate verify failed")],
)
async def test_who_cannot_prove_its_name_is_told_nothing(
    host: str, *, trust: bool, told: str
) -> None:
    async with upstream(b"HTTP/1.1 200 OK\r\n\r\n") as (port, seen):
        transport = client(port, host=host, trust=trust)
        with pytest.raises(TransportError, match=told):
            await ask(transport)
        assert seen == []


class _Answering(asyncio.Protocol):
    """Says what it has to say, in the clear."""

    def __init__(self, said: bytes) -> None:
        self.said = said

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.said)


@pytest.mark.parametrize(
    ("said", "told"), [(b"HTTP/1.1 400\r\n\r\n", "(?i)ssl|tls"), (b"", r"0\.3 s")]
)
async def test_an_upstream_that_speaks_no_tls_is_an_error(said: bytes, told: str) -> None:
    loop = asyncio.get_running_loop()
    plain = await loop.create_server(lambda: _Answering(said), "127.0.0.1", 0)
    port = plain.sockets[0].getsockname()[1]
    context = ssl.create_default_context()
    transport = LeanTransport(
        f"https://localhost:{port}", connect_timeout=0.3, read_timeout=5, tls=context
    )
    with pytest.raises(TransportError, match=told):
        await ask(transport)
    plain.close()


@pytest.mark.parametrize(("close", "whole"), [("clean", True), ("bare", False), ("abort", False)])
async def test_t06_a_body_until_the_end_is_whole_only_if_tls_says_so(
    close: str, *, whole: bool
) -> None:
    """Anybody on the way can close a TCP connection; only upstream can end TLS."""
    async with upstream(b"HTTP/1.1 200 OK\r\n\r\nabc", close=close) as (port, _):
        transport = client(port)
        if whole:
            assert await ask(transport) == b"abc"
        else:
            with pytest.raises(UpstreamCut):
                await ask(transport)


class _Wire(asyncio.Transport):
    """The socket between the two ends: what is written goes into the server's incoming data."""

    def __init__(self, incoming: ssl.MemoryBIO) -> None:
        super().__init__()
        self.incoming = incoming

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.incoming.write(bytes(data))

    def abort(self) -> None:
        """There is nothing to close."""


class _Noting(asyncio.Protocol):
    def __init__(self) -> None:
        self.seen: list[bytes | str] = []

    def data_received(self, data: bytes) -> None:
        self.seen.append(data)

    def eof_received(self) -> None:
        self.seen.append("end")

    def connection_lost(self, exc: Exception | None) -> None:
        self.seen.append(type(exc).__name__)


@pytest.mark.parametrize("then", ["", "end", "SSLError"])
async def test_records_of_one_read_are_one_piece(then: str) -> None:
    """As frames of one read are without TLS; an end or a fault among them comes after them."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(HERE / "certificate.pem", HERE / "key.pem")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    trusting = ssl.create_default_context(cafile=HERE / "certificate.pem")
    tls = Tls(trusting, "localhost", _Noting())
    tls.connection_made(_Wire(incoming))
    while not tls.handshake.done():
        with suppress(ssl.SSLWantReadError):
            server.do_handshake()
        tls.data_received(outgoing.read())
    server.do_handshake()
    tls.data_received(outgoing.read())
    for record in (b"one", b"two", b"three"):
        server.write(record)
    if then == "end":
        with suppress(ssl.SSLWantReadError):
            server.unwrap()
    rest = b"\x17\x03\x03\x00\x05wrong" if then == "SSLError" else b""
    tls.data_received(outgoing.read() + rest)
    assert tls.inner.seen == [b"onetwothree", *([then] if then else [])]
    if not then:
        server.write(b"late")
        cut = outgoing.read()
        tls.data_received(cut[:10])
        assert len(tls.inner.seen) == 1
        tls.data_received(cut[10:])
        assert tls.inner.seen[1:] == [b"late"]


def test_the_authorities_of_the_environment_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(HERE / "certificate.pem"))
    (authority,) = trusted().get_ca_certs()
    assert authority["subject"] == ((("commonName", "localhost"),),)
