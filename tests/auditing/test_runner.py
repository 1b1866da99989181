"""A run asks everything once, within the ceiling, and leaves nothing that was paid for behind."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.plan import MOST_PROMPT_TOKENS
from app.auditing.purse import Purse
from app.auditing.runner import (
    AT_ONCE,
    LONGEST_WAIT,
    MOST_FAILED,
    MOST_UNKNOWN,
    MOST_WAITS,
    Keep,
    Run,
)
from app.auditing.sending import Reply
from app.auditing.task import Task
from app.errors import LedgerError
from app.ledger.audits import Answer
from tests.auditing.made import KEY, planned, reply, task

MOST = planned().cost(1, MOST_PROMPT_TOKENS)


class Endpoints:
    """Answer by a function of the tag and how often it was asked; notes what is under way."""

    def __init__(self, answer: Callable[[str, int], Reply] | None = None) -> None:
        self._answer = answer or (lambda tag, _: reply(provider=tag.partition("/")[0]))
        self.asked: dict[str, list[str]] = defaultdict(list)
        self.under_way: Counter[str] = Counter()
        self.most_under_way: Counter[str] = Counter()
        self.before: Callable[[], None] = lambda: None
        self.hold: asyncio.Event | None = None
        self.free = 0  # requests that `hold` does not hold

    @property
    def total(self) -> int:
        return sum(map(len, self.asked.values()))

    async def ask(self, body: bytes) -> Reply:
        fields = msgspec.json.decode(body)
        tag = fields["provider"]["only"][0]
        self.asked[tag].append(fields["messages"][0]["content"])
        number = len(self.asked[tag])
        self.under_way[tag] += 1
        self.most_under_way[tag] = max(self.most_under_way[tag], self.under_way[tag])
        self.before()
        try:
            held = self.hold is not None and self.total > self.free
            await (self.hold.wait() if self.hold and held else asyncio.sleep(0))
        finally:
            self.under_way[tag] -= 1
        return self._answer(tag, number)


def run_of(
    asks: Endpoints,
    *,
    of: Task | None = None,
    ceiling: Decimal = Decimal(1),
    kept: list[Answer] | None = None,
    keep: Keep | None = None,
    **fields: Any,
) -> Run:
    of = of or task()
    answers: list[Answer] = [] if kept is None else kept

    async def pause(_seconds: float) -> None:
        await asyncio.sleep(0)

    return Run(
        audit="aud_1",
        task=of,
        prompts=[f"prompt {number}" for number in range(of.drawn.prompts)],
        key=KEY,
        purse=fields.pop("purse", Purse(ceiling)),
        asks=asks,
        keep=keep or answers.extend,
        pause=fields.pop("pause", pause),
    )


async def test_every_endpoint_is_asked_every_prompt_as_often_as_planned() -> None:
    asks, kept = Endpoints(), list[Answer]()
    run = run_of(asks, kept=kept)
    assert await run.run((), 0.0, time.time) == "finished"
    for tag in ("novita/fp8", "groq"):
        assert Counter(asks.asked[tag]) == {f"prompt {number}": 2 for number in range(4)}
        assert asks.most_under_way[tag] == AT_ONCE
    assert len(kept) == 16
    assert len({(each.tag, each.prompt, each.round) for each in kept}) == 16
    assert all(each.dropped is None and each.hashes for each in kept)
    assert run.purse.spent == Decimal("0.00006") * 16


async def test_what_is_there_is_not_asked_and_not_paid_again() -> None:
    first = list[Answer]()
    await run_of(Endpoints(), kept=first).run((), 0.0, time.time)
    asks, rest = Endpoints(), list[Answer]()
    assert await run_of(asks, kept=rest).run(first[:11], 0.0, time.time) == "finished"
    assert asks.total == 5
    both = {(each.tag, each.prompt, each.round) for each in (*first[:11], *rest)}
    assert len(both) == 16


@given(st.integers(1, 30), st.integers(1, 100), st.integers(0, 2**32))
def test_the_ceiling_is_kept_to_the_request(requests: int, percent: int, seed: int) -> None:
    """Each costs a share of the most that it could; none is sent that might not fit."""
    cost = MOST * percent / 100
    ceiling = MOST * requests
    of = msgspec.structs.replace(task(prompts=10), drawn=_seeded(task(prompts=10), seed))
    asks = Endpoints(lambda tag, _: reply(provider=tag.partition("/")[0], cost_usd=cost))
    run = run_of(asks, of=of, ceiling=ceiling)

    def fits() -> None:
        """As a request is sent: with all that is under way, it can't exceed the ceiling."""
        assert run.purse.spent + MOST * asks.under_way.total() <= ceiling

    asks.before = fits
    ended = asyncio.run(run.run((), 0.0, time.time))
    assert run.purse.spent == cost * asks.total <= ceiling
    if ended == "ceiling":  # and not one request too early
        assert run.purse.spent + MOST > ceiling
    else:
        assert asks.total == 40


