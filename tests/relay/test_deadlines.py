"""The timer of a request's deadlines, without sockets: what is progress, and whose time it is."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.errors import DeadlineMissed, FirstTokenMissed, StallMissed, TotalMissed
from app.openrouter.transport import Sink, Upstream
from app.policy.deadlines import Deadlines
from app.record.catching_up import CatchingUp
from app.record.exchange import Arrival, Exchange
from app.relay.deadlines import Watch
from app.server.disconnect import WHEN_LEFT, while_caller_stays
from app.wire.dialect import DIALECTS
from app.wire.headers import RawHeaders
from tests.policy.sending import book_of, route

HEAD = [(b"content-type", b"text/event-stream")]
COMMENT = b": OPENROUTER PROCESSING\n\n"
TOKEN = b'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n'
SILENT = 30.0
SCOPE: dict[str, Any] = {"type": "http", "extensions": {WHEN_LEFT: lambda _: None}}


class Playing:
    """An upstream that plays pieces, and waits for so many seconds between them."""

    status = 200

    def __init__(self, *steps: bytes | float, headers: RawHeaders = HEAD) -> None:
        self.headers = headers
        self.steps = steps
        self.ended = False

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            for step in self.steps:
                if isinstance(step, bytes):
                    yield step
                else:
                    await asyncio.sleep(step)
        finally:
            self.ended = True

    async def pour(self, sink: Sink) -> None:
        """All of it is left to `chunks`."""

    async def aclose(self) -> None:
        """There is nothing to close."""


def _watch(exchange: Exchange, **deadlines: str) -> Watch:
    found = route(book_of(deadlines), {"model": "a/a"})
    assert isinstance(found.deadlines, Deadlines)
    return Watch(found, found.deadlines, exchange, while_caller_stays(SCOPE, _receive))


async def _receive() -> dict[str, Any]:
    raise AssertionError("the server calls back")


async def _followed(
    upstream: Upstream, *, path: str = "/chat/completions", reading: float = 0, **deadlines: str
) -> Exchange:
    """Follow an answer to its end, with a client that takes so many seconds to read a piece."""
    exchange = Exchange(Arrival("rcp_1", path, DIALECTS.get(path)), when_behind=CatchingUp().note)
    watch = _watch(exchange, **deadlines)
    answer = exchange.begin_answer(upstream.status, upstream.headers)
    with watch:
        async for chunk in watch.following(upstream):
            answer.saw(chunk)
            await asyncio.sleep(reading)
    return exchange


async def test_a_client_that_reads_slowly_is_not_a_provider_that_stalls() -> None:
    playing = Playing(TOKEN, COMMENT, TOKEN)
    await _followed(playing, reading=0.3, first_token="150ms", stall="150ms")
    assert playing.ended


async def test_the_clock_goes_on_where_it_stood_once_the_client_has_read() -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(StallMissed):
        await _followed(Playing(TOKEN, COMMENT, SILENT), reading=0.2, stall="100ms")
    assert 0.4 < asyncio.get_running_loop().time() - began < SILENT / 2


async def test_events_without_a_token_do_not_put_off_the_first() -> None:
    empty = TOKEN.replace(b'"a"', b'""')
    steps = [step for _ in range(100) for step in (empty, 0.05)]
    with pytest.raises(FirstTokenMissed):
        await _followed(Playing(*steps), first_token="200ms", stall="10s")


@pytest.mark.parametrize("first_token", [{}, {"first_token": "10s"}])
@pytest.mark.parametrize("reading", [0, 0.3])
async def test_a_deadline_that_is_far_away_hides_none_that_is_near(
    first_token: dict[str, str], reading: float
) -> None:
    """Neither as the answer begins, nor once the client has read what came."""
    playing = Playing(TOKEN, TOKEN, SILENT)
    deadlines = {"stall": "200ms", "total": "20s", **first_token}
    with pytest.raises(StallMissed):
        await _followed(playing, reading=reading, **deadlines)


async def test_a_client_that_reads_slowly_uses_up_the_total() -> None:
    with pytest.raises(TotalMissed) as missed:
        await _followed(Playing(TOKEN, TOKEN), reading=5, stall="10s", total="150ms")
    assert missed.value.last_words == b""  # it may be in the middle of the piece


async def test_a_token_among_more_events_than_can_be_read_at_once_is_a_beginning() -> None:
    """The rest of them is read after the client has taken them all."""
    many = TOKEN.replace(b'"a"', b'""') * 3000 + TOKEN
    exchange = await _followed(Playing(many, 0.4, TOKEN), first_token="200ms")
    assert exchange.answer.first_token is not None
    with pytest.raises(StallMissed):
        await _followed(Playing(many, SILENT), first_token="200ms", stall="200ms")


async def test_a_stream_of_a_kind_without_tokens_begins_with_its_first_event() -> None:
    steps = (COMMENT, b'data: {"type": "partial"}\n\n', 0.4, b"data: [DONE]\n\n")
    await _followed(Playing(*steps), path="/images", first_token="200ms")
    with pytest.raises(DeadlineMissed) as missed:
        await _followed(Playing(COMMENT, SILENT), path="/images", first_token="200ms")
    assert missed.value.code == "first_token_deadline"
    assert b"first_token_deadline" in missed.value.last_words


async def test_events_that_arrive_faster_than_they_are_read_are_progress_byte_by_byte() -> None:
    """Beyond a bound they are passed on unread, and so is what follows."""
    flood = b"data: {}\n\n" * 900_000
    await _followed(Playing(flood, 0.1, b"data: ", 0.1, b"x"), first_token="1s", stall="150ms")


async def test_an_answer_of_no_dialect_begins_with_its_first_byte() -> None:
    playing = Playing(b" ", b"{", SILENT)
    with pytest.raises(StallMissed) as missed:
        await _followed(playing, path="/files", first_token="100ms", stall="200ms")
    assert missed.value.last_words == b""


async def test_when_the_block_is_over_no_timer_is_left() -> None:
    exchange = Exchange(Arrival("rcp_1", "/chat/completions", None))
    watch = _watch(exchange, total="1h", first_token="10s")
    with watch:
        pass
    held = weakref.ref(watch)
    del watch
    gc.collect()
    assert held() is None
