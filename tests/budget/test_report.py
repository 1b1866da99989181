"""Reports: what is spent, what is left, when it runs out at today's pace, when it is free again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from app.budget.report import MOST_ROWS, Report, Standing, readable, report, standing_as_json
from app.budget.windows import Calendar
from app.ledger.store import Store
from tests.budget.test_accounts import budgets, cost

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AT = 9000 - 0.125  # seconds from START to NOW


@pytest.fixture
def store() -> Iterator[Store]:
    found = Store.open("sqlite:///:memory:")
    yield found
    found.close()


def rows(store: Store, *entries: object) -> list[Standing]:
    return report(store, budgets(*entries), Calendar(UTC), NOW)


def test_the_rest_runs_out_at_the_pace_of_today(store: Store) -> None:
    store.write([cost("6", AT - 7200), cost("6", AT - 86_400)])
    day, week = rows(store, {"usd": 8, "per": "day"}, {"usd": 14, "per": "week"})
    # 6 USD in twelve hours: the other 2 last for four.
    assert (float(day.spent), float(day.rest), day.share) == (6, 2, 0.75)
    assert day.runs_out == NOW + timedelta(hours=4)
    assert day.ends == datetime(2026, 11, 22, tzinfo=UTC)
    assert (float(week.spent), float(week.rest)) == (12, 2)
    assert week.runs_out == day.runs_out


def test_a_rest_that_lasts_or_is_spent_does_not_run_out(store: Store) -> None:
    store.write([cost("3", AT - 7200)])
    spent, lasting = rows(store, {"usd": 2, "per": "day"}, {"usd": 50, "per": "week"})
    assert (float(spent.rest), spent.share, spent.runs_out) == (0, 1.5, None)
    assert lasting.runs_out is None


def test_a_session_has_no_pace(store: Store) -> None:
    store.write([cost("3", AT - 7200)])
    (session,) = rows(store, {"usd": 4, "per": "session"})
    assert (float(session.rest), session.runs_out) == (1, None)


def test_each_key_has_a_row_the_largest_first_and_an_unused_budget_one_of_its_own(
    store: Store,
) -> None:
    store.write([cost("1", AT, caller=f"c{number}") for number in range(MOST_ROWS + 5)])
    store.write([cost("2", AT, caller="most", session=None)])
    callers = rows(store, {"usd": 5, "per": "day", "by": "caller"})
    assert callers[0].key == "most"
    assert len(callers) == MOST_ROWS
    sessions = rows(store, {"usd": 500, "per": "session"})
    assert {(each.key, float(each.spent), each.ends) for each in sessions} <= {
        (f"c{number} s1", 1.0, None) for number in range(MOST_ROWS + 5)
    }
    assert len(sessions) == MOST_ROWS
    (empty,) = report(store, budgets({"usd": 1, "per": "day"}, name="another"), Calendar(UTC), NOW)
    assert (empty.key, float(empty.spent), empty.runs_out) == (None, 0, None)


def test_for_one_request_there_is_a_row_for_each_budget(store: Store) -> None:
    store.write([cost("1", AT), cost("2", AT, caller="bob")])
    used = budgets({"usd": 5, "per": "day", "by": "caller"}, {"usd": 9, "per": "day"})
    asked = Report(lambda: store, lambda: used, Calendar(UTC), lambda: NOW)
    found = asked.rows({"caller": "new", "rule": None, "tool": None, "session": None})
    assert [(row.key, float(row.spent)) for row in found] == [("new", 0), (None, 3)]
    assert Report(lambda: pytest.fail("nothing is read"), tuple, Calendar(UTC)).rows() == []


def test_a_row_for_machines_has_times_in_the_time_zone(store: Store) -> None:
    store.write([cost("4", AT - 3600)])
    used = budgets(
        {"usd": 5, "per": "day", "by": "caller", "fail": "closed"}, {"usd": 9, "per": "session"}
    )
    calendar = Calendar(ZoneInfo("Asia/Tokyo"))
    day, session = report(store, used, calendar, NOW)
    assert standing_as_json(day, calendar) == {
        "rule": "held",
        "file": "test.yaml",
        "line": 1,
        "budget": "$5 a day, for each caller",
        "usd": 5.0,
        "per": "day",
        "by": "caller",
        "fail": "closed",
        "key": "ann",
        "spent_usd": 4.0,
        "rest_usd": 1.0,
        "share": 0.8,
        "is_spent": False,
        "window_start": "2026-11-21T00:00:00+09:00",
        "window_end": "2026-11-22T00:00:00+09:00",
        "runs_out_at": None,
    }
    told = standing_as_json(session, calendar)
    assert (told["window_start"], told["window_end"]) == (None, None)


def test_a_caller_reads_its_own_rows_only(store: Store) -> None:
    store.write([cost("1", AT), cost("2", AT, caller="bob")])
    found = rows(store, {"usd": 5, "per": "day", "by": "caller"}, {"usd": 9, "per": "day"})
    assert [row.key for row in readable(found, "ann")] == ["ann"]
    assert readable(found, None) == found
    assert found[0].spent == Decimal(2)
