"""The head of an answer on its way to the wire."""

import asyncio
from collections.abc import Callable
from typing import cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_CLOSE = b"connection: close\r\n\r\n"


class JoinedHead:
    """Wraps the transport until an answer has begun, to send its head and first piece as one.

    Two writes are two packets, and wake the caller twice. A head without a piece in the same round
    of the loop is sent alone in the next one.

    An answer that begins before its request is complete ends the connection: otherwise the rest of
    a refused body would have to be read, however long it is. The head announces this, and `drop`
    is called at the end instead of closing at once.
    """

    __slots__ = ("_cycle", "_drop", "_early", "_head", "_loop", "_wire", "is_closing")

    def __init__(
        self,
        cycle: RequestResponseCycle,
        loop: asyncio.AbstractEventLoop,
        drop: Callable[[], object],
    ) -> None:
        self._cycle = cycle
        self._loop = loop
        self._drop = drop
        self._early = False
        self._wire = cycle.transport
        self._head = b""
        self.is_closing = cycle.transport.is_closing
        cycle.transport = cast("asyncio.Transport", self)

    def write(self, data: bytes) -> None:
        """Keep the head for a moment, or send the data that follows or precedes it."""
        if not self._cycle.response_started:
            self._wire.write(data)
            return
        if self._head or self._early:
            self._go_on(data)
            return
        if self._cycle.more_body:
            self._early = True
            if self._cycle.keep_alive:
                self._cycle.keep_alive = False
                data = data[:-2] + _CLOSE
        self._head = data
        self._loop.call_soon(self._go_on)

    def close(self) -> None:
        """End the connection once the head has been sent."""
        self._go_on()
        if self._early and self._cycle.response_complete:
            self._drop()
        else:
            self._wire.close()

    def _go_on(self, data: bytes = b"") -> None:
        stands_there: object = self._cycle.transport
        if stands_there is not self:
            return
        if not self._early:
            self._cycle.transport = self._wire
        head, self._head = self._head, b""
        if head or data:
            self._wire.write(head + data)
