"""Checks httpx's input with the lean transport's reader, so that both refuse the same answers.

httpx keeps data that follows an answer, and would treat it as the next answer; it skips an endless
sequence of interim answers, and passes on control characters in headers. It has no settings for it.
"""

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2

from .answer_reader import AnswerReader


class CheckedStream(httpcore2.AsyncNetworkStream):
    """An httpcore stream that raises `NotAnAnswer` for data that our reader refuses."""

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner
        self._reader: AnswerReader | None = None
        self._asking = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore has it so
        """Read more of an answer; httpcore has written its request before it reads."""
        data = await self._inner.read(max_bytes, timeout)
        self._asking = False
        if data and self._reader is not None:
            self._reader.feed(data)
            self._reader.take()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Write more of a request."""
        if not self._asking:
            self._asking = True
            self._reader = AnswerReader(to_head=buffer.startswith(b"HEAD "))
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close it."""
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore2.AsyncNetworkStream:
        """A checked stream over TLS; earlier data is not considered."""
        return CheckedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """Information on the socket; httpcore closes an idle one that has data to read."""
        return (info == "is_readable" and self._is_spoiled()) or self._inner.get_extra_info(info)

    def _is_spoiled(self) -> bool:
        reader = self._reader
        return reader is not None and reader.complete and not reader.reusable


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """An httpcore network backend that checks every stream."""

    def __init__(self, inner: httpcore2.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect, and check the incoming data."""
        return CheckedStream(
            await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        )

    async def sleep(self, seconds: float) -> None:
        """Wait between attempts to connect, of which there is only one."""
        await self._inner.sleep(seconds)
