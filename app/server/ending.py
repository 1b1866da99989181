"""How Pointsman ends a connection: too much or too little has arrived, or the client does not read.

An error is sent if it can't be mistaken for a part of another answer. Then our direction is closed,
and data that still arrives is discarded for a while.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ..errors import HeadTooLarge, RequestError, RequestTimeout
from .body import BROKEN
from .bounds import Bounds
from .connections import Connections, Place
from .outright import refusal
from .waiting import Waiting

if TYPE_CHECKING:
    from collections import deque

    from starlette.types import Scope


class Ending(HttpToolsProtocol):
    """uvicorn's protocol with places, deadlines and refusals; `Protocol` decides when."""

    bounds: ClassVar[Bounds]
    counted: ClassVar[Connections]

    url = b""  # before the first request, too
    place = Place.SERVED
    in_head = False  # between the first byte of a request and the end of its head
    in_body = False  # from there to its last byte
    unfinished = 0  # bytes that have become neither a head nor a body
    progress = 0  # bytes of the body since the deadline was set
    deaf = False  # all incoming data is discarded
    served: RequestResponseCycle | None = None  # the request whose turn it is
    _deadline: asyncio.TimerHandle | None = None  # for data awaited from the caller
    _giving_up: asyncio.TimerHandle | None = None  # for data that the caller has to read
    _freed: Callable[[], object] | None = None  # called once the caller has read it

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.pipeline = cast("deque[Any]", Waiting())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected: check whether there is a place."""
        super().connection_made(cast("asyncio.Transport", transport))
        self.place = self.counted.opened(_descriptor(transport))
        if self.place is Place.NONE:
            self.counted.turned_away["connections_full"] += 1
            self.deaf = True
            self.transport.abort()
        else:
            self.await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended, on either side."""
        self.counted.closed()
        self._stop_counting()
        self.stop_waiting()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    @property
    def is_answering(self) -> bool:
        """Whether a request waits for its answer, or for the rest of it."""
        return self.served is not None and not self.served.response_complete

    # --- deadlines ------------------------------------------------------------------------------

    def await_head(self) -> None:
        """Start the deadline for a head that has yet to arrive."""
        self._await(self.bounds.head_seconds, self._head_is_late)

    def await_body(self) -> None:
        """Start the deadline for a body, and renew it as long as the body makes progress."""
        self._await(self.bounds.body_seconds, self._body_may_be_late)

    def stop_waiting(self) -> None:
        """Cancel the deadline: the awaited data has arrived."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _await(self, seconds: float, then: Callable[[], object]) -> None:
        """Call `then` after so many seconds, unless a deadline is already running."""
        if self._deadline is None:
            self.progress = 0
            self._deadline = self.loop.call_later(seconds, self._late, then)

    def _late(self, then: Callable[[], object]) -> None:
        self._deadline = None
        then()

    def _head_is_late(self) -> None:
        if self.is_answering:
            self.await_head()
        elif self.in_head or self.unfinished > 0:
            self.refuse(
                RequestTimeout(
                    f"the request head did not arrive within {self.bounds.head_seconds:g} "
                    "seconds; raise POINTSMAN_HEAD_TIMEOUT"
                )
            )
        else:
            self.transport.close()  # it sent no request, so it awaits no answer

    def _body_may_be_late(self) -> None:
        waited_for = not self.flow.read_paused and self.served is self.cycle
        if not waited_for or self.progress >= self.bounds.body_progress:
            self.await_body()
            return
        self.refuse(
            RequestTimeout(
                f"less than {self.bounds.body_progress} bytes of the request's body arrived within "
                f"{self.bounds.body_seconds:g} seconds; raise POINTSMAN_BODY_TIMEOUT"
            )
        )

    # --- excess ---------------------------------------------------------------------------------

    def head_too_large(self, bound: str) -> HeadTooLarge:
        """The error for a head, or framing between chunks, that is longer than `bound`."""
        return HeadTooLarge(
            f"the head of the request is over {bound} long; POINTSMAN_MAX_HEAD_KB and "
            "POINTSMAN_MAX_HEADERS set the limits"
        )

    def refuse(self, error: RequestError) -> None:
        """Stop reading, and send the error if it can't be mistaken for part of another answer."""
        self.deaf = True
        self.stop_waiting()
        if not self.is_answering:
            self.counted.turned_away[error.code] += 1
        elif self.in_body and self.served is self.cycle and not self.cycle.response_started:
            # The reader of the body gets the reason why it ended, and files a receipt.
            cast("Scope", self.scope)["extensions"][BROKEN] = error
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        else:
            self.transport.abort()
            return
        self.transport.write(refusal(error, self.url, self.headers))
        self.drop()

    def drop(self) -> None:
        """Close our direction and discard data that still arrives.

        Closing at once could lose the answer just sent: the system reports a broken connection to a
        caller that is still sending, and the caller may never read the answer.
        """
        if self.transport.is_closing():
            return
        self.deaf = True
        self.stop_waiting()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._await_end(self.loop.time() + self.bounds.drop_longest_seconds)

    def _await_end(self, until: float) -> None:
        def look() -> None:
            if self.progress and self.loop.time() < until:
                self._await_end(until)
            else:
                self.transport.abort()

        self._await(self.bounds.drop_seconds, look)

    # --- unread answers -------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """The caller reads too slowly: start the deadline.

        Otherwise it could hold a paid stream from upstream open for ever (T-19). An ordinary close
        would wait until the unread bytes are read, so the connection is aborted; the application
        sees this as a client disconnect.
        """
        super().pause_writing()
        self._giving_up = self.loop.call_later(self.bounds.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self._stop_counting()
        super().resume_writing()
        freed, self._freed = self._freed, None
        if freed is not None:
            freed()

    def when_free(self, then: Callable[[], object]) -> None:
        """Call `then` once the caller has caught up, in place of an earlier one."""
        self._freed = then

    def _stop_counting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None


def _descriptor(transport: asyncio.BaseTransport) -> int:
    sock = transport.get_extra_info("socket")
    return -1 if sock is None else int(sock.fileno())
