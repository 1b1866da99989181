"""Upstream over Pointsman's own connections: HTTP/1.1 with keep-alive, plain or TLS, nothing more.

Rule 1  Nothing is ever sent twice. An idle connection is checked right before it is used; one
        that breaks after that is an error, because upstream may have read the request.
Rule 2  A cancelled request, wherever it waits, leaves no socket behind.
Rule 3  Idle connections are bounded, in number and in time.
"""

import asyncio
import re
import ssl
import sys
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import quote, urlsplit

from ..errors import UpstreamCut
from ..wire.headers import RawHeaders
from .answer_reader import AnswerReader
from .connection import Connection
from .dial import dial
from .tls import Tls
from .transport import Sink, TransportError, TransportTimeout

_MOST_IDLE = 100
_DEFAULT_PORTS = {"http": 80, "https": 443}
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "DELETE", "TRACE"})
_UNSAFE = re.compile(r"[^!-~]|[\"<>\\^`{|}]")
_SAFE = "/:@!$&'()*+,;=~?%-._[]"


@dataclass(frozen=True, slots=True)
class LeanUpstream:
    """An `Upstream` on one of our connections."""

    status: int
    headers: RawHeaders
    _reader: AnswerReader
    _connection: Connection
    _pool: "LeanTransport"

    async def chunks(self) -> AsyncIterator[bytes]:
        """As `Upstream` says."""
        reader, connection = self._reader, self._connection
        try:
            while reader.held or not reader.complete:
                if reader.held:
                    yield connection.take(reader)
                else:
                    await connection.news()
        except TransportError as error:
            raise UpstreamCut(
                f"OpenRouter closed the connection before the answer was complete: {error}"
            ) from error

    async def pour(self, sink: Sink) -> None:
        """As `Upstream` says."""
        if not self._reader.complete:
            await self._connection.pour(sink)

    async def aclose(self) -> None:
        """As `Upstream` says. Awaits nothing, so it can't be cancelled."""
        self._pool.take_back(self._connection, self._reader)


class LeanTransport:
    """A `Transport` with a pool; the connection used last is used next."""

    cancel_by_scope = False  # its clean-up awaits nothing

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout: float,
        read_timeout: float,
        tls: ssl.SSLContext | None = None,
        idle_seconds: float = 30.0,
    ) -> None:
        parts = urlsplit(base_url)
        self._host = (parts.hostname or "").encode("idna").decode("ascii")
        self._port = parts.port or _DEFAULT_PORTS[parts.scheme]
        self._path = parts.path
        self._tls = (tls or trusted()) if parts.scheme == "https" else None
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._idle_seconds = idle_seconds
        self._idle: deque[Connection] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False
        shown = f"[{self._host}]" if ":" in self._host else self._host
        host = shown if self._port == _DEFAULT_PORTS[parts.scheme] else f"{shown}:{self._port}"
        self._host_line = f"Host: {host}\r\n".encode("ascii")

    async def send(
        self, method: str, target: str, headers: RawHeaders, body: bytes
    ) -> LeanUpstream:
        """As `Transport` says."""
        head = self._head(method, target, headers, body)
        connection = self._from_the_pool() or await self._connect()
        try:
            reader = await connection.ask(head, body, to_head=method == "HEAD")
        except BaseException:
            connection.abort()
            raise
        return LeanUpstream(reader.status, reader.headers, reader, connection, self)

    async def aclose(self) -> None:
        """Close every idle connection; those in use close when they are given back."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        while self._idle:
            self._idle.pop().abort()

    def take_back(self, connection: Connection, reader: AnswerReader) -> None:
        """End an exchange: the connection becomes idle, or is closed."""
        if not connection.done(reader):
            return
        if self._closed or len(self._idle) >= _MOST_IDLE:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(self._idle_seconds, self._sweep_out)

    def _from_the_pool(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open() and connection.is_quiet():
                return connection
            connection.abort()
        return None

    def _sweep_out(self) -> None:
        """Close connections that were idle too long; the least used are in front."""
        loop = asyncio.get_running_loop()
        self._sweep = None
        while self._idle and self._idle[0].idle_since + self._idle_seconds <= loop.time():
            self._idle.popleft().abort()
        if self._idle:
            due = self._idle[0].idle_since + self._idle_seconds
            self._sweep = loop.call_at(due, self._sweep_out)

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(self._connect_timeout):
                return await (self._connect_tls() if self._tls else self._connect_plain())
        except TimeoutError:
            raise TransportTimeout(f"no connection after {self._connect_timeout:g} s") from None
        except OSError as error:
            raise TransportError(str(error) or type(error).__name__) from error

    async def _connect_plain(self) -> Connection:
        return await dial(self._host, self._port, self._connection)

    async def _connect_tls(self) -> Connection:
        context = cast("ssl.SSLContext", self._tls)
        tls = await dial(
            self._host, self._port, lambda: Tls(context, self._host, self._connection())
        )
        try:
            await tls.handshake
        except BaseException:
            tls.abort()
            raise
        return tls.inner

    def _connection(self) -> Connection:
        return Connection(read_timeout=self._read_timeout)

    def _head(self, method: str, target: str, headers: RawHeaders, body: bytes) -> bytes:
        target = self._path + target
        if _UNSAFE.search(target):
            target = quote(target, safe=_SAFE, encoding="latin-1")
        lines = [f"{method} {target} HTTP/1.1\r\n".encode("ascii"), self._host_line]
        lines += [b"%b: %b\r\n" % header for header in headers]
        if body or method not in _WITHOUT_BODY:
            lines.append(b"Content-Length: %d\r\n" % len(body))
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
            raise TransportError("a header has a line break in it")
        return head + b"\r\n"


def trusted() -> ssl.SSLContext:
    """A context with the httpx transport's trusted authorities, SSL_CERT_FILE and _DIR included."""
    paths = ssl.get_default_verify_paths()
    listed = paths.cafile or (paths.capath and any(Path(paths.capath).glob("*.0")))
    if sys.platform == "linux" and listed:
        context = ssl.create_default_context()
    else:  # it knows where the authorities are on other systems; 60 ms, if not needed
        from httpx2 import create_ssl_context  # noqa: PLC0415 - see above

        context = create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
