"""The live tail."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from app.dashboard.live import event, live
from app.dashboard.tail import MOST_AT_ONCE, News, Tail
from app.errors import LedgerError
from app.ledger.receipt import Receipt
from app.ledger.wanted import Wanted
from tests.dashboard.conftest import Serve, Served
from tests.dashboard.samples import sample
from tests.waiting import wait_until


@contextmanager
def following(served: Served, query: str = "", **headers: str) -> Iterator[Iterator[str]]:
    """The lines of a live tail."""
    url = f"{served.url}/dashboard/live{query}"
    with served.client.stream("GET", url, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield answer.iter_lines()


def until(lines: Iterator[str], name: str) -> dict[str, str]:
    """The next event of that name: its id and its data."""
    found: dict[str, str] = {}
    for line in lines:
        if not line and found.get("event") == name:
            return found
        if not line:
            found = {}
        field, _, value = line.partition(": ")
        found[field] = f"{found[field]}\n{value}" if field == "data" and "data" in found else value
    pytest.fail(f"the stream ended before an event {name}")


def test_a_request_made_while_somebody_looks_appears_as_its_row(serve: Serve) -> None:
    served = serve(sample(5))
    with following(served) as lines:
        until(lines, "well")
        served_by = served.ask("qwen/qwen3-coder").headers["x-pointsman-receipt"]
        told = until(lines, "receipts")
    assert f'data-receipt="{served_by}"' in told["data"]
    assert told["data"].count("<tr") == 1


def test_a_stream_goes_on_where_the_last_one_broke(serve: Serve) -> None:
    served = serve(sample(3), sample(2), sample(1))
    with following(served, "?after=1") as lines:
        first = until(lines, "receipts")
    assert first["data"].count("<tr") == 2
    with following(served, "?after=0", **{"last-event-id": first["id"]}) as lines:
        until(lines, "well")


@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 30, "\u0663", ""])
def test_a_cursor_that_is_none_begins_with_what_comes(serve: Serve, cursor: str) -> None:
    with following(serve(sample()), f"?after={cursor}") as lines:
        assert until(lines, "well")["id"] == "1"


def test_only_what_fits_the_filter_is_told(serve: Serve) -> None:
    served = serve(sample(2, provider="novita"), sample(1, provider="groq"))
    with following(served, "?after=0&provider=groq") as lines:
        assert until(lines, "receipts")["data"].count("<tr") == 1


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_t40_no_other_site_can_hold_a_stream_open(serve: Serve, site: str) -> None:
    answer = serve().get("/dashboard/live", headers={"sec-fetch-site": site})
    assert answer.status_code == 403


def test_a_viewer_who_leaves_is_noticed_and_stopping_does_not_wait_for_one_who_stays(
    serve: Serve,
) -> None:
    served = serve()
    with following(served) as lines:
        until(lines, "well")
        open_requests = served.get("/ready").json()["open"]
    wait_until(lambda: served.get("/ready").json()["open"] < open_requests)
    with following(served) as lines:
        until(lines, "well")
        stopping = time.monotonic()
        threading.Timer(0.1, served.server.server.handle_exit, (15, None)).start()
        assert [line for line in lines if line.startswith("event: ")] == []
        assert time.monotonic() - stopping < 5


def test_an_event_has_a_line_of_data_for_each_line_of_text() -> None:
    assert event("trouble", "a\nb", 7) == "id: 7\nevent: trouble\ndata: a\ndata: b\n\n"
    assert event("well", "") == "event: well\ndata: \n\n"


# --- the tail by itself -----------------------------------------------------------------------


class Ledger:
    """A store of which only the following is asked."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.trouble = False

    def end(self) -> int:
        self._check()
        return len(self.receipts)

    def written_after(
        self, cursor: int, wanted: Wanted, *, limit: int
    ) -> tuple[int, list[Receipt]]:
        self._check()
        assert wanted == Wanted()
        found = self.receipts[cursor : cursor + limit]
        return cursor + len(found), found

    def _check(self) -> None:
        if self.trouble:
            raise LedgerError("can't read the ledger: disk on fire")


async def stays() -> bool:
    return False


def tail_of(ledger: Ledger, *, leaving: bool = False, **options: float) -> Tail:
    return Tail(
        lambda: ledger,  # type: ignore[arg-type, return-value]
        leaving=lambda: leaving,
        viewers=int(options.get("viewers", 2)),
        seconds=options.get("seconds", 2.0),
        every=options.get("every", 0.05),
    )


async def test_a_tail_tells_each_receipt_once_and_in_order() -> None:
    ledger = Ledger()
    told: list[News] = []
    async for news in tail_of(ledger).follow(None, stays):
        told.append(news)
        ledger.receipts.append(sample())
        if len(told) == 4:
            break
    assert [receipt for news in told for receipt in news.receipts] == ledger.receipts[:3]


