"""Conversations of other processes, and of earlier runs, are read from the ledger."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest

from app.errors import LedgerError
from app.ledger.receipt import Receipt
from app.policy.affinity import Host
from app.record import following
from app.record.conversations import Conversations
from app.record.following import Following
from tests.record.test_conversations import KEY, turn
from tests.waiting import until

NOVITA = Host("novita", ("fp8",))


class Written:
    """A ledger as a list."""

    def __init__(self, *receipts: Receipt) -> None:
        self.receipts = list(receipts)
        self.first = 1
        self.trouble: Exception | None = None
        self.reads = 0

    def __call__(self) -> "Written":
        return self

    def written_after(self, cursor: int, /, *, limit: int) -> tuple[int, Sequence[Receipt]]:
        self.reads += 1
        if self.trouble is not None:
            raise self.trouble
        found = self.receipts[cursor : cursor + limit]
        return cursor + len(found), found

    def first_since(self, since: datetime | None, /) -> int:
        assert since is not None
        assert since < datetime.now(UTC)
        return self.first

    def end(self) -> int:
        return len(self.receipts)


def remembered() -> Conversations:
    return Conversations(idle=600.0, clock=lambda: turn().started_at.timestamp() + 5)


@contextmanager
def keeping_up(ledger: Written, into: Conversations, *, wanted: bool = True) -> Iterator[None]:
    chore = asyncio.create_task(Following(ledger, into, wanted=lambda: wanted).keep_up())
    try:
        yield
    finally:
        chore.cancel()


async def test_what_was_written_before_the_start_is_known_and_what_comes_later_too() -> None:
    ledger, known = Written(turn()), remembered()
    with keeping_up(ledger, known):
        await until(lambda: known.memory(KEY).pin == NOVITA)
        ledger.receipts.append(turn("deepinfra", at=5))
        await until(lambda: known.memory(KEY).pin == Host("deepinfra", ("fp8",)))


async def test_more_than_a_page_is_read_at_once_and_no_more_than_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "MOST_READ", 1200)
    ledger = Written(*(turn(session=str(number), at=number) for number in range(1500)))
    known = Conversations(idle=600.0, clock=turn().started_at.timestamp, most=10_000)
    reads = Following(ledger, known, wanted=lambda: True)
    assert [await reads.read_on() for _ in range(4)] == [True, True, False, False]
    assert len(known) == 1200


async def test_receipts_older_than_a_day_are_not_read() -> None:
    ledger, known = Written(turn(session="old"), turn(session="new")), remembered()
    ledger.first = 2
    await Following(ledger, known, wanted=lambda: True).read_on()
    assert len(known) == 1


async def test_nothing_is_read_as_long_as_no_rule_keeps_a_host() -> None:
    ledger, known = Written(turn()), remembered()
    with keeping_up(ledger, known, wanted=False):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not ledger.reads
    assert not len(known)


@pytest.mark.parametrize("trouble", [LedgerError("it is away"), RuntimeError("a defect")])
async def test_t26_a_ledger_that_is_away_is_asked_again(
    trouble: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_PAUSE_SECONDS", 0.01)
    ledger, known = Written(turn()), remembered()
    ledger.trouble = trouble
    with keeping_up(ledger, known):
        await until(lambda: ledger.reads > 1)
        assert known.memory(KEY).pin is None  # not knowing is allowed
        ledger.trouble = None
        await until(lambda: known.memory(KEY).pin == NOVITA)


async def test_a_cancelled_chore_ends() -> None:
    chore = asyncio.create_task(Following(Written(), remembered(), wanted=lambda: True).keep_up())
    await asyncio.sleep(0)
    chore.cancel()
    with suppress(asyncio.CancelledError):
        await chore
    assert chore.cancelled()
