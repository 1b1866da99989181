"""Ends a request that misses a deadline of its rule: the call upstream is cancelled at once.

Rule 1  A request has one timer, however many pieces its answer has: it is set again only when it
        is due, from the last progress. A request without deadlines has none of this.
Rule 2  Progress is an event. Comments and pings keep a connection alive and are none. In an answer
        that is not a stream, or can't be read, it is any byte that is not blank.
Rule 3  Time in which the client does not take what has arrived counts for `total` alone.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from types import TracebackType

from ..errors import DeadlineMissed, FirstTokenMissed, StallMissed, TotalMissed
from ..openrouter.client import Upstream
from ..policy.deadlines import Deadlines, behind
from ..policy.route import Route
from ..policy.rule import named
from ..record.exchange import Exchange
from ..server.disconnect import while_caller_stays
from ..server.replies import error_event

_ERRORS: dict[str, type[DeadlineMissed]] = {
    "first_token": FirstTokenMissed,
    "stall": StallMissed,
    "total": TotalMissed,
}
_TOLD = {
    "first_token": "the answer did not begin within {} of sending the request",
    "stall": "the answer paused for more than {}",
    "total": "the answer was not complete within {} of the request's arrival",
}
_CANCELLED = "the request to OpenRouter was cancelled"


class Watch:
    """The deadlines of one request, and the block in which it is sent and its answer relayed.

    Raises `DeadlineMissed` where the block is, if a deadline passes inside it.
    """

    def __init__(
        self, route: Route, deadlines: Deadlines, exchange: Exchange, staying: while_caller_stays
    ) -> None:
        """`staying` is the block that ends when the caller leaves; entered and left with this."""
        self._loop = asyncio.get_running_loop()
        self._route = route
        self._deadlines = deadlines
        self._exchange = exchange
        self._staying = staying
        self._timer: asyncio.TimerHandle | None = None
        self._next = math.inf  # when the timer is due
        self._since = self._loop.time()  # the last progress, or sending
        self._ends = math.inf
        if deadlines.total is not None:
            passed = time.perf_counter() - exchange.arrival.began
            self._ends = self._since - passed + deadlines.total
        self._patience = _or_ever(deadlines.first_token)  # for the next progress
        self._begun = False  # the first token has come
        self._waiting = True  # for upstream, not for the client
        self._arrived = 0.0  # when the piece arrived that the client has yet to take
        self._events = 0
        self._sized = False  # the answer's length is declared, so nothing can be added

    def __enter__(self) -> None:
        if self._ends <= self._loop.time():  # before anything is sent
            raise self._missed("total", "nothing was sent to OpenRouter")
        self._staying.__enter__()
        self._set_timer()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if self._timer is not None:
            self._timer.cancel()
        return self._staying.__exit__(kind, error, trace)

    def following(self, upstream: Upstream) -> AsyncIterator[bytes]:
        """The answer's pieces, noting progress whenever the client has taken one."""
        self._sized = any(name.lower() == b"content-length" for name, _ in upstream.headers)
        return self._following(upstream)

    async def _following(self, upstream: Upstream) -> AsyncIterator[bytes]:
        async for chunk in upstream.chunks():
            self.arrived()
            yield chunk
            if not self._waiting:
                self.taken(chunk)
        self._waiting = False

    def arrived(self) -> None:
        """Note that a piece, or more of it, waits for the client to take it."""
        if self._waiting:
            self._waiting = False
            self._arrived = self._loop.time()

    def taken(self, chunk: bytes) -> None:
        """Note that the client has taken a piece, which was observed."""
        now = self._loop.time()
        waited = 0.0 if self._waiting else now - self._arrived
        self._waiting = True
        progress = self._is_progress(chunk)
        if progress and not self._begun and self._has_begun():
            self._begin()
        elif progress and self._begun:
            self._since = now
        else:
            self._since += waited
        if self._due < self._next:  # it has begun, or was due while the client did not read
            self._set_timer()

    def _begin(self) -> None:
        """Note that the answer has begun: from now on, it may not stall."""
        self._begun = True
        self._since = self._loop.time()
        self._patience = _or_ever(self._deadlines.stall)

    def _is_progress(self, chunk: bytes) -> bool:
        """Whether a piece has more than comments."""
        observer = self._exchange.answer.observer
        if observer is None or (events := observer.events) is None:
            return not chunk.isspace()
        if events == self._events:
            return observer.in_event
        self._events = events
        return True

    def _has_begun(self) -> bool:
        """Whether the answer has begun; only a stream has events, and not every kind has tokens."""
        answer, dialect = self._exchange.answer, self._exchange.arrival.dialect
        observer = answer.observer
        if observer is None or observer.events is None or observer.tokens_started:
            return True
        return dialect is not None and not dialect.tokens

    def _set_timer(self) -> None:
        """Have `_look` called when the next deadline is due."""
        if self._timer is not None:
            self._timer.cancel()
        self._next = min(self._ends, self._due)
        never = self._next == math.inf
        self._timer = None if never else self._loop.call_at(self._next, self._look)

    @property
    def _due(self) -> float:
        """When the next progress is due."""
        return self._since + self._patience if self._waiting else math.inf

    def _look(self) -> None:
        """Check whether a deadline has passed, or set the timer for the one that is next."""
        now = self._loop.time()
        if not self._begun and self._exchange.answer.first_token is not None:
            self._begin()  # its token was among more events than could be read at once
        if self._ends <= now:
            self._staying.end(self._missed("total"))
        elif self._due <= now:
            self._staying.end(self._missed("stall" if self._begun else "first_token"))
        else:
            self._set_timer()

    def _missed(self, which: str, effect: str = _CANCELLED) -> DeadlineMissed:
        """The error for a deadline, with the rule that sets it."""
        clauses = behind(getattr(self._deadlines, which), self._route.origins[which])
        error = _ERRORS[which](
            f"{_TOLD[which].format(clauses[0].value)}, which is the {which} of {named(clauses)}; "
            f"{effect}. Raise that deadline to wait longer"
        )
        error.last_words = self._last_words(error)
        return error

    def _last_words(self, error: DeadlineMissed) -> bytes:
        """The error as an event, if the client has a stream that ends between two events."""
        arrival, observer = self._exchange.arrival, self._exchange.answer.observer
        if observer is None or arrival.dialect is None:
            return b""
        if self._sized or not (self._waiting and observer.at_an_end):
            return b""
        return error_event(error, arrival.dialect, arrival.id, observer.events or 0)


def _or_ever(seconds: float | None) -> float:
    return math.inf if seconds is None else seconds
