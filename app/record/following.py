"""Follows the ledger, so that conversations of other processes and of earlier runs are known.

Another worker, or another Pointsman on the same PostgreSQL ledger, may serve the next turn of a
conversation. Its receipts are read here within a fraction of a second; requests never wait.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ..errors import LedgerError
from ..ledger.receipt import Receipt
from .conversations import Conversations

log = logging.getLogger("pointsman")

_LOOK_SECONDS = 0.25
_PAUSE_SECONDS = 2.0  # after an error, which the ledger's writer reports
_PAGE = 500
MOST_READ = 20_000  # receipts from before the start
_OLDEST = timedelta(days=1)


class Ledger(Protocol):
    """The part of the store that is followed."""

    def written_after(self, cursor: int, /, *, limit: int) -> tuple[int, Sequence[Receipt]]:
        """Return receipts written after a cursor, in that order, and the next cursor."""
        ...

    def first_since(self, since: datetime | None, /) -> int:
        """Return the position of the first receipt begun since then."""
        ...

    def end(self) -> int:
        """Return the cursor after everything written."""
        ...


class Following:
    """Reads the ledger for conversations as long as a policy keeps any at its host."""

    def __init__(
        self,
        ledger: Callable[[], Ledger],
        conversations: Conversations,
        *,
        wanted: Callable[[], bool],
    ) -> None:
        self._ledger = ledger
        self._conversations = conversations
        self._wanted = wanted
        self._cursor: int | None = None

    async def keep_up(self) -> None:
        """Follow the ledger until cancelled."""
        while True:
            pause = _LOOK_SECONDS
            if self._wanted():
                try:
                    if await self.read_on():
                        pause = 0.0
                except LedgerError:
                    pause = _PAUSE_SECONDS
                except Exception:
                    log.exception("conversations on the ledger can't be followed; trying again")
                    pause = _PAUSE_SECONDS
            else:
                self._cursor = None  # what is written meanwhile is read later, up to a bound
            await asyncio.sleep(pause)

    async def read_on(self) -> bool:
        """Note the turns written since the last call; whether there may be more."""
        turns = await asyncio.to_thread(self._read)
        for turn in turns:
            self._conversations.note(turn)
        return len(turns) == _PAGE

    def _read(self) -> Sequence[Receipt]:
        ledger = self._ledger()
        if self._cursor is None:
            recent = ledger.first_since(datetime.now(UTC) - _OLDEST) - 1
            self._cursor = max(recent, ledger.end() - MOST_READ)
        self._cursor, turns = ledger.written_after(self._cursor, limit=_PAGE)
        return turns
