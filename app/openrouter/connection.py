"""One connection to upstream: sends a request and receives its answer piece by piece.

Rule 1  One request at a time; data that arrives while none is in progress closes the connection.
Rule 2  The only wait is for `news`, from upstream; a task that is cancelled while waiting calls
        `abort`, which leaves no socket, timer or task behind.
Rule 3  Held data is bounded: beyond a limit, reading pauses until it is taken.
Rule 4  While an answer is poured into a sink, the data of each read goes there at once. Its end,
        however it comes, wakes the waiting task, which takes the rest and learns of an error.
"""

import asyncio
import select
from typing import cast

from .answer_reader import AnswerReader
from .transport import Sink, TransportError, TransportTimeout

_MOST_HELD = 256 * 1024
_WORTH_JOINING = 64 * 1024  # up to here a copy costs less than a second buffer


class Connection(asyncio.Protocol):
    """An asyncio protocol that performs one exchange after another."""

    __slots__ = (
        "_aborted",
        "_error",
        "_heard",
        "_loop",
        "_paused",
        "_read_timeout",
        "_readable",
        "_reader",
        "_sink",
        "_sink_is_full",
        "_unsent",
        "_waiter",
        "_watch",
        "_wire",
        "idle_since",
    )

    def __init__(self, *, read_timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._read_timeout = read_timeout
        self._wire: asyncio.Transport | None = None
        self._readable: select.poll | None = None
        self._reader: AnswerReader | None = None
        self._sink: Sink | None = None
        self._sink_is_full = False
        self._error: TransportError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._heard = 0.0
        self._unsent = 0
        self._watch: asyncio.TimerHandle | None = None
        self._aborted = False
        self.idle_since = 0.0

    async def ask(self, head: bytes, body: bytes, *, to_head: bool) -> AnswerReader:
        """Send a request and wait for the head of its answer. Raises `TransportError`."""
        self._reader = reader = AnswerReader(to_head=to_head)
        wire = cast("asyncio.Transport", self._wire)
        if len(body) <= _WORTH_JOINING:
            wire.write(head + body)
        else:
            wire.writelines((head, body))
        self._unsent = wire.get_write_buffer_size()
        self._heard = self._loop.time()
        if self._watch is None:
            self._watch = self._loop.call_at(self._heard + self._read_timeout, self._check)
        while not reader.has_head:
            await self.news()
        return reader

    def news(self) -> asyncio.Future[None]:
        """A future for the next event. Raises the connection's error if it has already failed."""
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        return self._waiter

    def pour(self, sink: Sink) -> asyncio.Future[None]:
        """Pass the body on to `sink`; returns a future for its end, or for the sink's error."""
        self._waiter = waiter = self._loop.create_future()
        if self._error is None:
            self._sink, self._sink_is_full = sink, False  # or its first answer will say so
            self._go_on()
        else:
            waiter.set_result(None)
        return waiter

    def take(self, reader: AnswerReader) -> bytes:
        """The part of the body received so far, as one piece; resumes paused reading."""
        taken = reader.take()
        if self._paused:
            self._resume()
        return taken

    def done(self, reader: AnswerReader) -> bool:
        """End the exchange; if the connection can't serve another one, close it, return False."""
        self._reader = self._sink = None
        reader.drop()
        unsent = self._wire.get_write_buffer_size() if self._wire else 0
        if reader.reusable and self.is_open() and not (reader.held or self._paused or unsent):
            return True
        self.abort()
        return False

    def is_open(self) -> bool:
        """Whether the connection can, as far as is known, serve a request."""
        return self._error is None and self._wire is not None and not self._wire.is_closing()

    def is_quiet(self) -> bool:
        """Whether the socket has nothing to read: on an idle one, data means that it has ended.

        Checked right before a request is sent, because the loop may not have noticed yet.
        """
        return self._readable is None or not self._readable.poll(0)

    def abort(self) -> None:
        """Close the socket now, even during an exchange."""
        self._aborted = True
        self._reader = self._sink = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._wire is not None:
            self._wire.abort()

    # --- called by the loop ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, unless the connection was aborted meanwhile."""
        self._wire = cast("asyncio.Transport", transport)
        if self._aborted:
            self._wire.abort()
        elif hasattr(select, "poll"):
            self._readable = select.poll()
            self._readable.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Continue reading the answer, and pass its body on or wake the waiting task."""
        reader = self._reader
        if reader is None:
            self.abort()
            return
        self._heard = self._loop.time()
        try:
            reader.feed(data)
        except TransportError as error:
            self._fail(error)
            return
        if self._sink is None or reader.complete:
            self._wake()
        elif reader.held:
            self._pass_on(reader, self._sink)
        if reader.held > _MOST_HELD and not (self._paused or reader.complete):
            self._paused = True
            cast("asyncio.Transport", self._wire).pause_reading()

    def eof_received(self) -> None:
        """Upstream sends no more data: a half-closed connection is closed."""
        self._ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake the waiting task with the error, unless `eof_received` has done so."""
        self._ended(exc or ConnectionError("the connection was closed"))
        self._wire = None

    # --- within ---------------------------------------------------------------------------------

    def _pass_on(self, reader: AnswerReader, sink: Sink) -> None:
        """Have the sink take what is held, if it has room and its task is not being cancelled."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if self._sink_is_full and not sink.has_room(self._go_on):
            return
        try:
            self._sink_is_full = not sink.take(reader.take())
        except Exception as error:  # noqa: BLE001 - raised in the task, not into the event loop
            self._sink = self._waiter = None
            waiter.set_exception(error)

    def _go_on(self) -> None:
        """The sink has room again."""
        if self._reader is None or self._sink is None:
            return
        self._heard = self._loop.time()  # the silence so far was on our side
        if self._reader.held:
            self._pass_on(self._reader, self._sink)
        if self._paused:
            self._resume()

    def _wake(self) -> None:
        self._sink = None
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _ended(self, why: Exception | None) -> None:
        reader = self._reader
        if reader is not None:
            reader.reusable = False
            try:
                reader.end(clean=why is None)
            except TransportError as error:
                self._error = self._error or error
        self._error = self._error or TransportError("the connection was closed")
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._wake()

    def _fail(self, error: TransportError) -> None:
        self._error = self._error or error
        if self._wire is not None:
            self._wire.abort()
        self._wake()

    def _resume(self) -> None:
        self._paused = False
        self._heard = self._loop.time()  # the silence so far was on our side
        if self._wire is not None:
            self._wire.resume_reading()

    def _check(self) -> None:
        """Check whether upstream has been silent too long; one timer, not one for each read."""
        self._watch = None
        if self._reader is None or self._wire is None:
            return
        now, unsent = self._loop.time(), self._wire.get_write_buffer_size()
        if self._waiter is None or self._reader.held or unsent < self._unsent:
            self._heard = now  # we do not wait, or upstream is still reading the request
        self._unsent = unsent
        due = self._heard + self._read_timeout
        if due <= now:
            self._fail(TransportTimeout(f"no data for {self._read_timeout:g} s"))
        else:
            self._watch = self._loop.call_at(due, self._check)