def _seeded(of: Task, seed: int) -> Any:
    return msgspec.structs.replace(of.drawn, seed=seed)


async def test_an_endpoint_that_ignores_max_tokens_is_stopped_by_the_ceiling_too() -> None:
    dear = MOST * 10
    asks = Endpoints(lambda tag, _: reply(provider=tag, cost_usd=dear, completion_tokens=900))
    run = run_of(asks, of=task("groq", prompts=50), ceiling=dear * 10)
    assert await run.run((), 0.0, time.time) == "ceiling"
    assert asks.total == 10
    assert run.purse.spent == dear * 10


async def test_of_an_endpoint_that_charges_a_hundred_times_too_much_one_answer_is_a_surprise() -> (
    None
):
    dear = MOST * 100
    asks = Endpoints(lambda tag, _: reply(provider=tag, cost_usd=dear, completion_tokens=1600))
    run = run_of(asks, of=task("groq", prompts=50), ceiling=MOST * 2)
    assert await run.run((), 0.0, time.time) == "ceiling"
    assert asks.total == 1


async def test_a_failure_is_tried_once_more() -> None:
    asks = Endpoints(lambda tag, number: reply(status=502) if number == 1 else reply(provider=tag))
    kept = list[Answer]()
    assert await run_of(asks, of=task("groq"), kept=kept).run((), 0.0, time.time) == "finished"
    assert asks.total == 9
    assert [each.dropped for each in kept] == [None] * 8


async def test_two_failures_drop_an_answer() -> None:
    asks = Endpoints(lambda tag, number: reply(status=502) if number < 5 else reply(provider=tag))
    kept = list[Answer]()
    await run_of(asks, of=task("groq"), kept=kept).run((), 0.0, time.time)
    assert Counter(each.dropped for each in kept) == {None: 6, "failed": 2}


async def test_an_endpoint_that_keeps_failing_is_given_up_and_the_others_are_not() -> None:
    asks = Endpoints(lambda tag, _: reply(status=502) if tag == "groq" else reply())
    run = run_of(asks, of=task("novita/fp8", "novita/fp4", "groq", prompts=50))
    assert await run.run((), 0.0, time.time) == "finished"
    assert len(asks.asked["groq"]) <= 2 * (MOST_FAILED + AT_ONCE)
    assert run.standings["groq"].given_up == (
        f"{MOST_FAILED} requests in a row failed, the last with status 502"
    )
    assert len(asks.asked["novita/fp8"]) == len(asks.asked["novita/fp4"]) == 100


@pytest.mark.parametrize(
    ("failing", "ended"),
    [
        ({"novita/fp8"}, {"no_reference"}),
        ({"groq", "novita/fp4"}, {"none_left"}),
        ({"novita/fp8", "groq", "novita/fp4"}, {"no_reference", "none_left"}),
    ],
    ids=lambda names: " and ".join(sorted(names)),
)
async def test_where_no_verdict_is_possible_any_more_nothing_more_is_paid_for(
    failing: set[str], ended: set[str]
) -> None:
    """A wrong key, an account without credit, and a lost network make every endpoint fail."""
    asks = Endpoints(lambda tag, _: reply(status=402) if tag in failing else reply(provider=tag))
    of = task("novita/fp8", "novita/fp4", "groq", prompts=50)
    assert await run_of(asks, of=of).run((), 0.0, time.time) in ended
    assert asks.total < 110


