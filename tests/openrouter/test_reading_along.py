"""By way of a proxy and TLS, too, what httpx reads is what the lean transport would."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.errors import UpstreamGarbage
from app.openrouter.client import OpenRouter
from app.openrouter.httpx_transport import over_httpx
from tests.scripted_upstream import ScriptedUpstream, reply

HERE = Path(__file__).parent.parent / "fixtures" / "tls"


@asynccontextmanager
async def tunnel() -> AsyncIterator[str]:
    """A proxy that takes CONNECT and passes bytes on, both ways."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        port = int(target.rpartition(":")[2])
        there, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        both = asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)
        await both
        for each in (writer, back):
            each.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.fixture
async def through_tls(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScriptedUpstream]:
    """A scripted upstream that speaks TLS, with a certificate that httpx trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(HERE / "certificate.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(HERE / "certificate.pem", HERE / "key.pem")
    async with ScriptedUpstream(tls=context) as upstream:
        yield upstream


async def test_an_answer_behind_an_answer_is_nobodys_by_way_of_a_proxy(
    through_tls: ScriptedUpstream,
) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    through_tls.plays(
        (whole + b"mine" + whole + b"evil",), reply(b"mine"), (b"HTTP/1.1 999 X\r\n\r\n",)
    )
    url = through_tls.url.replace("http://127.0.0.1", "https://localhost")
    async with tunnel() as proxy:
        transport = over_httpx(url, proxy=proxy, connect_timeout=5, read_timeout=5)
        client = OpenRouter(url, transport)
        for _ in range(2):
            assert (await client.get("/x", []))[2] == b"mine"
        with pytest.raises(UpstreamGarbage, match="999"):
            await client.get("/x", [])
        await client.aclose()
    assert len(through_tls.requests) == 3
    assert through_tls.connections == 2
