"""Late costs: asked for at their time, a few at once, and let go of whatever happens."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.budget.accounts import Accounts, Asker
from app.budget.windows import Calendar
from app.errors import UpstreamTimeout
from app.ledger.late import LateCost
from app.ledger.receipt import Receipt
from app.record.generation_record import LARGEST_RECORD, LONGEST_REST, REST, Told, told
from app.record.late_costs import (
    AT_A_TIME,
    LARGEST_KEY,
    LONGEST_SECONDS,
    LateCosts,
    Pace,
    awaits_cost,
)
from app.wire.headers import Credentials, RawHeaders
from tests.ledger.receipts import FULL, START, receipt
from tests.policy.sending import book_of
from tests.waiting import until

BUDGETS = book_of({"name": "held", "budget": {"usd": 1, "per": "day"}}).budgets
OURS: RawHeaders = [(b"accept-encoding", b"identity"), (b"authorization", b"Bearer operators")]
Answer = tuple[int, bytes] | tuple[int, bytes, RawHeaders] | Exception


def record(usd: float, **more: Any) -> Answer:
    return 200, json.dumps({"data": {"total_cost": usd, **more}}).encode()


NO_RECORD: Answer = (404, b"{}")


class Records:
    """An OpenRouter that has records, and notes who asks for them."""

    def __init__(self, *answers: Answer) -> None:
        self.key: str | None = "operators"
        self.answers = list(answers)
        self.asked: list[tuple[str, RawHeaders]] = []
        self.at_once = self.most_at_once = 0
        self.go = asyncio.Event()
        self.go.set()

    async def fetch(
        self, method: str, path: str, headers: RawHeaders, /, *, most: int, seconds: float
    ) -> tuple[int, RawHeaders, bytes]:
        assert (method, most > 0, seconds > 0) == ("GET", True, True)
        self.asked.append((path, headers))
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await self.go.wait()
        finally:
            self.at_once -= 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer[0], answer[2] if len(answer) > 2 else [], answer[1]


class House:
    """Late costs with all that stands around them."""

    def __init__(self, records: Records, pauses: tuple[float, ...], most: int) -> None:
        self.accounts = Accounts(Calendar(ZoneInfo("UTC")), steady=lambda: 0.0)
        self.accounts.use(BUDGETS)
        self.submitted: list[LateCost] = []
        self.learned: list[tuple[Receipt, Receipt]] = []
        self.room = True
        self.ahead = 0.0  # seconds that the clock was put ahead
        self.late = LateCosts(
            records,
            self.accounts,
            submit=self.submit,
            learned=lambda before, after: self.learned.append((before, after)),
            pace=Pace(pauses, between=0.001),
            most=most,
            clock=lambda: time.monotonic() + self.ahead,
        )

    def submit(self, cost: LateCost) -> bool:
        self.submitted.append(cost)
        return self.room

    def wait_for(self, one: Receipt, credentials: Credentials | None = None) -> None:
        admitted = self.accounts.admit(BUDGETS, Asker(), START)
        self.late.wait_for(one, credentials, admitted)

    @property
    def spent(self) -> Decimal:
        (balance,) = self.accounts.balances(BUDGETS, Asker(), START)
        return Decimal(balance.pico).scaleb(-12)


Furnish = Callable[..., House]


@pytest.fixture
async def furnish() -> AsyncIterator[Furnish]:
    houses: list[House] = []

    def made(records: Records, *pauses: float, most: int = 10) -> House:
        houses.append(House(records, pauses or (0.001,) * 3, most))
        return houses[-1]

    yield made
    for house in houses:
        await house.late.close()
        assert house.accounts.under_way == 0, "a request is under way for ever"


def left(number: int = 1, **fields: Any) -> Receipt:
    named = {"generation_id": f"gen-{number}", "rules": ("held",), "ending": "caller_left"}
    return receipt(**{**named, **fields})


async def test_what_the_record_says_is_submitted_counted_and_told(furnish: Furnish) -> None:
    records = Records(NO_RECORD, record(0.25, native_tokens_prompt=3, is_byok=False))
    house, one = furnish(records), left(cached_tokens=1)
    house.wait_for(one)
    assert (len(house.late), house.accounts.under_way) == (1, 1)
    await until(lambda: house.learned)
    assert house.submitted == [
        LateCost(id=one.id, cost_usd=Decimal("0.25"), prompt_tokens=3, is_byok=False)
    ]
    ((before, after),) = house.learned
    assert (before.cost_usd, after.cost_usd) == (None, Decimal("0.25"))
    assert after.cost_source == "record"
    assert house.spent == Decimal("0.25")
    assert (len(house.late), house.accounts.under_way) == (0, 0)
    assert house.late.outcomes == {"found": 1, "not_found": 0, "dropped": 0}
    assert records.asked == [("/generation?id=gen-1", OURS)] * 2


async def test_a_record_is_asked_for_with_the_clients_key_where_there_is_no_other(
    furnish: Furnish,
) -> None:
    records = Records(record(0))
    records.key = None
    house = furnish(records)
    sent = [(b"x-title", b"t"), (b"x-api-key", b"k1"), (b"authorization", b"Bearer k2")]
    house.wait_for(left(generation_id="gen-1/../?id=2"), Credentials(sent))
    await until(lambda: house.learned)
    path, headers = records.asked[0]
    assert path == "/generation?id=gen-1%2F..%2F%3Fid%3D2"
    assert headers == [*sent[1:], OURS[0]]


@pytest.mark.parametrize(
    "answer",
    [
        NO_RECORD,
        (200, b"{}"),
        (200, b"<html>"),
        record(-1),
        record(1, id="gen-of-another"),
        (401, b""),
        (500, b""),
        UpstreamTimeout("late"),
        RuntimeError("odd"),
    ],
    ids=str,
)
async def test_after_the_last_pause_it_is_given_up(
    furnish: Furnish, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    records = Records(answer)
    house = furnish(records)
    house.wait_for(left())
    await until(lambda: house.late.outcomes["not_found"])
    assert len(records.asked) == 3
    assert house.submitted == []
    assert (len(house.late), house.accounts.under_way) == (0, 0)


async def test_it_is_asked_for_when_it_is_due_and_not_before(furnish: Furnish) -> None:
    records = Records(record(0))
    house = furnish(records, 60.0)
    house.wait_for(left())
    soon = furnish(Records(record(0)), 0.01)
    soon.wait_for(left())
    await until(lambda: soon.learned)
    assert records.asked == []
    assert len(house.late) == 1


async def test_few_are_asked_for_at_a_time(furnish: Furnish) -> None:
    records = Records(record(0))
    records.go.clear()
    house = furnish(records)
    for number in range(8):
        house.wait_for(left(number))
    await until(lambda: records.at_once == AT_A_TIME)
    records.go.set()
    await until(lambda: len(house.learned) == 8)
    assert records.most_at_once == AT_A_TIME


async def test_of_more_than_may_wait_the_first_are_asked_for(furnish: Furnish) -> None:
    """If the oldest were dropped, a flood would have none of its records read."""
    house = furnish(Records(record(0.25)), most=2)
    receipts = [left(number) for number in range(4)]
    for one in receipts:
        house.wait_for(one)
    assert (len(house.late), house.accounts.under_way) == (2, 2)
    assert house.late.outcomes["dropped"] == 2
    await until(lambda: len(house.learned) == 2)
    assert [each.id for each in house.submitted] == [each.id for each in receipts[:2]]


async def test_a_cost_that_the_ledger_has_no_room_for_counts_nowhere(furnish: Furnish) -> None:
    house = furnish(Records(record(0.25)))
    house.room = False
    house.wait_for(left())
    await until(lambda: house.late.outcomes["dropped"])
    assert (house.spent, len(house.learned), len(house.late)) == (Decimal(0), 0, 0)


@pytest.mark.parametrize("asking", [True, False])
async def test_what_waits_at_a_stop_is_given_up_and_nothing_is_waited_for_any_more(
    furnish: Furnish, *, asking: bool
) -> None:
    records = Records(record(0.25))
    records.go.clear()
    house = furnish(records, *(() if asking else (60.0,)))
    house.wait_for(left())
    if asking:
        await until(lambda: records.at_once)
    await house.late.close()
    house.wait_for(left())
    assert (len(house.late), house.accounts.under_way, records.at_once) == (0, 0, 0)
    assert house.late.outcomes == {"found": 0, "not_found": 0, "dropped": 2}


async def test_at_a_stop_the_log_says_how_many_costs_stay_unknown(
    furnish: Furnish, caplog: pytest.LogCaptureFixture
) -> None:
    house = furnish(Records(NO_RECORD), 60.0)
    for number in range(3):
        house.wait_for(left(number))
    await house.late.close()
    assert "3 costs were not known yet at the stop" in caplog.text


async def test_t83_nothing_waits_longer_than_so_long_however_slow_openrouter_is(
    furnish: Furnish,
) -> None:
    """Otherwise, requests would be under way for hours, and their budgets full with them."""
    records = Records(record(0.25))
    records.go.clear()
    house = furnish(records)
    for number in range(8):
        house.wait_for(left(number))
    await until(lambda: records.at_once == AT_A_TIME)
    house.ahead = LONGEST_SECONDS
    await until(lambda: house.late.outcomes["not_found"] == 4)
    records.go.set()
    await until(lambda: len(house.learned) == AT_A_TIME)
    assert (len(house.late), house.accounts.under_way) == (0, 0)
    assert len(records.asked) == AT_A_TIME


async def test_a_clients_key_that_is_too_large_is_not_kept(furnish: Furnish) -> None:
    house = furnish(Records(record(0)))
    for size in (LARGEST_KEY, LARGEST_KEY + 1):
        house.wait_for(left(size), Credentials([(b"x-api-key", b"k" * size)]))
    assert (len(house.late), house.late.outcomes["dropped"]) == (1, 1)


@pytest.mark.parametrize("status", [429, 503])
async def test_where_openrouter_asks_for_a_pause_no_record_is_asked_for(
    furnish: Furnish, status: int
) -> None:
    records = Records((status, b"", [(b"Retry-After", b"30")]), record(0))
    house = furnish(records)
    house.wait_for(left(1))
    await until(lambda: records.asked)
    house.wait_for(left(2))
    await asyncio.sleep(0.05)
    assert len(records.asked) == 1
    house.ahead = 31
    await until(lambda: len(house.learned) == 2)


async def test_the_pause_of_one_clients_key_is_not_that_of_another(furnish: Furnish) -> None:
    records = Records((429, b"", [(b"retry-after", b"30")]), record(0))
    records.key = None
    house = furnish(records)
    house.wait_for(left(1), Credentials([(b"x-api-key", b"k1")]))
    await until(lambda: records.asked)
    house.wait_for(left(2), Credentials([(b"x-api-key", b"k2")]))
    await until(lambda: house.learned)
    assert (len(house.late), len(records.asked)) == (1, 2)
    house.ahead = 31
    await until(lambda: len(house.learned) == 2)


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        (b"7", 7.0),
        (b"0", 0.0),
        (b"999999", LONGEST_REST),
        (b"9" * 5000, REST),
        (b"-1", REST),
        (b"nan", REST),
        (b"1e9", REST),
        (b"\xb2", REST),
        (b"Sat, 28 Nov 2026 12:00:00 GMT", REST),
        (None, REST),
    ],
)
async def test_a_pause_is_read_from_what_openrouter_says(said: bytes | None, rest: float) -> None:
    headers = [] if said is None else [(b"x", b"1"), (b"Retry-After", said)]
    assert await told(Records((429, b"", headers)), "gen-1", None) == Told(None, rest)
    assert await told(Records((500, b"", headers)), "gen-1", None) == Told()


async def test_the_largest_record_is_read() -> None:
    body = json.dumps({"data": {"total_cost": 1}}).encode().ljust(LARGEST_RECORD)
    found = await told(Records((200, body)), "gen-1", None)
    assert found.usage is not None


async def test_the_next_one_is_asked_for_after_a_time_without_any(furnish: Furnish) -> None:
    house = furnish(Records(record(0)))
    for number in range(3):
        house.wait_for(left(number))
        await until(lambda number=number: len(house.learned) == number + 1)  # type: ignore[misc]


async def test_of_a_receipt_that_waits_its_longest_values_are_let_go(furnish: Furnish) -> None:
    house = furnish(Records(record(0)))
    house.wait_for(FULL)
    await until(lambda: house.learned)
    before = house.learned[0][0]
    assert (before.preferences_sent, before.reason, before.attempts) == (None, None, ())
    assert before.rules == FULL.rules


@pytest.mark.parametrize(
    ("fields", "status", "awaited"),
    [
        ({}, 200, True),
        ({"ending": "complete"}, 201, True),
        ({"status": 502}, 200, True),  # withheld from the client
        ({}, 404, False),
        ({}, 0, False),
        ({"cost_usd": Decimal(0)}, 200, False),
        ({"generation_id": None}, 200, False),
        ({"generation_id": "chatcmpl-1"}, 200, False),
        ({"cache_status": "hit"}, 200, False),
        ({"cache_status": "MISS"}, 200, True),
        ({"audit": "aud_1"}, 200, False),
    ],
)
def test_a_cost_is_waited_for_where_a_record_can_tell_it(
    fields: dict[str, Any], status: int, *, awaited: bool
) -> None:
    assert awaits_cost(left(**fields), status) is awaited


def test_a_clients_key_is_not_printed() -> None:
    assert "sk-or" not in repr(Credentials([(b"authorization", b"Bearer sk-or-v1-x")]))
