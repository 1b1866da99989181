"""The interface to upstream: the promises of a transport, whichever library it uses."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from ..wire.headers import RawHeaders


class TransportError(Exception):
    """There is no answer, or no rest of it; the message briefly gives the reason."""


class NotAnAnswer(TransportError):
    """The received data is not an HTTP/1.1 answer, or not one that can be passed on."""


class TransportTimeout(TransportError):
    """Upstream exceeded a time limit."""


class Sink(Protocol):
    """Takes the pieces of a body, called by the event loop as they arrive."""

    def take(self, piece: bytes) -> bool:
        """Take a piece, which is not empty; returns whether there is room for more.

        An error ends `pour`, and is raised there.
        """
        ...

    def has_room(self, again: Callable[[], object]) -> bool:
        """Whether there is room for a piece that waits; if not, `again` is called once there is."""
        ...


class Upstream(Protocol):
    """An answer that has begun: its head has arrived, its body has not."""

    @property
    def status(self) -> int:
        """The status code, from 200 to 599; those of 1xx are skipped."""
        ...

    @property
    def headers(self) -> RawHeaders:
        """The headers as received, with duplicates and order kept."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes as they arrive, content encoding untouched; call it only once.

        Raises `UpstreamCut` if the body ends before it is complete (T-06).
        """
        ...

    async def pour(self, sink: Sink) -> None:
        """Have `sink` take the body as it arrives, without this task's turn for each piece.

        Returns when the end has come: `chunks`, which may have begun before, has the rest and what
        it raises. A transport that can't do this returns at once, and `chunks` has all of it.
        """
        ...

    async def aclose(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        ...


class Transport(Protocol):
    """Sends requests to one upstream, each once."""

    # Whether its clean-up is shielded from cancellation only by an anyio scope, so that a bare
    # `Task.cancel` in the middle of it would lose a socket.
    cancel_by_scope: bool

    async def send(self, method: str, target: str, headers: RawHeaders, body: bytes) -> Upstream:
        """Send one request and return once status and headers have arrived.

        `target` is relative to the base address, with its query; Host and Content-Length are
        added to `headers`. Raises `TransportError`.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...
