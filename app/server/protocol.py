"""uvicorn's HTTP protocol with bounds.

- Data that is not yet a request, or a piece of its body, is bounded in bytes, lines and time; above
  a bound, an error is sent and the connection ends (T-62, T-65). See `bounds.py` and `ending.py`.
- Trailers of a chunked body are dropped: added to the headers, they would go upstream as headers.
- An offer to change protocols, such as `Upgrade: h2c`, is ignored, as RFC 9110 allows: the request
  is served over HTTP/1.1, with its body (T-54).
- A client that reads nothing is disconnected after a while (T-19).
- A request can register a callback for when its client disconnects. A client that only closes its
  own direction, right after its request, stays connected and gets its answer.
- The body of an answer can be written without ASGI messages; see `outlet.py`.
- If a request is refused before its body has arrived, the body is discarded, not kept.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from ..errors import MalformedRequest, RequestError, TargetTooLong
from .bounds import Bounds
from .connections import ALWAYS_SERVED, Connections, Place
from .disconnect import WHEN_LEFT
from .ending import Ending
from .outlet import OUTLET, Outlet
from .outright import turn_away

if TYPE_CHECKING:
    from starlette.types import Scope

# Parsed at a time if a request may end in it: one packet could hold thousands of requests.
_PIECE, _PIECE_OF_CHUNKS = 1024, 4096
_OVERHEAD = 16  # bytes of framing that one byte of a chunked body may cost


class Protocol(Ending):
    """One connection; `protocol()` creates the class with its bounds."""

    ahead = b""  # not yet parsed, since enough requests wait
    _lines = 0  # of the head, or of the trailers
    _declared = 0  # bytes of the body still to come, where its length is declared
    _asked_at = 0.0  # when the last request had arrived completely
    _half_closed = False
    _left = False
    _then: Callable[[], object] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended, on either side."""
        super().connection_lost(exc)
        # uvicorn informs only the newest request, which may still be queued.
        if self.served is not None:
            self.served.transport = self.transport  # there is no head left to join
            self.served.disconnected = not self.served.response_complete
            self.served.message_event.set()
            self._close_outlet(self.served)
        self._left = True
        if self._then is not None:
            self._then()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn has none that stays
        """The caller sends no more: it has disconnected, or only closed its own direction.

        The server can't distinguish the two. `nc -N` and some HTTP/1.0 clients close their
        direction with their request; a client that disconnects has usually waited for a while. If
        no callback is registered, since no upstream work is running, an answer can be attempted in
        any case.
        """
        if self.deaf or not (self._half_closed or self._may_still_listen()):
            return False
        self._half_closed = True
        self.cycle.keep_alive = False
        return True

    def _may_still_listen(self) -> bool:
        if self.in_head or self.in_body or self.ahead:
            return False
        if not self._asked_at or self.cycle.response_started:
            return False
        passed = self.loop.time() - self._asked_at
        return self._then is None or passed <= self.bounds.half_close_seconds

    def when_left(self, then: Callable[[], object] | None) -> None:
        """Call `then` once the connection is lost; None cancels the callback."""
        self._then = then
        if then is None:
            return
        if len(self.ahead) < self.bounds.head_bytes:
            self.flow.resume_reading()  # or the end of a full connection would go unnoticed
        if self._left:
            then()

    def data_received(self, data: bytes) -> None:
        """Parse the received data, as far as the bounds allow."""
        self._unset_keepalive_if_required()
        if self.deaf:
            self.progress += len(data)
        elif self.ahead:
            self.ahead += data
        else:
            self._take_in(data)

    def _take_in(self, data: bytes) -> None:
        """Parse piece by piece: heads in small pieces, bodies of a declared length whole."""
        rest = memoryview(data)
        while rest:
            if len(self.pipeline) >= self.bounds.ahead:
                self.ahead = bytes(rest)
                self.flow.pause_reading()
                break
            most = max(self._declared, _PIECE_OF_CHUNKS) if self.in_body else _PIECE
            piece = rest[:most]
            self.unfinished = max(self.unfinished, 0) + len(piece)
            try:
                rest = rest[self._parsed(piece) :]
            except httptools.HttpParserError as error:
                self.refuse(_meant_by(error))
                return
            if self.unfinished > self.bounds.head_bytes:
                self.refuse(self.head_too_large(f"{self.bounds.head_bytes / 1000:g} kB"))
                return
        if self.in_body:
            self.await_body()
        elif self.in_head or self.unfinished > 0:
            self.await_head()

    def _parsed(self, piece: memoryview) -> int:
        """How many bytes were parsed: an offer to upgrade stops the parser after its head."""
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as offer:
            self._begin_again_without_the_offer()
            return int(offer.args[0])
        return len(piece)

    def on_message_begin(self) -> None:
        """A request begins: it may register a callback for when its caller disconnects."""
        super().on_message_begin()
        self.in_head, self._lines, self._declared = True, 0, 0
        cast("Scope", self.scope)["extensions"] = {WHEN_LEFT: self.when_left}

    def on_url(self, url: bytes) -> None:
        """A piece of the path and query."""
        super().on_url(url)
        if len(self.url) > self.bounds.target_bytes:
            raise TargetTooLong(
                f"the request's path and query exceed {self.bounds.target_bytes} bytes; "
                "send parameters in the body"
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        """One line of the head; a line after the body is a trailer, and is dropped."""
        self._lines += 1
        if self._lines > self.bounds.head_lines:
            raise self.head_too_large(f"{self.bounds.head_lines} lines")
        if self.in_head:
            super().on_header(name, value)
            if self.headers[-1][0] == b"content-length" and value.isdigit():
                self._declared = int(value)

    def on_headers_complete(self) -> None:
        """The request's head is complete, and the request is about to be served."""
        if self.parser.get_method() == b"CONNECT":
            raise MalformedRequest("CONNECT is not supported; send the request to Pointsman itself")
        super().on_headers_complete()
        self.in_head, self.in_body = False, True
        self.unfinished = self._lines = 0
        self.stop_waiting()
        if self._then is not None and len(self.pipeline) < self.bounds.ahead:
            self.flow.resume_reading()  # paused for a request that has to wait its turn

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self.unfinished -= _OVERHEAD * len(body)
        self.progress += len(body)
        self._declared -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self.in_body, self.unfinished = False, 0
        self._asked_at = self.loop.time()
        self.stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A request has been answered: parse the data that has been waiting."""
        if self.served is not None:
            self._close_outlet(self.served)
        super().on_response_complete()
        if self.ahead and not self.deaf and not self.transport.is_closing():
            ahead, self.ahead = self.ahead, b""
            self._take_in(ahead)

    def _should_upgrade(self) -> bool:
        """Whether the parser is about to stop for another protocol; uvicorn starts nothing then.

        llhttp also stops at CONNECT, which Pointsman can't answer: that stays a 400.
        """
        return self.scope["method"] != "CONNECT"

    def _begin_again_without_the_offer(self) -> None:
        """Parse the head at which the parser stopped once more, without its offer.

        All that decides where its body ends is checked again, by a new parser: one that has stopped
        treats the body as the next request. The application sees the head as it was sent.
        """
        if self.scope["method"] == "CONNECT":  # it can't be served, so it is not an offer
            raise httptools.HttpParserInvalidMethodError("CONNECT")
        offered = self.headers
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.scope["method"].encode(), self.url, version)]
        lines += [b"%b: %b" % header for header in offered if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.parser.feed_data(b"\r\n".join([*lines, b"", b""]))
        self.headers[:] = offered

    def _close_outlet(self, cycle: RequestResponseCycle) -> None:
        """Let go of it: it refers to its request, so the two would wait for the collector."""
        cast("Scope", cycle.scope)["extensions"].pop(OUTLET, None)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.served = cycle
        outlet = Outlet(cycle, self.flow, self.loop, when_free=self.when_free, drop=self.drop)
        cast("Scope", cycle.scope)["extensions"][OUTLET] = outlet
        if self.place is Place.HEALTH_ONLY and cycle.scope["path"] not in ALWAYS_SERVED:
            self.counted.turned_away["connections_full"] += 1
            app = turn_away
        super()._start_asgi_task(cycle, app)


def protocol(bounds: Bounds, connections: Connections) -> type[Protocol]:
    """The protocol of connections limited by `bounds` and counted in `connections`."""
    return type("Protocol", (Protocol,), {"bounds": bounds, "counted": connections})


def _meant_by(error: httptools.HttpParserError) -> RequestError:
    """The error that one of our callbacks raised inside the parser, else `MalformedRequest`."""
    if isinstance(error.__context__, RequestError):
        return error.__context__
    return MalformedRequest(
        "the data on this connection is not an HTTP request; use HTTP/1.1 without TLS"
    )
