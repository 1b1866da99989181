"""Follows the ledger, so that what other processes and earlier runs have spent is known.

A reading takes place four times a second, and only while a rule has a budget; while one is nearly
spent and requests still spend, twenty times.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from ..errors import LedgerError
from ..ledger.spender import Question, Row, Spent
from ..policy.budgets import Budget
from .accounts import Accounts
from .event import BudgetEvent, Told

log = logging.getLogger("pointsman")

_LOOK_SECONDS = 0.25
_NEAR_SECONDS = 0.05
_PAUSE_SECONDS = 1.0  # after an error, which the ledger's writer reports


class Ledger(Protocol):
    """The part of the store that is followed."""

    def spent(
        self,
        questions: Sequence[Question],
        rules: Collection[str],
        recent: int,
        late: Callable[[], Sequence[str]],
        /,
    ) -> Spent:
        """Return the spending of rules, all at one moment, and which late costs it contains."""
        ...

    def spent_since(
        self, cursor: int, rules: Collection[str], /, *, but: int
    ) -> tuple[int, Sequence[Row]]:
        """Return the totals that changed, of all writers but one, and the next cursor."""
        ...

    def written(self, ids: Sequence[str], seq: int, /) -> frozenset[str]:
        """Return which of these receipts were written at some moment."""
        ...

    def tell_once(self, what: str, /) -> bool:
        """Return whether something is told for the first time."""
        ...


class FollowingSpending:
    """Keeps accounts current as long as rules have budgets, and tells when one is nearly spent."""

    def __init__(
        self,
        ledger: Callable[[], Ledger],
        accounts: Accounts,
        *,
        writer: int,
        budgets: Callable[[], Iterable[Budget]],
        wrote_since: Callable[[float], bool],
        told: Told,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`writer` is this process in the ledger.

        `wrote_since` returns whether every receipt filed more than so many seconds ago is written.
        """
        self._ledger = ledger
        self._accounts = accounts
        self._writer = writer
        self._budgets = budgets
        self._wrote_since = wrote_since
        self._told = told
        self._now = now

    async def keep_up(self) -> None:
        """Follow the ledger until cancelled."""
        while True:
            pause = _LOOK_SECONDS
            self._accounts.use(self._budgets())
            if self._accounts.in_force:
                try:
                    await self.read_on()
                    pause = _NEAR_SECONDS if self._accounts.is_near else _LOOK_SECONDS
                except LedgerError:
                    pause = _PAUSE_SECONDS
                except Exception:
                    log.exception("the spending on the ledger can't be followed; trying again")
                    pause = _PAUSE_SECONDS
                await self._tell()
            await asyncio.sleep(pause)

    async def read_on(self) -> None:
        """Read what changed since the last call, or everything if that is needed."""
        accounts, now = self._accounts, self._now()
        if accounts.must_read(now):
            await self._read(now)
            return
        cursor, rows = await asyncio.to_thread(self._changes, accounts.cursor, [*accounts.rules])
        accounts.followed(cursor, rows)
        accounts.tidy(now)

    async def _read(self, now: datetime) -> None:
        """Read everything, once all receipts are written that were filed before it is noted."""
        accounts = self._accounts
        if not self._wrote_since(accounts.begin()):
            return
        asked, rules = accounts.asked(now), [*accounts.rules]
        spent = await asyncio.to_thread(self._spent, asked.questions, rules, asked.recent)
        found = await asyncio.to_thread(accounts.add_up, asked, spent)
        # What is filed from here on is not in what was read.
        written = await asyncio.to_thread(self._written, accounts.noted, spent.seq)
        accounts.read(asked, found, written)

    def _spent(self, questions: Sequence[Question], rules: Collection[str], recent: int) -> Spent:
        accounts = self._accounts
        return self._ledger().spent(questions, rules, recent, lambda: accounts.noted_late)

    def _written(self, ids: Sequence[str], seq: int) -> frozenset[str]:
        return self._ledger().written(ids, seq) if ids else frozenset()

    def _changes(self, cursor: int, rules: Collection[str]) -> tuple[int, Sequence[Row]]:
        return self._ledger().spent_since(cursor, rules, but=self._writer)

    async def _tell(self) -> None:
        """Tell what was noticed, unless another process has told it."""
        crossed = self._accounts.crossed
        while crossed:
            event = crossed.popleft()
            if await asyncio.to_thread(self._is_news, event):
                log.warning("%s", event)
                self._told(event)

    def _is_news(self, event: BudgetEvent) -> bool:
        try:
            return self._ledger().tell_once(event.name)
        except LedgerError:
            return True
