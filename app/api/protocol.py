"""uvicorn's HTTP protocol, held to bounds.

- What has not become a request, or a piece of one's body, is bounded in bytes, lines and time; what
  is over gets an error and the connection ends (T-62, T-65). See `bounds.py`, `connections.py`.
- Trailers of a chunked body are dropped: joined to the headers, they would go upstream as such.
- An offer to change protocols, such as `Upgrade: h2c`, is ignored, as RFC 9110 allows: the request
  is served over HTTP/1.1, with its body (T-54).
- A client that reads nothing is disconnected after a while (T-19).
- A request can ask to be told when its client leaves. One that has only closed its own direction,
  right after its request, stays and gets its answer.
- Of a request that is refused before its body is here, the body is thrown away, not kept.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.api.body import BROKEN
from app.api.bounds import Bounds
from app.api.connections import ALWAYS_SERVED, Connections, Place
from app.api.joined_head import JoinedHead
from app.api.outright import refusal, turn_away
from app.api.staying import WHEN_LEFT
from app.errors import (
    HeadTooLarge,
    MalformedRequest,
    RequestError,
    RequestTimeout,
    TargetTooLong,
)

if TYPE_CHECKING:
    from starlette.types import Scope

# Parsed at a time, where a request may end: one packet could hold thousands of them.
_PIECE, _PIECE_OF_CHUNKS = 1024, 4096
_OVERHEAD = 16  # bytes of framing that one byte of a chunked body may cost


class Protocol(HttpToolsProtocol):
    """One connection; `protocol()` makes the class with its bounds."""

    bounds: ClassVar[Bounds] = Bounds()
    counted: ClassVar[Connections] = Connections()

    url = b""  # before the first request, too
    _place = Place.SERVED
    _deadline: asyncio.TimerHandle | None = None  # for what is awaited of the caller
    _giving_up: asyncio.TimerHandle | None = None  # for what the caller is to read
    _in_head = False  # between the first byte of a request and the end of its head
    _in_body = False  # from there to its last byte
    _unfinished = 0  # bytes that have become neither a head nor a body
    _lines = 0  # of the head, or of the trailers
    _declared = 0  # bytes of the body still to come, where its length is declared
    _progress = 0  # bytes of the body since the deadline was set
    _asked_at = 0.0  # when the last request was here in full
    _deaf = False  # whatever comes is thrown away
    _half_closed = False
    _left = False
    ahead = b""  # not yet parsed, since enough requests wait
    _served: RequestResponseCycle | None = None  # the request whose turn it is
    _then: Callable[[], object] | None = None

    # --- a connection begins and ends -----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected: see whether there is a place."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._place = self.counted.opened(_descriptor(transport))
        if self._place is Place.NONE:
            self.counted.turned_away["connections_full"] += 1
            self._deaf = True
            self.transport.abort()
        else:
            self._await(self.bounds.head_seconds, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, whoever ended it."""
        self.counted.closed()
        self._stop_counting()
        self._stop_waiting()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        # uvicorn tells the newest request only, which may still wait in line.
        if self._served is not None:
            self._served.transport = self.transport  # no head any more that could be joined
            self._served.disconnected = not self._served.response_complete
            self._served.message_event.set()
        self._left = True
        if self._then is not None:
            self._then()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn has none that stays
        """The caller sends no more: it has left, unless it did so right after its request.

        From here one looks like the other. Who leaves has mostly waited for a while before, and
        `nc -N` and some clients of HTTP/1.0 close their direction with the request.
        """
        if self._deaf or not (self._half_closed or self._has_only_just_asked()):
            return False
        self._half_closed = True
        self.cycle.keep_alive = False
        return True

    def _has_only_just_asked(self) -> bool:
        if self._in_head or self._in_body or self.ahead:
            return False
        waits = self._asked_at > 0 and not self.cycle.response_started
        return waits and self.loop.time() - self._asked_at <= self.bounds.half_close_seconds

    def when_left(self, then: Callable[[], object] | None) -> None:
        """Call `then` once the connection is lost; None: not any more."""
        self._then = then
        if then is None:
            return
        if len(self.ahead) < self.bounds.head_bytes:
            self.flow.resume_reading()  # or a connection that is full would not be seen to end
        if self._left:
            then()

    # --- what arrives ---------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, as far as it may be."""
        self._unset_keepalive_if_required()
        if self._deaf:
            self._progress += len(data)
        elif self.ahead:
            self.ahead += data
        else:
            self._take_in(data)

    def _take_in(self, data: bytes) -> None:
        """Parse piece by piece: heads in small ones, bodies of a declared length whole."""
        rest = memoryview(data)
        while rest:
            if len(self.pipeline) >= self.bounds.ahead:
                self.ahead = bytes(rest)
                self.flow.pause_reading()
                break
            most = max(self._declared, _PIECE_OF_CHUNKS) if self._in_body else _PIECE
            piece = rest[:most]
            self._unfinished = max(self._unfinished, 0) + len(piece)
            try:
                rest = rest[self._parsed(piece) :]
            except httptools.HttpParserError as error:
                self._refuse(_meant_by(error))
                return
            if self._unfinished > self.bounds.head_bytes:
                self._refuse(self._head_too_large(f"{self.bounds.head_bytes / 1000:g} kB"))
                return
        if self._in_body:
            self._await(self.bounds.body_seconds, self._body_may_be_late)
        elif self._in_head or self._unfinished > 0:
            self._await(self.bounds.head_seconds, self._head_is_late)

    def _parsed(self, piece: memoryview) -> int:
        """How many bytes were parsed: an offer to upgrade stops the parser behind its head."""
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as offer:
            self._begin_again_without_the_offer()
            return int(offer.args[0])
        return len(piece)

    def on_message_begin(self) -> None:
        """A request begins: it may ask to be told when its caller leaves."""
        super().on_message_begin()
        self._in_head, self._lines, self._declared = True, 0, 0
        cast("Scope", self.scope)["extensions"] = {WHEN_LEFT: self.when_left}

    def on_url(self, url: bytes) -> None:
        """A piece of the path and query."""
        super().on_url(url)
        if len(self.url) > self.bounds.target_bytes:
            raise TargetTooLong(
                f"the path and query of the request are over {self.bounds.target_bytes} bytes long"
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        """One line of the head; one behind the body is a trailer, and dropped."""
        self._lines += 1
        if self._lines > self.bounds.head_lines:
            raise self._head_too_large(f"{self.bounds.head_lines} lines")
        if self._in_head:
            super().on_header(name, value)
            if self.headers[-1][0] == b"content-length" and value.isdigit():
                self._declared = int(value)

    def on_headers_complete(self) -> None:
        """The request's head is here, and it is about to be served."""
        before = self.cycle
        super().on_headers_complete()
        self._in_head, self._in_body = False, True
        self._unfinished = self._lines = 0
        self._stop_waiting()
        if self.cycle is not before:
            JoinedHead(self.cycle, self.loop, self._drop)
        if self._then is not None and len(self.pipeline) < self.bounds.ahead:
            self.flow.resume_reading()  # paused for a request that has to wait its turn

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._unfinished -= _OVERHEAD * len(body)
        self._progress += len(body)
        self._declared -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is here in full."""
        self._in_body, self._unfinished = False, 0
        self._asked_at = self.loop.time()
        self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A request has been answered: parse what has been waiting for that."""
        super().on_response_complete()
        if self.ahead and not self._deaf and not self.transport.is_closing():
            ahead, self.ahead = self.ahead, b""
            self._take_in(ahead)

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
        if self._place is Place.HEALTH_ONLY and cycle.scope["path"] not in ALWAYS_SERVED:
            self.counted.turned_away["connections_full"] += 1
            app = turn_away
        super()._start_asgi_task(cycle, app)

    # --- what is late, or too much --------------------------------------------------------------

    def _head_too_large(self, bound: str) -> HeadTooLarge:
        return HeadTooLarge(
            f"the head of the request is over {bound} long; POINTSMAN_MAX_HEAD_KB and "
            "POINTSMAN_MAX_HEADERS set the limits"
        )

    def _head_is_late(self) -> None:
        if self._is_answering:
            self._await(self.bounds.head_seconds, self._head_is_late)
        elif self._in_head or self._unfinished > 0:
            self._refuse(
                RequestTimeout(
                    f"the head of the request did not arrive within {self.bounds.head_seconds:g} "
                    "seconds; POINTSMAN_HEAD_TIMEOUT sets the limit"
                )
            )
        else:
            self.transport.close()  # it never asked for anything, so it awaits no answer

    def _body_may_be_late(self) -> None:
        waited_for = not self.flow.read_paused and self._served is self.cycle
        if not waited_for or self._progress >= self.bounds.body_progress:
            self._await(self.bounds.body_seconds, self._body_may_be_late)
            return
        self._refuse(
            RequestTimeout(
                f"less than {self.bounds.body_progress} bytes of the request's body arrived within "
                f"{self.bounds.body_seconds:g} seconds; POINTSMAN_BODY_TIMEOUT sets the limit"
            )
        )

    @property
    def _is_answering(self) -> bool:
        return self._served is not None and not self._served.response_complete

    def _refuse(self, error: RequestError) -> None:
        """Take in no more, and say why where that can't be taken for a part of another answer."""
        self._deaf = True
        self._stop_waiting()
        if not self._is_answering:
            self.counted.turned_away[error.code] += 1
        elif self._in_body and self._served is self.cycle and not self.cycle.response_started:
            # Who reads the body finds out why there is no more of it, and files a receipt.
            cast("Scope", self.scope)["extensions"][BROKEN] = error
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        else:
            self.transport.abort()
            return
        self.transport.write(refusal(error, self.url, self.headers))
        self._drop()

    def _drop(self) -> None:
        """End our direction and throw away what still comes.

        To close at once would take back what was just sent: the system tells a caller that is
        still sending that the connection is broken, and it may never read our answer.
        """
        if self.transport.is_closing():
            return
        self._deaf = True
        self._stop_waiting()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._await_end(self.loop.time() + self.bounds.drop_longest_seconds)

    def _await_end(self, until: float) -> None:
        def look() -> None:
            if self._progress and self.loop.time() < until:
                self._await_end(until)
            else:
                self.transport.abort()

        self._await(self.bounds.drop_seconds, look)

    def _await(self, seconds: float, then: Callable[[], object]) -> None:
        """Call `then` after so long, unless something is being waited for already."""
        if self._deadline is None:
            self._progress = 0
            self._deadline = self.loop.call_later(seconds, self._late, then)

    def _late(self, then: Callable[[], object]) -> None:
        self._deadline = None
        then()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # --- a caller that does not read ------------------------------------------------------------

    def pause_writing(self) -> None:
        """The caller is behind: begin to count.

        It would hold a stream from upstream, and its money, for ever (T-19). Closing in the
        ordinary way would wait for the unread bytes to be taken, so the connection is aborted; to
        the application it looks as if the caller had left.
        """
        super().pause_writing()
        self._giving_up = self.loop.call_later(self.bounds.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self._stop_counting()
        super().resume_writing()

    def _stop_counting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None


def protocol(bounds: Bounds, connections: Connections) -> type[Protocol]:
    """The protocol of connections that are held to `bounds` and counted in `connections`."""
    return type("Protocol", (Protocol,), {"bounds": bounds, "counted": connections})


def _descriptor(transport: asyncio.BaseTransport) -> int:
    sock = transport.get_extra_info("socket")
    return -1 if sock is None else int(sock.fileno())


def _meant_by(error: httptools.HttpParserError) -> RequestError:
    """What one of our own callbacks raised inside the parser, or that this is no HTTP."""
    if isinstance(error.__context__, RequestError):
        return error.__context__
    return MalformedRequest("what arrived on this connection is not an HTTP request")
