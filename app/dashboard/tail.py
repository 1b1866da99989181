"""The live tail: receipts as they are written, for everyone who looks.

Each viewer follows the ledger by a cursor of its own, so a stream that broke goes on where it was
and receipts that other processes write are seen as well. Nobody looks: nothing runs.

Rule 1  There are at most so many viewers, for so long, and each gets at most so many receipts at a
        time: one that falls behind is taken to the newest ones.
Rule 2  The ledger is read in threads of the tail's own. One that is silent holds these up, and
        nothing else that runs in threads.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.errors import LedgerError
from app.ledger.receipt import Receipt

if TYPE_CHECKING:
    from app.ledger.store import Store

MOST_VIEWERS = 32
MOST_AT_ONCE = 100  # receipts
_THREADS = 2


@dataclass(frozen=True, slots=True)
class News:
    """What a look at the ledger brought; `trouble` says why it brought nothing."""

    cursor: int
    receipts: Sequence[Receipt] = ()
    trouble: str | None = None


class Tail:
    """Follows the ledger for a bounded number of viewers, each for a bounded time.

    `every` so many seconds it is looked at.
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
        """Whether as many look as can be served."""
        return self.viewers >= self._most_viewers

    async def follow(
        self, cursor: int | None, gone: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[News]:
        """News, one for each look, until the viewer is `gone`, the server stops, or time is up.

        Without a cursor it begins behind what is written so far. One viewer too many gets none.
        """
        if self.is_full:
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + self._seconds
        self.viewers += 1
        try:
            while loop.time() < until and not (self._leaving() or await gone()):
                news = await loop.run_in_executor(self._threads, self._look, cursor)
                cursor = news.cursor if news.trouble is None else cursor
                yield news
                await asyncio.sleep(self._every)
        finally:
            self.viewers -= 1

    def _look(self, cursor: int | None) -> News:
        try:
            store = self._store()
            if cursor is None:
                return News(store.end())
            cursor, receipts = store.written_after(cursor, limit=MOST_AT_ONCE)
            if len(receipts) == MOST_AT_ONCE:
                newest = max(store.end() - MOST_AT_ONCE, cursor - MOST_AT_ONCE)
                cursor, receipts = store.written_after(newest, limit=MOST_AT_ONCE)
            return News(cursor, receipts)
        except LedgerError as error:
            return News(cursor or 0, trouble=str(error))
