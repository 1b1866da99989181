"""Takes receipts from the hot path and writes them later, in another thread.

Rule 1  `submit` never blocks and never raises: the queue is bounded in receipts and in bytes, and
        receipts that do not fit are counted.
Rule 2  One thread writes, in batches. A batch that fails is kept and retried with growing pauses,
        so that the writer catches up after a full disk or an unavailable database.
Rule 3  A receipt is written within a quarter of a second when the store works. Once one has waited
        for seconds, that is an error, even if the store itself reports none.
Rule 4  The listing that a receipt was judged by goes with it, unless it was written lately.
Rule 5  A late cost is written after every receipt that was submitted before it.
Rule 6  Rows that need not be kept are deleted once a minute, a few between two batches, by a
        process that has the duty of it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Protocol, TypeVar

from ..errors import reason_of
from .bounds import weight_of
from .late import LateCost
from .listed import Listed, Noted
from .receipt import Receipt

log = logging.getLogger("pointsman")
Row = TypeVar("Row")

MOST_WAITING = 10_000
MOST_BYTES_WAITING = 64_000_000
MOST_COSTS_WAITING = 1_000
PATIENCE_SECONDS = 5.0

_FLUSH_SECONDS = 0.1
_LOOK_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
_BATCH = 500
_TIDY_SECONDS = 60.0
_SILENT = "a receipt has waited {:g} s for the ledger; the database is slow or does not respond"


class Sink(Protocol):
    """The destination of batches: the store, or a stand-in."""

    def write(self, receipts: list[Receipt], /) -> int:
        """Write a batch; return how many receipts can't be kept. Raises `LedgerError`."""
        ...

    def note_listings(self, listed: list[Listed], /) -> None:
        """Keep listings that receipts are judged by. Raises `LedgerError`."""
        ...

    def note_costs(self, costs: list[LateCost], /) -> None:
        """Add costs to receipts that have none. Raises `LedgerError`."""
        ...

    def tidy(self) -> bool:
        """Delete a few rows that need not be kept; return whether there may be more."""
        ...

    def close(self) -> None:
        """Release all resources."""


class _Waiting(NamedTuple):
    receipt: Receipt
    since: float  # by the monotonic clock
    weight: int  # bytes, approximately
    listed: Listed | None  # None: not needed, or written lately


