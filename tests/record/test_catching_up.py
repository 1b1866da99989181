"""Answers that are read later than they are passed on, and the loop meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.ledger.receipt import Receipt
from app.openrouter.catalog_feed import CatalogFeed
from app.record.catching_up import CatchingUp, caught_up
from app.record.conversations import Conversations
from app.record.exchange import Answer, Arrival, Exchange
from app.record.recorder import Recorder
from app.server.process import Traffic
from app.telemetry.tallies import Tallies
from app.telemetry.telemetry import Telemetry
from app.wire.dialect import DIALECTS
from tests.budget.accounts import NO_BUDGETS

CHAT = DIALECTS["/chat/completions"]
TINY = b"data: {}\n\n" * 26_000
TOKEN = b'data: {"provider":"A","choices":[{"delta":{"content":"x"}}]}\n\n'


def answer(catching_up: CatchingUp) -> Answer:
    exchange = Exchange(Arrival("rcp_1", "/v1/chat/completions", CHAT), {}, catching_up.note)
    return exchange.begin_answer(200, [(b"content-type", b"text/event-stream")])


async def turns_of_the_loop(until: asyncio.Event) -> int:
    turns = 0
    while not until.is_set():
        await asyncio.sleep(0)
        turns += 1
    return turns


async def test_twenty_streams_of_tiny_events_hold_nobody_up() -> None:
    """In one go each takes 60 ms; a little in each turn of the loop, all take hundreds of turns."""
    catching_up, done = CatchingUp(), asyncio.Event()
    streams = [answer(catching_up) for _ in range(20)]
    turns = asyncio.create_task(turns_of_the_loop(done))
    for stream in streams:
        stream.saw(TINY)
        await asyncio.sleep(0)
    assert all(stream.behind for stream in streams)
    while any(stream.behind for stream in streams):  # noqa: ASYNC110 - there is no such event
        await asyncio.sleep(0.01)
    done.set()
    assert await turns > 100


async def test_a_token_is_noticed_later_too() -> None:
    catching_up = CatchingUp()
    stream = answer(catching_up)
    stream.saw(TINY + TOKEN)
    before = stream.first_token
    await caught_up(stream)
    assert before is None
    assert stream.first_token
    await asyncio.sleep(0)  # whoever was to read it finds that it is read
    assert not stream.behind


async def test_an_answer_without_an_observer_is_never_behind() -> None:
    made = Exchange(Arrival("", "", None)).begin_answer(200, [])
    made.saw(TINY)
    made.read_on()
    await caught_up(made)
    assert not made.behind


@pytest.fixture
async def recorder() -> AsyncIterator[tuple[Recorder, list[Receipt]]]:
    submitted: list[Receipt] = []

    async def get(_path: str) -> tuple[int, bytes]:
        return 503, b""

    telemetry = Telemetry(Tallies(lambda _: None), None)
    feed = CatalogFeed(get)
    made = Recorder(
        feed=feed,
        submit=lambda receipt, _: submitted.append(receipt),
        telemetry=telemetry,
        traffic=Traffic(),
        conversations=Conversations(idle=600.0),
        accounts=NO_BUDGETS,
    )
    yield made, submitted
    await feed.close()


async def one_stream(recorder: Recorder) -> None:
    scope: Any = {"type": "http", "path": "/v1/chat/completions", "headers": []}

    async def send(_message: Any) -> None:
        """Nobody reads it."""

    async with recorder.exchange(scope, send, CHAT) as made:
        answer = made.begin_answer(200, [(b"content-type", b"text/event-stream")])
        answer.saw(TINY + TOKEN + b"data: [DONE]\n\n")
        made.complete = True


async def test_a_receipt_is_filed_when_its_answer_has_been_read(
    recorder: tuple[Recorder, list[Receipt]],
) -> None:
    made, submitted = recorder
    await one_stream(made)
    await asyncio.sleep(0)
    assert submitted == []
    for _ in range(300):
        await asyncio.sleep(0.01)
        if submitted:
            break
    assert [receipt.ending for receipt in submitted] == ["complete"]
    assert submitted[0].ttft_ms is not None


async def test_who_closes_files_what_has_not_been_read_yet(
    recorder: tuple[Recorder, list[Receipt]],
) -> None:
    made, submitted = recorder
    await one_stream(made)
    await made.close()
    assert len(submitted) == 1
