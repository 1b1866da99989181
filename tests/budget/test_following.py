"""What others spend is read from the ledger as long as a rule has a budget; requests never wait."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Self

import pytest

from app.budget import following
from app.budget.accounts import Accounts, Asker
from app.budget.event import BudgetEvent
from app.budget.following import FollowingSpending
from app.budget.windows import Calendar
from app.errors import LedgerError
from app.ledger.spender import Question, Row, Spent
from app.ledger.store import Store
from app.policy.budgets import Budget
from tests.budget.test_accounts import budgets, cost
from tests.ledger.receipts import START
from tests.waiting import until

DAY = budgets({"usd": 10, "per": "day"})
MINE, OTHER = 1, 2
ANN = Asker(caller="ann")


class Watched:
    """A ledger that can be away."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.trouble: Exception | None = None
        self.reads = 0

    def __call__(self) -> "Watched":
        self.reads += 1
        if self.trouble is not None:
            raise self.trouble
        return self

    def spent(
        self,
        questions: Sequence[Question],
        rules: Collection[str],
        recent: int,
        late: Callable[[], Sequence[str]],
        /,
    ) -> Spent:
        return self.store.spent(questions, rules, recent, late)

    def spent_since(
        self, cursor: int, rules: Collection[str], /, *, but: int
    ) -> tuple[int, Sequence[Row]]:
        return self.store.spent_since(cursor, rules, but=but)

    def written(self, ids: Sequence[str], seq: int, /) -> frozenset[str]:
        return self.store.written(ids, seq)

    def tell_once(self, what: str, /) -> bool:
        return self.store.tell_once(what)


class Process:
    """Accounts that follow a ledger."""

    def __init__(
        self,
        url: str,
        *,
        used: tuple[Budget, ...] = DAY,
        wrote_since: Callable[[float], bool] = lambda _: True,
    ) -> None:
        self.used = used
        self.told: list[BudgetEvent] = []
        self.ledger = Watched(Store.open(url, writer=MINE))
        self.accounts = Accounts(Calendar(UTC), steady=lambda: 0.0)
        self.following = FollowingSpending(
            self.ledger,
            self.accounts,
            writer=MINE,
            budgets=lambda: self.used,
            wrote_since=wrote_since,
            told=self.tell,
            now=lambda: START,
        )

    def spent(self, at: datetime = START) -> float:
        (balance,) = self.accounts.balances(DAY, ANN, at)
        return balance.pico / 10**12

    def tell(self, event: BudgetEvent) -> None:
        self.told.append(event)

    def has_read(self) -> bool:
        return self.accounts.in_force and not self.accounts.must_read(START)

    async def __aenter__(self) -> Self:
        self.chore = asyncio.create_task(self.following.keep_up())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.chore.cancel()
        self.ledger.store.close()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(following, "_PAUSE_SECONDS", 0.01)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def other(url: str) -> Store:
    """Another process's ledger."""
    return Store.open(url, writer=OTHER)


async def test_t80_what_others_spend_is_known_and_what_is_written_by_oneself_counts_once(
    url: str, other: Store
) -> None:
    other.write([cost("1")])
    async with Process(url) as process:
        await until(lambda: process.spent() == 1)
        other.write([cost("2")])
        await until(lambda: process.spent() == 3)
        mine = cost("0.5")
        process.accounts.filed(mine)
        process.ledger.store.write([mine])
        reads = process.ledger.reads
        await until(lambda: process.ledger.reads > reads + 2)
        assert process.spent() == 3.5


async def test_nothing_is_read_as_long_as_no_rule_has_a_budget(url: str) -> None:
    async with Process(url, used=()) as process:
        await asyncio.sleep(0.05)
        assert process.ledger.reads == 0
        process.used = DAY
        await until(lambda: process.ledger.reads > 0)
        process.used = ()
        await until(lambda: not process.accounts.in_force)
        reads = process.ledger.reads
        await asyncio.sleep(0.05)
        assert process.ledger.reads == reads


async def test_all_is_read_once_what_was_filed_before_is_written(url: str) -> None:
    asked: list[float] = []

    def wrote_since(seconds: float) -> bool:
        asked.append(seconds)
        return len(asked) > 2

    async with Process(url, wrote_since=wrote_since) as process:
        before = cost("1")  # it waits to be written, from before the budget
        await until(lambda: len(asked) == 1)
        noted = cost("2")
        process.accounts.filed(noted)
        process.ledger.store.write([before])
        await until(lambda: process.ledger.reads > 0)
        await until(lambda: process.spent() == 3)


@pytest.mark.parametrize("trouble", [LedgerError("it is away"), RuntimeError("a defect")])
async def test_t81_a_ledger_that_is_away_is_asked_again_and_own_sums_go_on(
    url: str, other: Store, trouble: Exception
) -> None:
    async with Process(url) as process:
        await until(process.has_read)
        process.ledger.trouble = trouble
        process.accounts.filed(cost("4"))
        other.write([cost("1")])
        reads = process.ledger.reads
        await until(lambda: process.ledger.reads > reads + 2)
        assert process.spent() == 4
        process.ledger.trouble = None
        await until(lambda: process.spent() == 5)


async def test_a_warning_is_given_by_one_of_several_processes_and_logged(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "pointsman")
    async with Process(url) as one, Process(url) as two:
        two.following._writer = OTHER  # noqa: SLF001 - as another process has
        two.ledger.store.writer = OTHER
        await until(one.has_read)
        await until(two.has_read)
        big = cost("8.5")
        one.accounts.filed(big)
        one.ledger.store.write([big])
        await until(lambda: two.spent() == 8.5)
        await until(lambda: len(one.told) + len(two.told) == 1)
        await asyncio.sleep(0.05)
        (event,) = one.told + two.told
        assert (event.kind, event.spent) == ("near", Decimal("8.5"))
        assert [each.message for each in caplog.records] == [str(event)]


async def test_a_warning_is_given_without_a_ledger_too(url: str) -> None:
    async with Process(url) as process:
        await until(process.has_read)
        process.ledger.trouble = LedgerError("it is away")
        process.accounts.filed(cost("10"))
        await until(lambda: [each.kind for each in process.told] == ["spent"])


async def test_t80_what_a_restart_reads_is_not_told_again(url: str) -> None:
    async with Process(url) as process:
        await until(process.has_read)
        spent = cost("10")
        process.accounts.filed(spent)
        process.ledger.store.write([spent])
        await until(lambda: [each.kind for each in process.told] == ["spent"])
    async with Process(url) as again:
        await until(again.has_read)
        await until(lambda: not again.accounts.crossed)
        await asyncio.sleep(0.05)
        assert again.spent() == 10
        assert again.told == []
        again.used = budgets({"usd": 5, "per": "day"})
        await until(lambda: [each.limit for each in again.told] == [5])
