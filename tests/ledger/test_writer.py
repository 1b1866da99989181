"""The writer: a request never feels the ledger, and the ledger gets what it can."""

import logging
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from app.errors import LedgerError
from app.ledger.bounds import bounded, weight_of
from app.ledger.late import LateCost
from app.ledger.listed import MOST_MODELS, Listed, Noted
from app.ledger.receipt import Receipt
from app.ledger.writer import MOST_COSTS_WAITING, Sink, Writer
from tests.ledger.receipts import START, receipt
from tests.waiting import wait_until


class Shelf:
    """A sink that keeps what it gets, if `trouble` doesn't prevent it."""

    def __init__(self, trouble: Callable[[], None] = lambda: None) -> None:
        self.trouble = trouble
        self.batches: list[list[str]] = []
        self.closed = 0
        self.to_tidy = 0
        self.listed: list[Listed] = []
        self.costs: list[list[LateCost]] = []

    @property
    def ids(self) -> list[str]:
        return [one for batch in self.batches for one in batch]

    def write(self, receipts: list[Receipt], /) -> int:
        self.trouble()
        self.batches.append([one.id for one in receipts])
        return 0

    def note_listings(self, listed: list[Listed], /) -> None:
        self.trouble()
        self.listed += listed

    def note_costs(self, costs: list[LateCost], /) -> None:
        self.trouble()
        self.batches.append([f"cost of {one.id}" for one in costs])
        self.costs.append(costs)

    def tidy(self) -> bool:
        self.to_tidy -= 1
        return self.to_tidy > 0

    def close(self) -> None:
        self.closed += 1


class Broken:
    """Trouble that lasts for so many calls."""

    def __init__(self, calls: int, error: Exception) -> None:
        self.calls, self.error, self.seen = calls, error, 0

    def __call__(self) -> None:
        self.seen += 1
        if self.seen <= self.calls:
            raise self.error


Start = Callable[..., Writer]


@pytest.fixture
def start() -> Iterator[Start]:
    writers: list[Writer] = []

    def start(open_sink: Callable[[], Sink], capacity: int = 10_000) -> Writer:
        writer = Writer(open_sink, capacity=capacity)
        writers.append(writer)
        writer.start()
        return writer

    yield start
    for writer in writers:
        writer.close(timeout=0.1)


def submit(writer: Writer, count: int) -> list[str]:
    receipts = [receipt() for _ in range(count)]
    for one in receipts:
        writer.submit(one)
    return [one.id for one in receipts]


def test_a_receipt_is_written_within_a_quarter_of_a_second(start: Start) -> None:
    shelf = Shelf()
    writer = start(lambda: shelf)
    took = []
    for number in range(1, 4):
        before = time.monotonic()
        submit(writer, 1)
        wait_until(lambda number=number: len(shelf.ids) == number)  # type: ignore[misc]
        took.append(time.monotonic() - before)
    assert statistics.median(took) < 2.5  # much longer than it takes on a machine that is not busy


def test_receipts_are_written_in_order_and_in_batches(start: Start) -> None:
    shelf = Shelf()
    writer = start(lambda: shelf)
    ids = submit(writer, 1300)
    wait_until(lambda: len(shelf.ids) == 1300)
    assert shelf.ids == ids
    assert max(len(batch) for batch in shelf.batches) <= 500
    assert len(shelf.batches) < 20


def test_the_sink_is_opened_beside_the_start_and_in_the_writing_thread() -> None:
    opened_in: list[str] = []
    shelf = Shelf()

    def open_sink() -> Sink:
        opened_in.append(threading.current_thread().name)
        return shelf

    writer = Writer(open_sink)
    assert opened_in == []
    writer.start()
    wait_until(lambda: bool(opened_in))
    writer.close()
    assert opened_in == ["ledger-writer"]


def test_submitting_never_waits_and_what_does_not_fit_is_counted(start: Start) -> None:
    stuck, entered = threading.Event(), threading.Event()

    def trouble() -> None:
        entered.set()
        stuck.wait(60)

    shelf = Shelf(trouble)
    writer = start(lambda: shelf, capacity=100)
    first = submit(writer, 1)
    assert entered.wait(5)
    before = time.perf_counter()
    rest = submit(writer, 5000)
    assert time.perf_counter() - before < 20  # nearly all of it for making the receipts
    assert (writer.pending, writer.dropped) == (100, 4901)
    stuck.set()
    wait_until(lambda: writer.pending == 0)
    assert shelf.ids == first + rest[:99]
    submit(writer, 1)
    assert writer.dropped == 4901


