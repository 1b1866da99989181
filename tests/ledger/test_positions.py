"""Positions in the order of writing: a reader goes on where it was, and notices another ledger."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.ledger.keep import Keep
from app.ledger.positions import START as BEGINNING
from app.ledger.positions import Position
from app.ledger.store import Store
from app.ledger.wanted import EVERYTHING, Wanted
from tests.ledger.receipts import START, receipt

OpenStore = Callable[[], Store]
TEN = [receipt(-second, provider="novita" if second % 5 else "groq") for second in range(10)]


def test_an_empty_ledger_is_at_its_beginning(store: Store) -> None:
    assert store.newest_position() == BEGINNING
    assert store.has_position(BEGINNING)
    assert store.written_between(BEGINNING, BEGINNING) == (BEGINNING, [])


def test_pages_join_and_end_at_the_end(store: Store) -> None:
    store.write(TEN)
    end, seen, position = store.newest_position(), list[str](), BEGINNING
    store.write([receipt(99)])  # after the end, so it is not among these
    while position.seq < end.seq:
        position, page = store.written_between(position, end, limit=3)
        seen += [one.id for one in page]
        assert store.has_position(position)
    assert (seen, position) == ([one.id for one in TEN], end)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_end_is_reached_when_little_or_nothing_is_wanted(store: Store, limit: int) -> None:
    """Otherwise, all that is not wanted would be read again each time."""
    store.write(TEN)
    end = store.newest_position()
    assert store.written_between(BEGINNING, end, Wanted(provider="nobody"), limit=limit) == (
        end,
        [],
    )
    position, seen = BEGINNING, list[str]()
    for _ in range(5):
        position, page = store.written_between(position, end, Wanted(provider="groq"), limit=limit)
        seen += [one.id for one in page]
    assert (position, seen) == (end, [TEN[0].id, TEN[5].id])


def test_a_receipt_has_a_position(store: Store) -> None:
    store.write(TEN)
    places = [store.position_of(one.id) for one in TEN]
    assert [place and place.receipt for place in places] == [one.id for one in TEN]
    assert all(a and b and a.seq < b.seq for a, b in pairwise(places))
    assert places[-1] == store.newest_position()
    assert store.position_of("rcp_none") is None
    assert store.position_of("a\0b") is None


def test_a_position_of_another_ledger_is_told_from_one_that_was_deleted(url: str) -> None:
    store = Store.open(url, Keep(age=timedelta(days=1)))
    store.write(TEN)
    last = store.newest_position()
    assert store.has_position(last)
    assert store.has_position(Position(last.seq))  # as far as is known
    assert not store.has_position(Position(last.seq, "rcp_other"))
    assert not store.has_position(Position(last.seq + 1, "rcp_other"))
    assert not store.has_position(Position(last.seq + 1))
    while store.tidy(START + timedelta(days=9)):
        pass
    assert store.written_between(BEGINNING, last, EVERYTHING) == (last, [])
    assert store.has_position(last)
    assert not store.has_position(Position(last.seq + 1, "rcp_other"))
    store.close()


def test_a_follower_is_not_sent_back_when_the_last_receipt_is_deleted(url: str) -> None:
    """The last to be written may have begun first: others are left, and were seen already."""
    with closing(Store.open(url, Keep(age=timedelta(days=1)))) as store:
        store.write([receipt(3600), receipt(0)])
        cursor = store.end()
        while store.tidy(START + timedelta(days=1, minutes=1)):
            pass
        assert len(store.recent(limit=9)) == 1
        assert store.written_after(cursor) == (cursor, [])
        later = receipt(7200)
        store.write([later])
        assert store.written_after(cursor) == (cursor + 1, [later])


def test_the_first_since_a_time_is_the_first_that_was_written(store: Store) -> None:
    """A request that began later may have ended earlier."""
    store.write([receipt(0), receipt(20), receipt(30), receipt(10), receipt(40)])
    first = BEGINNING.seq + 1
    for seconds, place in ((0, 0), (5, 1), (10, 1), (15, 1), (25, 2), (35, 4), (45, 5)):
        assert store.first_since(START + timedelta(seconds=seconds)) == first + place
    assert store.first_since(None) == first


def test_the_first_since_a_time_is_found_by_time(store: Store, engine: sa.Engine, url: str) -> None:
    """PostgreSQL would read all receipts before that time, in the order of writing."""
    if url.startswith("sqlite"):
        pytest.skip("SQLite's plans are in test_plans.py")
    store.write([receipt(second) for second in range(3000)])
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE receipts")
    statements: list[tuple[str, Any]] = []

    def note(_1: Any, _2: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(store._engine, "before_cursor_execute", note)  # noqa: SLF001
    assert store.first_since(START + timedelta(seconds=2700)) == 2701
    statement, parameters = statements[0]
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars()
        assert "receipts_started_at" in "\n".join(plan)


def test_what_was_deleted_after_a_position_is_counted(url: str) -> None:
    """While the position's own receipt is there, so are those after it."""
    store = Store.open(url, Keep(age=timedelta(days=1)))
    assert store.lost_after(BEGINNING) == 0
    store.write(TEN[:4])
    fourth = store.newest_position()
    store.write(TEN[4:])
    last = store.newest_position()
    assert [store.lost_after(each) for each in (fourth, last)] == [0, 0]
    while store.tidy(START + timedelta(days=9)):
        pass
    assert [store.lost_after(each) for each in (fourth, last, BEGINNING)] == [6, 0, 0]
    store.write([receipt(5)])
    assert [store.lost_after(each) for each in (fourth, last)] == [6, 0]
    store.close()
