"""The store's contract, the same over SQLite and PostgreSQL."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from app.errors import LedgerError
from app.ledger.receipt import FIELDS, Receipt
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from tests.ledger.receipts import AUDITED, FULL, START, receipt

OpenStore = Callable[[], Store]


def test_the_sample_sets_every_field() -> None:
    defaults = receipt(id=AUDITED.id)
    same = [name for name in FIELDS if getattr(AUDITED, name) == getattr(defaults, name)]
    assert same == ["id", "started_at", "path", "ending"]


@pytest.mark.parametrize("one", [FULL, receipt()], ids=["every field", "no field"])
def test_a_receipt_comes_back_as_it_went(store: Store, one: Receipt) -> None:
    store.write([one])
    assert store.get(one.id) == one
    assert store.recent(limit=10) == [one]


def test_an_audits_receipt_comes_back_as_it_went(store: Store) -> None:
    store.write([AUDITED])
    assert store.get(AUDITED.id) == AUDITED
    assert store.recent(Wanted(audit="any"), limit=10) == [AUDITED]


def test_no_preferences_and_empty_preferences_are_two_things(store: Store) -> None:
    none, empty = receipt(preferences_sent=None), receipt(preferences_sent={})
    store.write([none, empty])
    assert store.get(none.id) == none
    assert store.get(empty.id) == empty


@pytest.mark.parametrize(
    "cost", ["0", "0.000000000001", "0.3", "1234567.123456789012", "0.00053325", "-0.5"]
)
def test_money_is_exact_to_the_picodollar(store: Store, cost: str) -> None:
    one = receipt(cost_usd=Decimal(cost))
    store.write([one])
    again = store.get(one.id)
    assert again is not None
    assert again.cost_usd == Decimal(cost)


def test_sums_of_money_are_exact(store: Store, engine: sa.Engine) -> None:
    store.write([receipt(cost_usd=Decimal("0.1")) for _ in range(10)])
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT sum(cost_usd) FROM receipts").scalar() == 10**12


def test_what_is_there_already_is_left_alone(store: Store) -> None:
    first = receipt(caller="first")
    store.write([first])
    store.write([receipt(id=first.id, caller="second"), receipt(1)])
    assert store.get(first.id) == first
    assert len(store.recent(limit=10)) == 2


def test_the_newest_come_first_and_only_so_many(store: Store) -> None:
    old, new, newest = receipt(0), receipt(1), receipt(2)
    store.write([new, newest, old])
    assert store.recent(limit=10) == [newest, new, old]
    assert store.recent(limit=2) == [newest, new]
    assert store.recent(limit=0) == []


def test_receipts_of_one_millisecond_have_a_firm_order(store: Store) -> None:
    same = [receipt(id=f"rcp_{letter}") for letter in "bca"]
    store.write(same)
    assert [one.id for one in store.recent(limit=3)] == ["rcp_c", "rcp_b", "rcp_a"]


SAMPLES = {
    "asked": receipt(0, model_asked="fast", model_sent="q/w", caller="ann", verdict="kept"),
    "sent": receipt(1, model_asked="q/w", model_sent="q/w:nitro", provider="novita"),
    "served": receipt(2, model_served="q/w", provider="deepinfra", verdict="broken"),
    "other": receipt(3, model_asked="fast", provider="novita", verdict="kept", caller="bob"),
}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["other", "served", "sent", "asked"]),
        ({"model": "q/w"}, ["served", "sent", "asked"]),  # asked, sent or served under this name
        ({"model": "fast"}, ["other", "asked"]),
        ({"model": "Q/W"}, []),
        ({"provider": "novita"}, ["other", "sent"]),
        ({"verdict": "kept"}, ["other", "asked"]),
        ({"caller": "ann"}, ["asked"]),
        ({"model": "fast", "verdict": "kept", "caller": "bob"}, ["other"]),
        ({"provider": "novita", "verdict": "broken"}, []),
        ({"since": START + timedelta(seconds=2)}, ["other", "served"]),
        ({"since": START + timedelta(seconds=2.001)}, ["other"]),
        ({"model": "%"}, []),
        ({"model": "' OR 1=1 --"}, []),
        ({"caller": "a\0b\ud800"}, []),
    ],
)
def test_filters_narrow_what_is_found(
    store: Store, filters: dict[str, Any], found: list[str]
) -> None:
    store.write(list(SAMPLES.values()))
    assert store.recent(Wanted(**filters), limit=10) == [SAMPLES[name] for name in found]


@pytest.mark.parametrize("receipt_id", ["rcp_none", "", "a\0b", "\ud800"])
def test_a_receipt_that_is_not_there_is_none(store: Store, receipt_id: str) -> None:
    assert store.get(receipt_id) is None


def test_following_goes_by_the_order_of_writing(store: Store) -> None:
    """A request that began earlier may end later."""
    late, early = receipt(10), receipt(0)
    assert (store.end(), store.written_after(0)) == (0, (0, []))
    store.write([late])
    first = store.end()
    store.write([early])
    assert store.written_after(first) == (store.end(), [early])
    assert store.written_after(0, limit=1) == (first, [late])
    assert store.written_after(0)[1] == [late, early]
    assert store.written_after(store.end()) == (store.end(), [])


def test_a_follower_of_a_ledger_that_was_replaced_begins_anew(store: Store) -> None:
    assert store.written_after(5000) == (0, [])
    store.write([FULL])
    assert store.written_after(5000) == (store.end(), [FULL])


def test_what_one_store_writes_another_reads(open_store: OpenStore) -> None:
    writing, reading = open_store(), open_store()
    assert reading.recent(limit=1) == []
    writing.write([FULL])
    assert reading.recent(limit=1) == [FULL]


def test_a_follower_misses_nothing_while_several_write(open_store: OpenStore) -> None:
    """A cursor that has passed a batch which becomes visible later would never show it."""
    writers, batches, size = 4, 12, 20
    seen: list[str] = []
    done = threading.Event()

    def follow(store: Store) -> None:
        cursor = 0
        while True:
            last = done.is_set()
            cursor, found = store.written_after(cursor, limit=100_000)
            seen.extend(one.id for one in found)
            if last:
                return
            time.sleep(0.001)

    def write(store: Store) -> None:
        for _ in range(batches):
            store.write([receipt() for _ in range(size)])
            time.sleep(0.004)  # as SQLite's lock is unfair

    follower = threading.Thread(target=follow, args=(open_store(),))
    writing = [threading.Thread(target=write, args=(open_store(),)) for _ in range(writers)]
    for thread in (follower, *writing):
        thread.start()
    for thread in writing:
        thread.join()
    done.set()
    follower.join()
    assert len(seen) == len(set(seen)) == writers * batches * size


def test_a_ledger_that_is_gone_is_a_ledger_error_and_comes_back(
    store: Store, engine: sa.Engine
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE receipts RENAME TO elsewhere")
    for attempt in (lambda: store.write([FULL]), lambda: store.recent(limit=1), store.end):
        with pytest.raises(LedgerError, match="the ledger: "):
            attempt()
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO receipts")
    store.write([FULL])
    assert store.recent(limit=1) == [FULL]
