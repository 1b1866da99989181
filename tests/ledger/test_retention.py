"""Retention: the oldest goes, a little at a time, and what it added up to stays."""

import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.ledger.keep import EVERYTHING_KEPT, Keep
from app.ledger.spans import BLOCK, DAY, HOUR, moment_of
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from tests.ledger.receipts import START, receipt
from tests.ledger.traffic import sums, traffic

YEARS = [receipt(86_400 * day + 0.5, prompt_tokens=7, ttft_ms=100.0) for day in range(0, 1000, 4)]
NOW = START + timedelta(days=1000)


def tidy(store: Store) -> int:
    """Tidy until nothing is left to do; how often it took."""
    times = 1
    while store.tidy(NOW):
        times += 1
    return times


def oldest(engine: sa.Engine, span: int) -> int:
    with engine.connect() as connection:
        query = sa.text("SELECT min(start) FROM tallies WHERE span = :span")
        found = connection.scalar(query, {"span": span})
    assert found is not None
    return int(found)


def test_receipts_go_by_age_and_their_figures_stay(url: str, engine: sa.Engine) -> None:
    store = Store.open(url, Keep(age=timedelta(days=90)))
    store.write(YEARS)
    whole = store.stats().total
    tidy(store)
    left = store.recent(limit=1000)
    assert min(one.started_at for one in left) >= NOW - timedelta(days=90)
    assert len(left) == sum(one.started_at >= NOW - timedelta(days=90) for one in YEARS)
    assert store.stats().total == whole
    assert NOW - timedelta(days=92) < moment_of(oldest(engine, HOUR)) < NOW - timedelta(days=85)
    assert NOW - timedelta(days=835) < moment_of(oldest(engine, DAY)) < NOW - timedelta(days=795)
    assert moment_of(oldest(engine, BLOCK)) < START
    assert not store.tidy(NOW)
    store.close()


@pytest.mark.parametrize("days", [10, 120, 500, 950])
def test_figures_from_before_are_of_whole_days_and_say_so(url: str, days: int) -> None:
    store = Store.open(url, Keep(age=timedelta(days=5)))
    store.write(YEARS)
    tidy(store)
    asked = NOW - timedelta(days=days, minutes=7)
    found = store.stats(wanted=Wanted(since=asked))
    assert found.since is not None
    assert asked - timedelta(days=30) <= found.since <= asked
    expected = [one for one in YEARS if one.started_at >= found.since]
    assert found.total.requests == len(expected)
    assert found.total.prompt_tokens == sums(expected)["prompt_tokens"]
    series = store.series(wanted=Wanted(since=asked), now=NOW)
    assert sum(point.requests for point in series.total) >= len(expected) - 8
    until = store.stats(wanted=Wanted(until=asked))
    assert until.until is not None
    assert until.until >= asked
    assert until.total.requests == sum(one.started_at < until.until for one in YEARS)
    store.close()


def test_an_end_just_before_the_first_hour_left_takes_the_whole_hour(
    url: str, engine: sa.Engine
) -> None:
    store = Store.open(url, Keep(age=timedelta(days=5)))
    store.write(YEARS)
    tidy(store)
    first = moment_of(oldest(engine, HOUR)).replace(hour=0)
    found = store.stats(wanted=Wanted(until=first - timedelta(minutes=5)))
    assert found.until == first
    assert found.total.requests == sum(one.started_at < first for one in YEARS)
    store.close()


def test_a_batch_is_small_and_leaves_room_for_writing(url: str) -> None:
    store = Store.open(url, Keep(age=timedelta(days=1)))
    store.write(traffic(1200, days=2))
    assert store.tidy(NOW)
    assert len(store.recent(limit=2000)) == 700
    began = time.monotonic()
    assert tidy(store) >= 3
    assert time.monotonic() - began < 10
    store.close()


def test_the_ledger_stays_below_its_size_and_loses_the_oldest(url: str) -> None:
    store = Store.open(url, Keep(megabytes=2.0))
    receipts = [
        receipt(second, reason="x" * 600, error_message="y" * 600) for second in range(2500)
    ]
    store.write(receipts)
    tidy(store)
    left = store.recent(limit=3000)
    assert 200 < len(left) < 2000
    assert left == receipts[: -len(left) - 1 : -1]  # the newest, newest first
    assert store.stats().total.requests == 2500
    store.close()


def test_nothing_goes_without_a_limit(url: str) -> None:
    store = Store.open(url)
    store.write(YEARS)
    assert not store.tidy(NOW)
    assert not EVERYTHING_KEPT.is_limited
    assert len(store.recent(limit=1000)) == len(YEARS)
    store.close()


def test_a_clock_that_was_ahead_and_set_back_does_not_stall_retention(url: str) -> None:
    """What it wrote meanwhile goes with what was written after it, and not in ten years."""
    store = Store.open(url, Keep(age=timedelta(days=90)))
    ahead = [receipt(86_400 * 3650 + second) for second in range(700)]  # in ten years
    after = [receipt(86_400 * day) for day in range(20)]  # the clock is right again
    store.write(ahead)
    store.write(after)
    on_time = START + timedelta(days=85)
    assert not store.tidy(on_time)
    assert len(store.recent(limit=1000)) == 720  # nothing written later is too old yet
    while store.tidy(START + timedelta(days=95)):
        pass
    left = store.written_after(0)[1]
    assert left == [one for one in after if one.started_at >= START + timedelta(days=5)]
    store.close()


def test_receipts_of_a_clock_that_is_behind_are_not_lost_for_it(url: str) -> None:
    store = Store.open(url, Keep(age=timedelta(days=90)))
    store.write([receipt(86_400 * 365)])
    store.write([receipt(second) for second in range(5)])  # set back by a year, by mistake
    assert not store.tidy(START + timedelta(hours=1))
    assert len(store.recent(limit=10)) == 6
    store.close()