async def test_an_answer_that_failed_is_asked_for_again_by_a_later_run() -> None:
    first, again = list[Answer](), list[Answer]()
    failing = Endpoints(lambda _tag, _: reply(status=402))
    await run_of(failing, of=task(prompts=50), kept=first).run((), 0.0, time.time)
    assert {each.dropped for each in first} == {"failed"}
    asks = Endpoints(lambda tag, _: reply(provider=tag.partition("/")[0]))
    run = run_of(asks, of=task(prompts=50), kept=again)
    assert await run.run(first, 0.0, time.time) == "finished"
    assert {each.dropped for each in again} == {None}
    assert len(again) == 200


async def test_a_busy_endpoint_is_left_alone_for_as_long_as_it_says() -> None:
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)
        run.standings["groq"].free_at = 0.0
        await asyncio.sleep(0)

    busy = reply(status=429, retry_after=17.0)
    asks = Endpoints(lambda tag, number: busy if number == 1 else reply(provider=tag))
    kept = list[Answer]()
    run = run_of(asks, of=task("groq"), kept=kept, pause=pause)
    await run.run((), 0.0, time.time)
    assert waited[0] == pytest.approx(17.0, abs=0.5)
    assert [each.dropped for each in kept] == [None] * 8  # being busy is no failure


async def test_without_a_retry_after_the_pauses_grow_and_then_it_counts_as_failed() -> None:
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)
        run.standings["groq"].free_at = 0.0
        await asyncio.sleep(0)

    asks = Endpoints(lambda _tag, _number: reply(status=503))
    run = run_of(asks, of=task("groq", prompts=1, answers=2), pause=pause)
    await run.run((), 0.0, time.time)
    assert waited[:MOST_WAITS] == pytest.approx([1, 2, 4, 8, 16], abs=0.5)


async def test_an_endpoint_that_wants_to_be_left_alone_for_long_is_given_up() -> None:
    asks = Endpoints(lambda _tag, _number: reply(status=429, retry_after=LONGEST_WAIT + 1))
    kept = list[Answer]()
    run = run_of(asks, of=task("groq"), kept=kept)
    assert await run.run((), 0.0, time.time) == "no_reference"
    assert asks.total <= AT_ONCE
    assert kept == []  # a later run asks again
    assert run.standings["groq"].given_up == "busy for another 121 s"


async def test_the_second_pass_begins_as_much_later_as_asked() -> None:
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)
        await asyncio.sleep(0)

    of = msgspec.structs.replace(task(), spread=3600.0)
    await run_of(Endpoints(), of=of, pause=pause).run((), 1_000.0, lambda: 1_100.0)
    assert waited == [3_500.0]
    waited.clear()
    await run_of(Endpoints(), of=of, pause=pause).run((), 1_000.0, lambda: 9_000.0)
    assert waited == []


@pytest.mark.parametrize("spread", [0.0, 60.0])
async def test_a_clock_that_is_set_back_makes_it_wait_no_longer_than_the_spread(
    spread: float,
) -> None:
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)
        await asyncio.sleep(0)

    of = msgspec.structs.replace(task(), spread=spread)
    await run_of(Endpoints(), of=of, pause=pause).run((), 1e9, lambda: 0.0)
    assert waited == [spread] * bool(spread)


async def test_once_stopped_nothing_more_is_sent_and_what_is_under_way_is_kept() -> None:
    asks, kept = Endpoints(), list[Answer]()
    asks.hold = asyncio.Event()
    run = run_of(asks, kept=kept)
    running = asyncio.create_task(run.run((), 0.0, time.time))
    while asks.total < 2:  # noqa: ASYNC110
        await asyncio.sleep(0)
    run.stop()
    asks.hold.set()
    assert await running == "interrupted"
    assert asks.total == len(kept) == 2