@pytest.mark.parametrize("error", [LedgerError("the disk is full"), ValueError("a defect")])
def test_a_store_that_fails_and_recovers_catches_up_without_loss(
    start: Start, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    shelf = Shelf(Broken(2, error))
    with caplog.at_level(logging.WARNING, logger="pointsman"):
        writer = start(lambda: shelf)
        ids = submit(writer, 20)
        wait_until(lambda: writer.error is not None)
        assert writer.error == str(error)
        ids += submit(writer, 20)
        wait_until(lambda: writer.error is None and writer.pending == 0)
        wait_until(lambda: len(caplog.messages) > 1)  # a thread of its own tells
    assert shelf.ids == ids
    assert writer.dropped == 0
    assert caplog.messages == [  # each once, however long it lasts
        f"{error}; receipts wait in memory",
        "the ledger works again",
    ]


def test_a_batch_is_written_once_though_a_later_one_fails(start: Start) -> None:
    seen = 0

    def second_fails() -> None:
        nonlocal seen
        seen += 1
        if seen == 2:
            raise LedgerError("away")

    shelf = Shelf(second_fails)
    ready = threading.Event()

    def open_sink() -> Sink:
        ready.wait(5)
        return shelf

    writer = start(open_sink)
    ids = submit(writer, 1200)
    ready.set()
    wait_until(lambda: writer.pending == 0)
    assert shelf.ids == ids


def test_a_ledger_that_cannot_be_opened_is_tried_again(start: Start) -> None:
    shelf, trouble = Shelf(), Broken(2, LedgerError("no such host"))

    def open_sink() -> Sink:
        trouble()
        return shelf

    writer = start(open_sink)
    ids = submit(writer, 5)
    wait_until(lambda: writer.error == "no such host")
    wait_until(lambda: shelf.ids == ids)
    assert trouble.seen == 3
    wait_until(lambda: writer.error is None)


def test_an_error_without_words_is_named_by_its_type(start: Start) -> None:
    writer = start(lambda: Shelf(Broken(10**6, MemoryError())))
    submit(writer, 1)
    wait_until(lambda: writer.error == "MemoryError")


@pytest.mark.parametrize("failures", [0, 3])
def test_closing_writes_all_that_waits_and_closes_the_sink(start: Start, failures: int) -> None:
    shelf = Shelf(Broken(failures, LedgerError("for a moment")))
    writer = start(lambda: shelf)
    ids = submit(writer, 1200)
    writer.close(timeout=5)
    assert shelf.ids == ids
    assert (writer.pending, shelf.closed) == (0, 1)


def test_tidying_goes_on_between_batches_until_there_is_nothing_left_to_do(start: Start) -> None:
    shelf = Shelf()
    shelf.to_tidy = 3
    writer = start(lambda: shelf)
    wait_until(lambda: shelf.to_tidy == 0)
    submit(writer, 1)
    wait_until(lambda: len(shelf.ids) == 1)
    time.sleep(0.25)
    assert shelf.to_tidy == 0  # the next time is a minute away


def test_closing_an_idle_writer_is_quick(start: Start) -> None:
    shelf = Shelf()
    writer = start(lambda: shelf)
    before = time.monotonic()
    writer.close()
    assert time.monotonic() - before < 5


def test_a_writer_whose_ledger_never_opened_closes_too(start: Start) -> None:
    def open_sink() -> Sink:
        raise LedgerError("no such host")

    writer = start(open_sink)
    submit(writer, 1)
    wait_until(lambda: writer.error is not None)
    writer.close(timeout=0.2)
    assert writer.pending == 1


@pytest.mark.parametrize("how", ["fails", "hangs"])
def test_closing_gives_up_in_time_and_says_how_many_are_lost(
    start: Start, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    stuck = threading.Event()

    def trouble() -> None:
        if how == "fails":
            raise LedgerError("no space left")
        stuck.wait(60)

    writer = start(lambda: Shelf(trouble))
    submit(writer, 7)
    before = time.monotonic()
    with caplog.at_level(logging.ERROR, logger="pointsman"):
        writer.close(timeout=0.3)
    assert time.monotonic() - before < 20
    assert caplog.messages[-1].startswith("7 receipts could not be written: ")
    stuck.set()


def test_the_queue_is_bounded_in_bytes_too() -> None:
    """A client that sends large objects can't make it take more memory than many small ones."""
    stuck, entered = threading.Event(), threading.Event()

    def trouble() -> None:
        entered.set()
        stuck.wait(60)

    shelf = Shelf(trouble)
    writer = Writer(lambda: shelf, capacity_bytes=1_000_000)
    writer.start()
    submit(writer, 1)
    assert entered.wait(5)
    large = bounded(receipt(preferences_sent={"only": ["x" * 500] * 1000}))
    for _ in range(100):
        writer.submit(large)
    assert 20 < writer.pending < 60  # of some 25 kB each
    assert writer.pending_bytes <= 1_000_000
    assert writer.dropped == 101 - writer.pending
    stuck.set()
    wait_until(lambda: writer.pending == 0)
    assert writer.pending_bytes == 0
    writer.submit(large)
    wait_until(lambda: writer.pending == 0)
    assert shelf.ids[-1] == large.id
    writer.close()


# --- the listings that receipts are judged by ---------------------------------------------------


def listed(minute: int, digest: str = "d1", model: str = "a/b") -> Listed:
    return Listed(model, digest, START + timedelta(minutes=minute), b"rows")


def test_a_listing_goes_with_the_first_receipt_that_was_judged_by_it(start: Start) -> None:
    """And again once it changed, changed back, or was fetched an hour later."""
    shelf = Shelf()
    writer = start(lambda: shelf)
    came = [(0, "d1"), (0, "d1"), (30, "d1"), (31, "d2"), (32, "d1"), (91, "d1"), (92, "d1")]
    for minute, digest in came:
        writer.submit(receipt(), listed(minute, digest))
    writer.submit(receipt())
    wait_until(lambda: len(shelf.ids) == len(came) + 1)
    news = [(0, "d1"), (31, "d2"), (32, "d1"), (92, "d1")]
    assert shelf.listed == [listed(minute, digest) for minute, digest in news]


def test_a_listing_that_could_not_be_written_is_written_later(start: Start) -> None:
    shelf = Shelf(Broken(1, LedgerError("disk full")))
    writer = start(lambda: shelf)
    writer.submit(receipt(), listed(0))
    wait_until(lambda: len(shelf.ids) == 1)
    assert shelf.listed == [listed(0)]


def test_a_listing_weighs_in_the_queue_and_is_not_forgotten_with_a_receipt_that_is_dropped() -> (
    None
):
    writer = Writer(Shelf, capacity_bytes=50_000)
    heavy = listed(0)._replace(body=b"x" * 60_000)
    writer.submit(receipt(), heavy)
    assert (writer.pending, writer.dropped) == (0, 1)
    writer.submit(receipt(), listed(1))
    writer.submit(receipt(), listed(2))
    assert writer.pending == 2
    assert writer.pending_bytes == 2 * weight_of(receipt()) + len(b"rows")


def test_the_models_whose_listing_is_remembered_are_bounded() -> None:
    noted = Noted()
    for number in range(MOST_MODELS + 1):
        noted.note(listed(0, model=f"a/{number}"))
    assert noted.is_news(listed(0, model="a/0"))
    assert not noted.is_news(listed(0, model="a/1"))


def test_it_says_whether_all_that_was_submitted_before_some_moment_is_written(
    start: Start,
) -> None:
    trouble = Broken(10**6, LedgerError("it is away"))
    shelf = Shelf(trouble)
    writer = start(lambda: shelf)
    assert writer.has_written(0.0)
    writer.submit(receipt())
    assert not writer.has_written(0.0)
    time.sleep(0.02)
    assert not writer.has_written(0.01)
    assert writer.has_written(60.0)  # nothing has waited for a minute
    trouble.calls = 0
    wait_until(lambda: writer.has_written(0.0))


def cost_of(receipt_id: str) -> LateCost:
    return LateCost(id=receipt_id, cost_usd=Decimal("0.25"))


def test_a_late_cost_is_written_after_the_receipts_that_were_submitted_before_it(
    start: Start,
) -> None:
    shelf = Shelf(Broken(3, LedgerError("away")))
    writer = start(lambda: shelf)
    (first,) = submit(writer, 1)
    assert writer.submit_cost(cost_of(first))
    (second,) = submit(writer, 1)
    wait_until(lambda: not writer.pending and shelf.costs)
    assert shelf.ids.index(first) < shelf.ids.index(f"cost of {first}")
    assert second in shelf.ids
    assert shelf.costs == [[cost_of(first)]]


def test_a_late_cost_that_waits_is_neither_written_nor_forgotten() -> None:
    """What reads all sums anew has to know that one is missing; a stop waits for it."""
    shelf = Shelf()
    writer = Writer(lambda: shelf)
    assert writer.has_written(0.0)
    assert writer.submit_cost(cost_of("rcp_1"))
    time.sleep(0.002)
    assert not writer.has_written(0.001)
    assert writer.oldest_waiting_seconds > 0.0
    writer.start()
    writer.close()
    assert shelf.costs == [[cost_of("rcp_1")]]
    assert writer.has_written(0.0)


def test_there_is_a_bound_to_the_late_costs_that_wait() -> None:
    writer = Writer(Shelf)
    told = [writer.submit_cost(cost_of("rcp_1")) for _ in range(MOST_COSTS_WAITING + 1)]
    assert told == [True] * MOST_COSTS_WAITING + [False]


def test_late_costs_that_are_lost_at_the_end_are_told(caplog: pytest.LogCaptureFixture) -> None:
    away = Shelf(Broken(10**6, LedgerError("away")))
    writer = Writer(lambda: away)
    writer.submit_cost(cost_of("rcp_1"))
    writer.start()
    writer.close(timeout=0.1)
    assert caplog.messages[-1] == "1 late costs could not be written: away"
