"""The live tail: receipts as they are written, for every viewer.

Each viewer follows the ledger by its own cursor, so that a broken stream continues where it
stopped, and receipts that other processes write are shown as well. Without viewers, nothing runs.

Rule 1  The number of viewers, their time, and the receipts that each gets at a time are bounded: a
        viewer that falls behind skips to the newest receipts.
Rule 2  The tail reads the ledger in its own threads. A ledger that does not respond blocks only
        these threads.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import LedgerError
from ..ledger.receipt import Receipt
from ..ledger.wanted import NONE, Wanted

if TYPE_CHECKING:
    from ..ledger.store import Store

MOST_VIEWERS = 32
MOST_AT_ONCE = 100  # receipts
_THREADS = 2


@dataclass(frozen=True, slots=True)
class News:
    """The result of one read of the ledger; `trouble` is the reason if it failed."""

    cursor: int
    receipts: Sequence[Receipt] = ()
    trouble: str | None = None


class Tail:
    """Follows the ledger for a bounded number of viewers, each for a bounded time.

    The ledger is read `every` so many seconds.
    """

    def __init__(
        self,
        store: "Callable[[], Store]",
        *,
        leaving: Callable[[], bool],
        viewers: int = MOST_VIEWERS,
        seconds: float = 900.0,
        every: float = 0.4,
    ) -> None:
        self._store = store
        self._leaving = leaving
        self._most_viewers = viewers
        self._every = every
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="dashboard-tail")
        self.viewers = 0

    @property
    def is_full(self) -> bool:
        """Whether the number of viewers has reached its bound."""
        return self.viewers >= self._most_viewers

    async def follow(
        self, cursor: int | None, gone: Callable[[], Awaitable[bool]], audit: str = NONE
    ) -> AsyncIterator[News]:
        """Yield news for each read, until the viewer is `gone`, the server stops, or time is up.

        Without a cursor it begins after everything written so far. A viewer beyond the bound gets
        no news. `audit` as in `Wanted`.
        """
        if self.is_full:
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + self._seconds
        self.viewers += 1
        try:
            while loop.time() < until and not (self._leaving() or await gone()):
                news = await loop.run_in_executor(self._threads, self._look, cursor, audit)
                cursor = news.cursor if news.trouble is None else cursor
                yield news
                await asyncio.sleep(self._every)
        finally:
            self.viewers -= 1

    def _look(self, cursor: int | None, audit: str) -> News:
        try:
            store = self._store()
            if cursor is None:
                return News(store.end())
            asked = Wanted(audit=audit)
            cursor, receipts = store.written_after(cursor, asked, limit=MOST_AT_ONCE)
            if len(receipts) == MOST_AT_ONCE:
                newest = max(store.end() - MOST_AT_ONCE, cursor - MOST_AT_ONCE)
                cursor, receipts = store.written_after(newest, asked, limit=MOST_AT_ONCE)
            return News(cursor, receipts)
        except LedgerError as error:
            return News(cursor or 0, trouble=str(error))
