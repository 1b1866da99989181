"""The seam towards upstream: what a transport promises, whichever library moves the bytes."""

from collections.abc import AsyncIterator
from typing import Protocol

from app.wire.headers import RawHeaders


class TransportError(Exception):
    """No answer, or no more of it; the message says why in a few words."""


class NotAnAnswer(TransportError):
    """Something came that is no answer of HTTP/1.1's, or none that can be passed on."""


class TransportTimeout(TransportError):
    """Upstream let a time limit pass."""


class Upstream(Protocol):
    """An answer that has begun: its head is here, its body still to come."""

    @property
    def status(self) -> int:
        """The status code, from 200 to 599; those of 1xx are skipped."""
        ...

    @property
    def headers(self) -> RawHeaders:
        """The headers as they came, doubles and order kept."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes as they arrive, content encoding untouched; to be asked for once.

        Raises `UpstreamCut` where the body ends before it is complete (T-06).
        """
        ...

    async def aclose(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""
        ...


class Transport(Protocol):
    """Sends requests to one upstream, each once."""

    # Whether its cleaning up is shielded from being cancelled by a scope of anyio's only, so that
    # a bare `Task.cancel` in the middle of it would lose a socket.
    cancel_by_scope: bool

    async def send(self, method: str, target: str, headers: RawHeaders, body: bytes) -> Upstream:
        """Send one request and return once status and headers are here.

        `target` is relative to the base address, with its query; Host and Content-Length are
        added to `headers`. Raises `TransportError`.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...