async def test_a_ledger_in_trouble_is_tried_again_from_the_same_place() -> None:
    ledger = Ledger()
    ledger.receipts = [sample(), sample()]
    told: list[News] = []
    async for news in tail_of(ledger).follow(1, stays):
        told.append(news)
        ledger.trouble = len(told) == 1
        if len(told) == 3:
            break
    assert [news.trouble for news in told] == [None, "can't read the ledger: disk on fire", None]
    assert told[0].receipts == ledger.receipts[1:]
    assert (told[2].cursor, told[2].receipts) == (2, [])


async def test_a_ledger_in_trouble_from_the_beginning_is_followed_from_when_it_is_well() -> None:
    ledger = Ledger()
    ledger.receipts, ledger.trouble = [sample()], True
    told: list[News] = []
    async for news in tail_of(ledger).follow(None, stays):
        told.append(news)
        ledger.trouble = False
        if len(told) == 2:
            break
    assert told[0].trouble
    assert told[1] == News(1)


async def test_a_tail_ends_when_the_viewer_or_the_server_leaves_or_its_time_is_up() -> None:
    async def gone() -> bool:
        return True

    ledger = Ledger()
    assert [news async for news in tail_of(ledger).follow(None, gone)] == []
    assert [news async for news in tail_of(ledger, leaving=True).follow(None, stays)] == []
    assert len([news async for news in tail_of(ledger, seconds=0.1).follow(None, stays)]) == 2


async def test_viewers_are_counted_and_leave_room_when_they_go() -> None:
    tail = tail_of(Ledger(), viewers=1)
    stream = tail.follow(None, stays)
    await anext(stream)
    assert (tail.viewers, tail.is_full) == (1, True)
    await asyncio.wait_for(stream.aclose(), 1)  # type: ignore[attr-defined]
    assert (tail.viewers, tail.is_full) == (0, False)


async def test_one_viewer_too_many_gets_nothing_however_many_come_at_once() -> None:
    tail = tail_of(Ledger(), viewers=2)
    answers = [live(tail, asking()) for _ in range(5)]  # let in before any of them looks
    assert [answer.status_code for answer in answers] == [200] * 5
    streams = [tail.follow(None, stays) for _ in range(5)]
    first = await asyncio.gather(*(anext(stream, None) for stream in streams))
    assert [news is not None for news in first] == [True, True, False, False, False]
    assert tail.viewers == 2
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]


async def test_a_viewer_who_falls_behind_is_taken_to_the_newest_receipts() -> None:
    ledger = Ledger()
    ledger.receipts = [sample() for _ in range(1000)]
    news = await anext(tail_of(ledger).follow(0, stays))
    assert news.receipts == ledger.receipts[-MOST_AT_ONCE:]
    assert news.cursor == 1000


async def test_t64_a_silent_ledger_holds_up_the_tail_and_nothing_else_that_runs_in_threads() -> (
    None
):
    silent = threading.Event()

    class Silent(Ledger):
        def end(self) -> int:
            silent.wait(60)
            return super().end()

    tail = tail_of(Silent(), viewers=64)
    streams = [tail.follow(None, stays) for _ in range(64)]
    looks = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await asyncio.sleep(0.1)
    began = time.monotonic()
    assert await asyncio.to_thread(lambda: "decoded") == "decoded"
    assert time.monotonic() - began < 20
    silent.set()
    await asyncio.gather(*looks)
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]


def asking() -> Request:
    """A request of a viewer who stays."""
    scope: dict[str, Any] = {
        "type": "http",
        "headers": [],
        "query_string": b"",
        "path": "/dashboard/live",
        "reads": None,
    }
    return Request(scope, asyncio.Event().wait)  # type: ignore[arg-type]


async def test_when_too_many_look_the_next_one_is_asked_to_come_back() -> None:
    answer = live(tail_of(Ledger(), viewers=0), asking())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


async def test_viewers_are_told_of_trouble_and_when_it_is_over() -> None:
    ledger = Ledger()
    ledger.trouble = True
    answer = live(tail_of(ledger), asking())
    assert isinstance(answer, StreamingResponse)
    told: list[str] = []
    async for chunk in answer.body_iterator:
        told.append(str(chunk).split("\n")[0])
        ledger.trouble = len(told) < 3
        if len(told) == 4:
            break
    assert told == ["retry: 2000", "event: trouble", "event: trouble", "id: 0"]


async def test_a_quiet_stream_is_kept_open() -> None:
    answer = live(tail_of(Ledger(), seconds=60, every=0.001), asking())
    assert isinstance(answer, StreamingResponse)
    async for chunk in answer.body_iterator:
        if str(chunk).startswith(":"):
            return
    pytest.fail("nothing said that the stream is alive")
