"""The way of an answer to the wire: its head joined with what follows, its body without messages.

An ASGI message costs a coroutine and a turn of the request's task. Once the head of an answer has
been sent, the pieces of its body can be written without either, by any callback of the event loop;
the end is a message again. The bytes are the same as those of messages, in the server's framing.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

# In a request's `extensions`, while its answer is under way: the `Outlet` for it.
OUTLET = "pointsman.outlet"

_CLOSE = b"connection: close\r\n\r\n"


class Outlet:
    """One answer's way out; until its head has been sent, it also stands in for the transport.

    As such it sends the head and the first piece as one: two writes are two packets, and wake the
    caller twice. A head without a piece in the same round of the loop is sent alone in the next
    one.

    An answer that begins before its request is complete ends the connection: otherwise the rest of
    a refused body would have to be read, however long it is. The head announces this, and `drop`
    is called at the end instead of closing at once.
    """

    __slots__ = (
        "_cycle",
        "_drop",
        "_early",
        "_flow",
        "_head",
        "_loop",
        "_when_free",
        "_wire",
        "is_closing",
    )

    def __init__(
        self,
        cycle: RequestResponseCycle,
        flow: FlowControl,
        loop: asyncio.AbstractEventLoop,
        *,
        when_free: Callable[[Callable[[], object]], None],
        drop: Callable[[], object],
    ) -> None:
        """`when_free` has its argument called once, when the client has read most of its answer."""
        self._cycle = cycle
        self._flow = flow
        self._loop = loop
        self._when_free = when_free
        self._drop = drop
        self._early = False
        self._wire = cycle.transport
        self._head = b""
        self.is_closing = cycle.transport.is_closing
        cycle.transport = cast("asyncio.Transport", self)

    # --- the body, once the head has been sent --------------------------------------------------

    def put(self, piece: bytes) -> bool:
        """Send a piece of the body, which is not empty; returns whether there is room for more.

        It is dropped if the client has left. Raises `RuntimeError` if the body would become longer
        than its declared length.
        """
        cycle = self._cycle
        if cycle.disconnected:
            return True
        if cycle.chunked_encoding:
            cycle.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        elif len(piece) <= cycle.expected_content_length:
            cycle.expected_content_length -= len(piece)
            cycle.transport.write(piece)
        else:
            raise RuntimeError("the answer is longer than its Content-Length")
        return not self._flow.write_paused

    def has_room(self, again: Callable[[], object]) -> bool:
        """Whether the client reads fast enough; if not, `again` is called once it has caught up.

        It replaces an earlier callback.
        """
        if not self._flow.write_paused:
            return True
        self._when_free(again)
        return False

    # --- in place of the transport --------------------------------------------------------------

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