class Writer:
    """A bounded queue with one writing thread, and one thread that checks that it keeps writing.

    The store is opened in the writing thread: start-up does not wait for it.
    """

    def __init__(
        self,
        open_sink: Callable[[], Sink],
        *,
        capacity: int = MOST_WAITING,
        capacity_bytes: int = MOST_BYTES_WAITING,
        patience: float = PATIENCE_SECONDS,
        on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        """`on_duty` returns whether it is this process that deletes."""
        self._open_sink = open_sink
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._patience = patience
        self._on_duty = on_duty
        self._queue: deque[_Waiting] = deque()
        self._costs: deque[tuple[LateCost, float]] = deque()  # and since when they wait
        self._closing = threading.Event()
        self._give_up_at: float | None = None
        self._tidy_at = 0.0
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._watch = threading.Thread(target=self._look, name="ledger-watch", daemon=True)
        self._failure: str | None = None
        self.has_tried = False  # whether the ledger was opened, or could not be
        self._told: str | None = None
        self._telling = threading.Lock()
        # Each is changed by one thread only: the first three by the thread that submits receipts,
        # the others by the thread that writes them.
        self._noted = Noted()
        self._put_bytes = 0
        self._overflowed = 0
        self._taken_bytes = 0
        self._unkept = 0

    @property
    def pending(self) -> int:
        """The number of receipts waiting to be written."""
        return len(self._queue)

    @property
    def pending_bytes(self) -> int:
        """The approximate memory that they take."""
        return self._put_bytes - self._taken_bytes

    @property
    def oldest_waiting_seconds(self) -> float:
        """The longest time that a receipt or a late cost has waited."""
        now = time.monotonic()
        since = [now]
        with suppress(IndexError):
            since.append(self._queue[0].since)
        with suppress(IndexError):
            since.append(self._costs[0][1])
        return now - min(since)

    def has_written(self, since: float) -> bool:
        """Whether all that was submitted more than `since` seconds ago is written or dropped."""
        return self.oldest_waiting_seconds < since or not (self._queue or self._costs)

    @property
    def dropped(self) -> int:
        """Receipts that are lost: the queue was full, or the ledger can't store their values."""
        return self._overflowed + self._unkept

    @property
    def error(self) -> str | None:
        """The reason why receipts can't be written now; None if they can."""
        if self._failure is not None:
            return self._failure
        silent = self.oldest_waiting_seconds >= self._patience
        return _SILENT.format(self._patience) if silent else None

    def start(self) -> None:
        """Start writing."""
        self._thread.start()
        self._watch.start()

    def submit(self, receipt: Receipt, listed: Listed | None = None) -> None:
        """Queue one receipt; takes a few microseconds, whatever the store does.

        `listed` is the listing that it was judged by.
        """
        weight = weight_of(receipt)
        if listed is not None and not self._noted.is_news(listed):
            listed = None
        if listed is not None:
            weight += len(listed.body)
        if len(self._queue) >= self._capacity or self.pending_bytes + weight > self._capacity_bytes:
            self._overflowed += 1
            return
        self._put_bytes += weight
        if listed is not None:
            self._noted.note(listed)
        self._queue.append(_Waiting(receipt, time.monotonic(), weight, listed))

    def submit_cost(self, cost: LateCost) -> bool:
        """Queue one late cost; return whether there was room for it."""
        if len(self._costs) >= MOST_COSTS_WAITING:
            return False
        self._costs.append((cost, time.monotonic()))
        return True

    def close(self, timeout: float = 10.0) -> None:
        """Write all waiting receipts, for at most `timeout` seconds, and stop."""
        self._give_up_at = time.monotonic() + timeout
        self._closing.set()
        self._thread.join(timeout + 1)
        for kind, waiting in (("receipts", self._queue), ("late costs", self._costs)):
            if waiting:
                why = self.error or f"the ledger has not answered within {timeout:g} s"
                log.error("%d %s could not be written: %s", len(waiting), kind, why)

    def _run(self) -> None:
        sink: Sink | None = None
        pause = _FLUSH_SECONDS
        while not self._is_done():
            self._closing.wait(pause)
            try:
                sink = sink or self._open_sink()
                self.has_tried = True
                self._flush(sink)
                self._tidy(sink)
            except Exception as error:  # noqa: BLE001 - this thread's outermost door
                self._failure, self.has_tried = reason_of(error), True
                pause = min(max(pause, _FLUSH_SECONDS) * 2, _LONGEST_PAUSE_SECONDS)
                if self._closing.is_set():
                    time.sleep(_FLUSH_SECONDS)
            else:
                self._failure = None
                pause = _FLUSH_SECONDS
            self._tell()
        if sink is not None:
            sink.close()

    def _is_done(self) -> bool:
        if not self._closing.is_set():
            return False
        late = self._give_up_at is not None and time.monotonic() >= self._give_up_at
        return late or not (self._queue or self._costs)

    def _flush(self, sink: Sink) -> None:
        """Write all that waits; a batch leaves its queue only once it is written."""
        costs = [cost for cost, _ in _first(self._costs, MOST_COSTS_WAITING)]
        while self._queue:  # with the receipts of these costs
            batch = _first(self._queue, _BATCH)
            listed = [each.listed for each in batch if each.listed is not None]
            if listed:
                sink.note_listings(listed)
            self._unkept += sink.write([each.receipt for each in batch])
            for each in batch:
                self._queue.popleft()
                self._taken_bytes += each.weight
        if costs:
            sink.note_costs(costs)
            for _ in costs:
                self._costs.popleft()

    def _tidy(self, sink: Sink) -> None:
        if self._closing.is_set() or time.monotonic() < self._tidy_at:
            return
        if self._on_duty():
            more = sink.tidy()
            self._tidy_at = time.monotonic() + (0.0 if more else _TIDY_SECONDS)

    def _look(self) -> None:
        """Detect that the writing thread is blocked, which it can't detect itself."""
        while not self._closing.wait(min(_LOOK_SECONDS, self._patience / 2)):
            self._tell()

    def _tell(self) -> None:
        """Log a problem once when it begins, and once when it is over."""
        with self._telling:
            error, self._told = self._told, self.error
            if self._told == error:
                return
            if self._told is None:
                log.warning("the ledger works again")
            else:
                log.error("%s; receipts wait in memory", self._told)


def _first(queue: deque[Row], most: int) -> list[Row]:
    """The first of a queue, to which another thread may be adding: it can't be iterated over."""
    return [queue[place] for place in range(min(most, len(queue)))]
