"""uvicorn's HTTP protocol, with three changes.

- A client that reads nothing is disconnected after a while (T-19).
- A request can ask to be told when its client leaves.
- An offer to change protocols, such as `Upgrade: h2c`, is ignored, as RFC 9110 allows: the request
  is served over HTTP/1.1, with its body (T-54).
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.api.staying import WHEN_LEFT

if TYPE_CHECKING:
    from starlette.types import Scope


_MOST_QUEUED = 8  # requests that one connection may send ahead while we listen for its end


class Protocol(HttpToolsProtocol):
    """Lets go of a caller who takes nothing, though there is something to take (T-19).

    Such a caller would hold a stream from upstream, and its money, for ever. Closing in the
    ordinary way would wait for the unread bytes to be taken, so the connection is aborted; to the
    application it looks as if the caller had left.
    """

    write_timeout: ClassVar[float] = 120.0  # seconds
    _giving_up: asyncio.TimerHandle | None = None
    _left: bool = False
    _served: RequestResponseCycle | None = None  # the request whose turn it is
    _then: Callable[[], object] | None = None

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, as often as it takes: each offer to upgrade stops the parser."""
        self._unset_keepalive_if_required()
        rest: bytes | memoryview = data
        try:
            while rest:
                try:
                    self.parser.feed_data(rest)
                except httptools.HttpParserUpgrade as offer:
                    rest = memoryview(rest)[offer.args[0] :]  # no copy: a packet may hold thousands
                    self._begin_again_without_the_offer()
                else:
                    break
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")

    def on_message_begin(self) -> None:
        """A request begins: it may ask to be told when its caller leaves."""
        super().on_message_begin()
        cast("Scope", self.scope)["extensions"] = {WHEN_LEFT: self.when_left}

    def on_headers_complete(self) -> None:
        """The request's head is here, and it is about to be served."""
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            JoinedHead(self.cycle, self.loop)
        if self._then is not None and len(self.pipeline) < _MOST_QUEUED:
            self.flow.resume_reading()  # paused for a request that has to wait its turn

    def when_left(self, then: Callable[[], object] | None) -> None:
        """Call `then` once the connection is lost; None: not any more."""
        self._then = then
        if then is None:
            return
        self.flow.resume_reading()  # or a connection that is full would not be seen to end
        if self._left:
            then()

    def pause_writing(self) -> None:
        """The caller is behind: begin to count."""
        super().pause_writing()
        self._giving_up = self.loop.call_later(self.write_timeout, self.transport.abort)

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self._stop_counting()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, whoever ended it."""
        self._stop_counting()
        super().connection_lost(exc)
        # uvicorn tells the newest request only, which may still wait in line.
        if self._served is not None:
            self._served.transport = self.transport  # no head any more that could be joined
            self._served.disconnected = not self._served.response_complete
            self._served.message_event.set()
        self._left = True
        if self._then is not None:
            self._then()

    def send_400_response(self, msg: str) -> None:
        """Tell that this is no HTTP; within an answer it would be taken for a part of it."""
        if self._served and self._served.response_started and not self._served.response_complete:
            self.transport.abort()
        else:
            super().send_400_response(msg)

    def _should_upgrade(self) -> bool:
        """Whether the parser is about to stop for another protocol; uvicorn starts nothing then.

        llhttp stops at CONNECT, too, which no answer of ours can follow: that stays a 400.
        """
        return self.scope["method"] != "CONNECT"

    def _begin_again_without_the_offer(self) -> None:
        """Parse the head that the parser stopped behind once more, as one that offers nothing.

        All that decides where its body ends is checked again, by a parser that never stopped: one
        that did takes the body for the next request. The application sees the head as it was sent.
        """
        if self.scope["method"] == "CONNECT":  # nothing of it can be served, so it is no offer
            raise httptools.HttpParserInvalidMethodError("CONNECT")
        offered = self.headers
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.scope["method"].encode(), self.url, version)]
        lines += [b"%b: %b" % header for header in offered if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.parser.feed_data(b"\r\n".join([*lines, b"", b""]))
        self.headers[:] = offered

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def _stop_counting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None


class JoinedHead:
    """Stands before the wire until an answer has begun: head and first piece leave as one.

    Two writes are two packets, and wake the caller twice. A head that nothing follows in the same
    round of the loop leaves by itself in the next one.
    """

    __slots__ = ("_cycle", "_head", "_loop", "_wire", "is_closing")

    def __init__(self, cycle: RequestResponseCycle, loop: asyncio.AbstractEventLoop) -> None:
        self._cycle = cycle
        self._loop = loop
        self._wire = cycle.transport
        self._head = b""
        self.is_closing = cycle.transport.is_closing
        cycle.transport = cast("asyncio.Transport", self)

    def write(self, data: bytes) -> None:
        """The head, to be kept for a moment; or what follows it."""
        if self._head or not self._cycle.response_started:
            self._go_on(data)
        else:
            self._head = data
            self._loop.call_soon(self._go_on)

    def close(self) -> None:
        """End the connection once the head is on its way."""
        self._go_on()
        self._wire.close()

    def _go_on(self, data: bytes = b"") -> None:
        if self._cycle.transport is not self._wire:
            self._cycle.transport = self._wire
            self._wire.write(self._head + data)


def protocol(write_timeout: float) -> type[Protocol]:
    """The protocol with a patience of so many seconds."""
    return type("Protocol", (Protocol,), {"write_timeout": write_timeout})
