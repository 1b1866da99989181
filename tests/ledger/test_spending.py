"""Spending: exact sums beside the receipts, which survive them, and a cursor over what changed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.ledger import spending
from app.ledger.bounds import MOST_WHOLE
from app.ledger.keep import Keep
from app.ledger.receipt import Receipt, paid_usd
from app.ledger.spender import Amount, Question, bucket_of, spent_by
from app.ledger.store import Store
from app.ledger.tables import SPENDING
from tests.ledger.receipts import FULL, START, receipt
from tests.ledger.test_migrations import migrate

ALL = 10**9  # a quarter of an hour in the far future
PICO = 10**12


def cost(usd: str | None, seconds: float = 0, **more: Any) -> Receipt:
    given = {"rules": ("held",), "caller": "ann", "user_agent": "aider/1", "session": "s1"}
    return receipt(seconds, cost_usd=None if usd is None else Decimal(usd), **{**given, **more})


def total(store: Store, rule: str = "held") -> Amount:
    answers = store.spent([Question(rule, "rule", 0, ALL)], (), ALL).answers
    return answers[0][0][1] if answers[0] else Amount()


@pytest.mark.parametrize(
    ("fee", "is_byok", "charge", "paid"),
    [
        ("0.5", None, "0.25", "0.5"),
        ("0.5", False, "0.25", "0.5"),
        ("0.5", True, "0.25", "0.75"),
        ("0.5", True, None, "0.5"),
        (None, True, "0.25", "0.25"),
        (None, False, "0.25", None),
        (None, True, None, None),
        ("0", None, None, "0"),
    ],
)
def test_with_an_own_key_the_providers_charge_is_paid_too(
    fee: str | None,
    is_byok: bool | None,  # noqa: FBT001 - a case of the table
    charge: str | None,
    paid: str | None,
) -> None:
    found = paid_usd(cost(fee, is_byok=is_byok, upstream_cost_usd=charge and Decimal(charge)))
    assert found == (None if paid is None else Decimal(paid))


def test_a_request_counts_for_each_of_its_rules_and_costs_nothing_without_a_cost() -> None:
    twice = cost("0.5", rules=("a", "b", "a"))
    assert [(spender.rule, amount.pico) for spender, amount in spent_by(twice)] == [
        ("a", PICO // 2),
        ("b", PICO // 2),
    ]
    for free in (cost(None), cost("0"), cost("1", rules=()), cost("NaN"), cost("Infinity")):
        assert not [*spent_by(free)]


def test_an_audits_receipt_spends_no_budget() -> None:
    assert [*spent_by(cost("1"))]
    assert not [*spent_by(cost("1", audit="aud_1"))]


def test_what_is_written_is_summed_up_by_quarter_of_an_hour(store: Store) -> None:
    store.write([cost("0.1"), cost("0.2", 60), cost("0.4", 1800), cost("9", rules=("other",))])
    assert total(store) == Amount(3, 7 * PICO // 10)
    rows = store.spent([], ["held"], 0).rows
    assert sorted(row.amount for row in rows) == [
        Amount(1, 4 * PICO // 10),
        Amount(2, 3 * PICO // 10),
    ]
    first = bucket_of(START)
    assert {row.spender.bucket for row in rows} == {first, first + 2}
    assert store.spent([Question("held", "rule", first + 1, ALL)], (), ALL).answers == (
        ((None, Amount(1, 4 * PICO // 10)),),
    )


def test_a_receipt_that_is_there_already_is_not_counted_again(store: Store) -> None:
    one, other = cost("0.5"), cost("0.25", 1)
    store.write([one])
    store.write([one, other, other])
    store.write([one])
    assert total(store) == Amount(2, 3 * PICO // 4)


def test_sums_are_by_caller_tool_or_session_the_last_to_spend_at_the_end(store: Store) -> None:
    store.write([cost("1", 3600), cost("2", caller="bob", user_agent=None, session=None)])
    store.write([cost("4", 900, caller=None)])
    wanted = [
        Question("held", "caller", 0, ALL),
        Question("held", "tool", 0, ALL),
        Question("held", "session", 0, ALL),
    ]
    callers, tools, sessions = store.spent(wanted, (), ALL).answers
    assert callers == (
        ("bob", Amount(1, 2 * PICO)),
        (None, Amount(1, 4 * PICO)),
        ("ann", Amount(1, PICO)),
    )
    assert dict(tools) == {"aider/1": Amount(2, 5 * PICO), None: Amount(1, 2 * PICO)}
    assert dict(sessions) == {
        "ann s1": Amount(1, PICO),
        "s1": Amount(1, 4 * PICO),
        None: Amount(1, 2 * PICO),
    }


def test_requests_without_a_session_count_together_whoever_their_caller_is(store: Store) -> None:
    store.write([cost("1", caller=name, session=None) for name in ("ann", "bob", None)])
    (sessions,) = store.spent([Question("held", "session", 0, ALL)], (), ALL).answers
    assert sessions == ((None, Amount(3, 3 * PICO)),)


def test_others_see_each_total_in_the_order_of_writing(url: str) -> None:
    one, other = Store.open(url, writer=1), Store.open(url, writer=2)
    one.write([cost("1")])
    cursor, rows = other.spent_since(0, ["held"], but=2)
    assert [row.amount for row in rows] == [Amount(1, PICO)]
    assert other.spent_since(cursor, ["held"], but=2) == (cursor, [])
    other.write([cost("2")])
    assert other.spent_since(cursor, ["held"], but=2) == (cursor, [])
    one.write([cost("4"), cost("8", rules=("else",))])
    later, rows = other.spent_since(cursor, ["held"], but=2)
    assert later > cursor
    assert [row.amount for row in rows] == [Amount(2, 5 * PICO)]
    assert total(one) == Amount(3, 7 * PICO)
    one.close()
    other.close()


def test_the_cursor_grows_even_when_the_clock_goes_back(engine: sa.Engine, store: Store) -> None:
    cursors = []
    for back in range(3):
        with engine.begin() as connection:
            now = START - timedelta(days=back)
            spending.add(connection, [cost("1", back)], 7, now)
        cursors.append(store.spent_since(0, ["held"], but=0)[0])
    assert sorted(set(cursors)) == cursors


def test_the_receipts_that_a_reading_contains_can_be_told(store: Store) -> None:
    first, later, never = cost("1"), cost("1"), cost("1")
    store.write([first])
    seq = store.spent([], (), ALL).seq
    store.write([later])
    assert store.written([first.id, later.id, never.id], seq) == {first.id}
    assert store.written([], seq) == frozenset()


def test_deleting_receipts_loses_no_spending_for_two_months(store: Store, url: str) -> None:
    keep = Store.open(url, Keep(age=timedelta(hours=1)))
    keep.write([cost("1"), cost("2", -86_400 * 70)])
    while keep.tidy(START + timedelta(days=3)):
        pass
    assert keep.recent(limit=1) == []
    assert total(store) == Amount(1, PICO)
    assert keep.tell_once("something")
    while keep.tidy(datetime.now(UTC) + timedelta(days=63)):
        pass
    assert total(store) == Amount()
    assert keep.tell_once("something")
    keep.close()


def test_something_is_told_once_by_any_process(open_store: Callable[[], Store]) -> None:
    one, other = open_store(), open_store()
    assert [each.tell_once("a") for each in (one, other, one)] == [True, False, False]
    assert other.tell_once("b")


def test_an_older_ledger_is_counted_for_two_months_back(url: str, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        migrate(connection, "0005")
    older = sa.Table("receipts", sa.MetaData(), autoload_with=engine)
    ago = (datetime.now(UTC) - START).total_seconds()
    receipts = [
        cost("1", ago - 3600),
        cost("0.5", ago - 7200, is_byok=True, upstream_cost_usd=Decimal("0.25")),
        cost("2", ago - 86_400 * 61),
        cost("4", ago - 86_400 * 63),
    ]
    rows = []
    for one in receipts:
        row = {name: getattr(one, name) for name in one.__struct_fields__ if name in older.c}
        row["started_at"] = round(one.started_at.timestamp() * 1000)
        for name in ("cost_usd", "upstream_cost_usd"):
            row[name] = row[name] and int(row[name] * PICO)
        rows.append(row)
    with engine.begin() as connection:
        connection.execute(sa.insert(older), rows)
    for _ in range(2):  # opening it again counts nothing twice
        store = Store.open(url)
        assert total(store) == Amount(3, 15 * PICO // 4)
        store.close()


def test_no_cost_however_odd_makes_a_sum_wrong_or_raises(store: Store, engine: sa.Engine) -> None:
    most = str(Decimal(MOST_WHOLE) / PICO)
    for number in range(3):
        store.write([cost(most, number), cost(most, number + 1800)])
    (answer,) = store.spent([Question("held", "rule", 0, ALL)], (), ALL).answers
    assert answer == ((None, Amount(6, 2 * MOST_WHOLE)),)
    store.write([cost("-5", 1), cost("1E-13", 2)])
    assert total(store).pico == 2 * MOST_WHOLE
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.min(SPENDING.c.pico))) == MOST_WHOLE


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4 * 96)), max_size=30))
def test_rows_and_sums_are_the_whole_wherever_a_reading_is_cut(
    spent: list[tuple[int, int]],
) -> None:
    store = Store.open("sqlite:///:memory:")
    store.write([cost(str(usd), quarter * 900) for usd, quarter in spent])
    first = bucket_of(START)
    for cut in (first, first + 50, first + 400):
        found = store.spent([Question("held", "caller", 0, cut)], ["held"], cut)
        parts = [amount.pico for _, amount in found.answers[0]]
        parts += [row.amount.pico for row in found.rows]
        assert sum(parts) == sum(usd for usd, _ in spent) * PICO
    store.close()


def test_a_full_receipt_counts(store: Store) -> None:
    store.write([FULL])
    assert total(store, FULL.rules[0]).requests == 1
