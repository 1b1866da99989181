"""CONNECT asks for a tunnel, which nothing here digs."""

import asyncio
import logging

import pytest

from tests.conftest import Proxy


@pytest.mark.parametrize("target", ["a.example:443", "/v1/models"])
async def test_connect_is_a_400(
    proxy: Proxy, caplog: pytest.LogCaptureFixture, target: str
) -> None:
    """The parser stopped a second time, which was logged as a fatal error, and nothing came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