async def test_a_run_that_waits_for_its_second_pass_can_be_stopped() -> None:
    of = msgspec.structs.replace(task(), spread=3600.0)
    asks = Endpoints()
    run = run_of(asks, of=of, pause=asyncio.sleep)
    running = asyncio.create_task(run.run((), time.time(), time.time))
    while asks.total < 8:  # noqa: ASYNC110
        await asyncio.sleep(0)
    run.stop()
    async with asyncio.timeout(60):
        assert await running == "interrupted"


async def test_what_is_cancelled_is_counted_as_spent_and_the_rest_is_kept() -> None:
    asks, kept = Endpoints(), list[Answer]()
    asks.hold, asks.free = asyncio.Event(), 3
    run = run_of(asks, kept=kept)
    running = asyncio.create_task(run.run((), 0.0, time.time))
    while asks.total < 7 or asks.under_way.total() > 4:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert asks.under_way.total() == 4
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert run.purse.spent == Decimal("0.00006") * 3 + MOST * 4
    assert run.purse.is_idle
    assert len(kept) == 3


async def test_a_ledger_that_fails_for_a_while_loses_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.auditing.runner._KEEP_SECONDS", 0.001)
    kept, failed, loop = list[Answer](), asyncio.Event(), asyncio.get_running_loop()

    def keep(answers: Sequence[Answer]) -> None:
        if not failed.is_set():
            loop.call_soon_threadsafe(failed.set)
            raise LedgerError("locked")
        kept.extend(answers)

    asks = Endpoints()
    asks.hold, asks.free = asyncio.Event(), 3
    run = run_of(asks, keep=keep)
    running = asyncio.create_task(run.run((), 0.0, time.time))
    await failed.wait()
    asks.hold.set()
    assert await running == "finished"
    assert len({(each.tag, each.prompt, each.round) for each in kept}) == 16


async def test_while_the_ledger_is_away_nothing_more_is_paid_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Answers and receipts that wait in memory are lost with the process, their money is not."""
    monkeypatch.setattr("app.auditing.runner._KEEP_SECONDS", 0.001)
    away, kept, tried = True, list[Answer](), list[int]()

    def keep(answers: Sequence[Answer]) -> None:
        tried.append(len(answers))
        if away:
            raise LedgerError("away")
        kept.extend(answers)

    asks = Endpoints(lambda tag, _: reply(provider=tag.partition("/")[0]))
    run = run_of(asks, of=task(prompts=50), keep=keep)
    running = asyncio.create_task(run.run((), 0.0, time.time))
    while len(tried) < 20:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert asks.total <= MOST_UNKNOWN * 2
    away = False
    assert await running == "finished"
    assert len(kept) == asks.total == 200


async def test_a_run_that_waits_for_the_ledger_can_be_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.auditing.runner._KEEP_SECONDS", 0.001)
    tried = list[int]()

    def keep(answers: Sequence[Answer]) -> None:
        tried.append(len(answers))
        raise LedgerError("away")

    run = run_of(Endpoints(), of=task(prompts=50), keep=keep)
    running = asyncio.create_task(run.run((), 0.0, time.time))
    while len(tried) < 5:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    run.stop()
    with pytest.raises(LedgerError):  # of the last try
        async with asyncio.timeout(60):
            await running


async def test_an_endpoint_with_a_mad_price_does_not_keep_the_others_from_their_verdicts() -> None:
    of = task("novita/fp8", "novita/fp4", "mad", prompts=50)
    *usual, mad = of.plan.endpoints
    mad = replace(mad, completion_price=Decimal(10**9))
    of = msgspec.structs.replace(of, plan=replace(of.plan, endpoints=(*usual, mad)))
    asks = Endpoints(lambda tag, _: reply(provider=tag.partition("/")[0]))
    run = run_of(asks, of=of)
    assert await run.run((), 0.0, time.time) == "finished"
    assert {tag: len(asked) for tag, asked in asks.asked.items()} == {
        "novita/fp8": 100,
        "novita/fp4": 100,
    }
    assert run.standings["mad"].given_up == "a single request could cost more than the ceiling"
