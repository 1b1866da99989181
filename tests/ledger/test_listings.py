"""Listings: each kept once, found by digest and by time, and deleted by age and size."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.errors import LedgerError
from app.ledger import listings
from app.ledger.keep import Keep
from app.ledger.listed import Listed
from app.ledger.listings import Span
from app.ledger.store import Store
from tests.ledger.receipts import START, receipt

MODEL = "qwen/qwen3-coder"


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def listed(hours: float, digest: str, model: str = MODEL, body: bytes = b"") -> Listed:
    return Listed(model, digest, at(hours), body or digest.encode())


def span(since: float, until: float, digest: str) -> Span:
    return Span(MODEL, at(since), at(until), digest)


def spans(store: Store) -> list[Span]:
    return store.listing_spans(model=MODEL, limit=100)


def count(engine: sa.Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0)  # noqa: S608


def test_a_listing_is_kept_once_however_often_it_is_seen(store: Store, engine: sa.Engine) -> None:
    for hour in range(5):
        store.note_listings([listed(hour, "a")])
    assert (store.listing("a"), store.listing("b")) == (b"a", None)
    assert spans(store) == [span(0, 4, "a")]
    assert count(engine, "listings") == 1
    with engine.connect() as connection:
        row = connection.exec_driver_sql("SELECT first_seen, last_seen, size FROM listings").one()
    assert row == (at(0).timestamp() * 1000, at(4).timestamp() * 1000, 1)


def test_a_listing_that_comes_back_has_two_spans_and_one_body(store: Store) -> None:
    store.note_listings([listed(0, "a"), listed(1, "a"), listed(2, "b")])
    store.note_listings([listed(3, "a"), listed(3, "x", model="other/model")])
    assert spans(store) == [span(3, 3, "a"), span(2, 2, "b"), span(0, 1, "a")]
    assert store.listing_spans(digest="a", limit=1) == [span(3, 3, "a")]
    assert store.listing_spans(model=MODEL, until=at(2.5), limit=1) == [span(2, 2, "b")]
    assert store.listing_spans(model=MODEL, until=at(-1), limit=1) == []


def test_replicas_with_copies_of_different_age_agree(open_store: Callable[[], Store]) -> None:
    """One still has the listing of an hour ago: its sighting counts as of then."""
    first, second = open_store(), open_store()
    first.note_listings([listed(0, "a")])
    second.note_listings([listed(2, "b")])
    first.note_listings([listed(1, "a")])
    second.note_listings([listed(2, "b"), listed(3, "b")])
    assert spans(first) == spans(second) == [span(2, 3, "b"), span(0, 1, "a")]


@pytest.mark.parametrize(
    "order", list(permutations([listed(0, "a"), listed(0, "b"), listed(0, "a")]))
)
def test_two_listings_of_one_moment_leave_one_span(store: Store, order: list[Listed]) -> None:
    """As of two replicas whose fetches met a change: whichever is first."""
    store.note_listings(order)
    assert [(each.since, each.until) for each in spans(store)] == [(at(0), at(0))]


def test_writers_at_once_do_not_hinder_each_other(
    open_store: Callable[[], Store], engine: sa.Engine
) -> None:
    troubles: list[Exception] = []

    def write(store: Store) -> None:
        try:
            for hour in range(20):
                store.note_listings([listed(hour, f"d{hour // 5}")])
                store.write([receipt()])
        except LedgerError as error:
            troubles.append(error)

    threads = [threading.Thread(target=write, args=(open_store(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert (count(engine, "listings"), count(engine, "receipts")) == (4, 60)
    assert spans(open_store())[::-1] == [span(5 * n, 5 * n + 4, f"d{n}") for n in range(4)]


def test_a_listing_that_can_not_be_stored_holds_up_nothing(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    odd = listed(0, "a")._replace(digest=None)  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        store.note_listings([odd, listed(1, "b")])
    assert caplog.text.count("a listing can't be stored") == 1
    assert [found.digest for found in spans(store)] == ["b"]
    store.write([receipt()])
    assert len(store.recent(limit=2)) == 1


def test_a_ledger_that_can_not_be_written_says_so(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/ledger.sqlite")
    with sa.create_engine(f"sqlite:///{tmp_path}/ledger.sqlite").begin() as connection:
        connection.exec_driver_sql("DROP TABLE listing_spans")
    with pytest.raises(LedgerError, match="can't write to the ledger"):
        store.note_listings([listed(0, "a")])
    store.close()


# --- retention --------------------------------------------------------------------------------


def tidied(store: Store, now: datetime) -> int:
    times = 1
    while store.tidy(now):
        times += 1
        assert times < 100
    return times


def test_listings_go_by_age_with_their_spans(url: str, engine: sa.Engine) -> None:
    store = Store.open(url, Keep(listings_age=timedelta(days=400)))
    for day in range(500):
        store.note_listings([listed(24 * day, f"d{day}")])
    assert tidied(store, at(24 * 500)) >= 2  # a few at a time
    left = store.listing_spans(model=MODEL, limit=1000)
    assert [left[-1].digest, left[0].digest] == ["d100", "d499"]
    assert count(engine, "listings") == count(engine, "listing_spans") == 400
    store.close()


def test_an_old_span_goes_though_its_listing_is_back(url: str) -> None:
    store = Store.open(url, Keep(listings_age=timedelta(days=400)))
    store.note_listings([listed(0, "a"), listed(24, "b"), listed(24 * 450, "a")])
    tidied(store, at(24 * 451))
    assert spans(store) == [span(24 * 450, 24 * 450, "a")]
    assert (store.listing("a"), store.listing("b")) == (b"a", None)
    store.close()


def test_age_spares_the_time_that_receipts_are_left_of(url: str) -> None:
    store = Store.open(url, Keep(listings_age=timedelta(days=1)))
    store.write([receipt(3600 * 24 * 10)])
    for day in range(20):
        store.note_listings([listed(24 * day, f"d{day}")])
    tidied(store, at(24 * 30))
    # A receipt of the tenth day may have been judged by a listing of the ninth.
    assert [spans(store)[-1].digest, len(spans(store))] == ["d9", 11]
    store.close()


def test_the_size_limit_takes_the_oldest_whatever_refers_to_it(url: str) -> None:
    store = Store.open(url, Keep(listings_age=timedelta(days=400), listings_megabytes=0.5))
    for number in range(400):
        store.note_listings([listed(number, f"d{number}", body=b"x" * 4000)])
    store.write([receipt(listing="d0")])
    tidied(store, at(500))
    left = store.listing_spans(model=MODEL, limit=1000)
    assert left[0].digest == "d399"
    assert 50 < len(left) < 125
    assert store.listing("d0") is None
    assert store.listing("d399") == b"x" * 4000
    assert len(store.recent(limit=2)) == 1
    store.close()


def test_the_number_of_spans_is_bounded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing that changes to and fro with each fetch would make 17,000 a year, of each model."""
    monkeypatch.setattr(listings, "MOST_SPANS", 50)
    store = Store.open(url, Keep(listings_megabytes=10))
    for number in range(120):
        store.note_listings([listed(number, f"d{number % 2}")])
    tidied(store, at(200))
    left = spans(store)
    assert (len(left), left[0].since, left[-1].since) == (50, at(119), at(70))
    store.close()


def test_the_size_of_the_ledger_is_that_of_receipts_alone(tmp_path: Path) -> None:
    """Otherwise the history of listings would push out every receipt."""
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    store = Store.open(url, Keep(megabytes=1.0, listings_megabytes=100))
    for number in range(100):
        store.note_listings([listed(number, f"d{number}", body=b"x" * 50_000)])
    store.write([receipt(number) for number in range(100)])
    assert not store.tidy(at(200))
    assert len(store.recent(limit=200)) == 100
    store.close()
