"""Takes receipts from the hot path and writes them elsewhere, later.

Rule 1  `submit` never blocks and never raises: the queue is bounded, what does not fit is counted.
Rule 2  One thread writes, in batches. A batch that fails is kept and tried again with growing
        pauses, so that a disk that was full or a database that was away is caught up with.
Rule 3  A receipt is written within a quarter of a second when the store is well.
Rule 4  What need not be kept is taken out once a minute, a little between two batches.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from app.ledger.receipt import Receipt

log = logging.getLogger("pointsman")

_FLUSH_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_BATCH = 500
_TIDY_SECONDS = 60.0


class Sink(Protocol):
    """Where batches go: the store, or a stand-in."""

    def write(self, receipts: list[Receipt], /) -> None:
        """Write a batch. Raises `LedgerError`."""

    def tidy(self) -> bool:
        """Take out a little of what need not be kept; whether there may be more."""
        ...

    def close(self) -> None:
        """Let go of everything."""


class Writer:
    """A bounded queue with one writing thread behind it.

    The store is opened in that thread: starting to serve does not wait for it.
    """

    def __init__(self, open_sink: Callable[[], Sink], *, capacity: int = 10_000) -> None:
        self._open_sink = open_sink
        self._capacity = capacity
        self._queue: deque[Receipt] = deque()
        self._closing = threading.Event()
        self._give_up_at: float | None = None
        self._tidy_at = 0.0
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self.dropped = 0
        self.error: str | None = None

    @property
    def pending(self) -> int:
        """Receipts that wait to be written."""
        return len(self._queue)

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def submit(self, receipt: Receipt) -> None:
        """Hand over one receipt; a few microseconds, whatever the store does."""
        if len(self._queue) >= self._capacity:
            self.dropped += 1
            return
        self._queue.append(receipt)

    def close(self, timeout: float = 10.0) -> None:
        """Write all that waits, for at most `timeout` seconds, and stop."""
        self._give_up_at = time.monotonic() + timeout
        self._closing.set()
        self._thread.join(timeout + 1)
        if self._queue:
            log.error("%d receipts could not be written: %s", len(self._queue), self.error)

    def _run(self) -> None:
        sink: Sink | None = None
        pause = _FLUSH_SECONDS
        while not self._is_done():
            self._closing.wait(pause)
            try:
                sink = sink or self._open_sink()
                self._flush(sink)
                self._tidy(sink)
            except Exception as error:  # noqa: BLE001 - this thread's outermost door
                self._note(str(error) or type(error).__name__)
                pause = min(max(pause, _FLUSH_SECONDS) * 2, _LONGEST_PAUSE_SECONDS)
                if self._closing.is_set():
                    time.sleep(_FLUSH_SECONDS)
            else:
                self._note(None)
                pause = _FLUSH_SECONDS
        if sink is not None:
            sink.close()

    def _is_done(self) -> bool:
        if not self._closing.is_set():
            return False
        late = self._give_up_at is not None and time.monotonic() >= self._give_up_at
        return late or not self._queue

    def _flush(self, sink: Sink) -> None:
        """Write what waits; a batch leaves the queue only once it is written."""
        while self._queue:
            batch = [self._queue[index] for index in range(min(_BATCH, len(self._queue)))]
            sink.write(batch)
            for _ in batch:
                self._queue.popleft()

    def _tidy(self, sink: Sink) -> None:
        if not self._closing.is_set() and time.monotonic() >= self._tidy_at:
            more = sink.tidy()
            self._tidy_at = time.monotonic() + (0.0 if more else _TIDY_SECONDS)

    def _note(self, error: str | None) -> None:
        if error != self.error:
            if error is None:
                log.warning("the ledger is well again")
            else:
                log.error("%s; receipts wait in memory", error)
        self.error = error
