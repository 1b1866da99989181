"""Accounts: what is known to be spent is exact, and decides which requests may still be sent."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from app.budget import accounts as module
from app.budget.accounts import Accounts, Asker
from app.budget.adding_up import FEWEST
from app.budget.windows import Calendar
from app.errors import BudgetExceeded, BudgetUnknown
from app.ledger.receipt import Receipt
from app.ledger.spender import Amount, Row, Spender, Spent, bucket_of
from app.ledger.spending import number_of
from app.policy.budgets import PICO, Budget
from tests.ledger.receipts import START, receipt
from tests.policy.sending import book_of

ANN = Asker(caller="ann", tool="aider/1", session="s1")
NOTHING = Spent((), (), 0, 0)


def budgets(*entries: Any, name: str = "held") -> tuple[Budget, ...]:
    return book_of({"name": name, "budget": [*entries]}).budgets


def opened(
    *used: Budget, steady: Callable[[], float] = lambda: 0.0, zone: str = "UTC", most: int = 100
) -> Accounts:
    """Accounts that know of an empty ledger."""
    found = Accounts(Calendar(ZoneInfo(zone)), steady=steady, most=most)
    found.use(used)
    read(found)
    return found


def read(
    accounts: Accounts,
    *rows: Row,
    at: datetime = START,
    written: Any = (),
    settled: frozenset[str] = frozenset(),
) -> None:
    """Read all sums from a ledger that has these rows, all of them recent."""
    accounts.begin()
    asked = accounts.asked(at)
    empty = tuple(() for _ in asked.questions)
    accounts.read(asked, accounts.add_up(asked, Spent(empty, rows, 0, 0, settled)), written)


def cost(usd: str, seconds: float = 0, **more: Any) -> Receipt:
    named = {"rules": ("held",), "caller": "ann", "user_agent": "aider/1", "session": "s1"}
    return receipt(seconds, cost_usd=Decimal(usd), **{**named, **more})


def row(usd: int, at: datetime = START, writer: int = 9, **who: Any) -> Row:
    named = {"rule": "held", "caller": "ann", "tool": "aider/1", "session": "s1", **who}
    spender = Spender(bucket_of(at), **named)
    return Row(number_of(spender, writer), spender, Amount(1, usd * PICO))


def spent(accounts: Accounts, used: tuple[Budget, ...], who: Asker = ANN) -> list[float]:
    return [each.pico / PICO for each in accounts.balances(used, who, START)]


def test_a_budget_that_is_spent_refuses_until_its_window_ends() -> None:
    used = budgets({"usd": 1, "per": "hour"})
    accounts = opened(*used)
    accounts.filed(cost("0.9"), accounts.admit(used, ANN, START))
    accounts.filed(cost("0.9"), accounts.admit(used, ANN, START))
    with pytest.raises(BudgetExceeded) as refused:
        accounts.admit(used, ANN, START)
    assert str(refused.value) == (
        'the budget of rule "held" (test.yaml:1) is spent: $1.80 of $1 per hour; '
        "it is free again at 2026-11-21T10:00:00+00:00"
    )
    assert accounts.admit(used, ANN, START + timedelta(hours=1))


def test_the_tightest_of_several_rules_holds_and_none_replaces_another() -> None:
    book = book_of(
        {"name": "wide", "budget": {"usd": 5, "per": "day"}},
        {"name": "narrow", "models": ["a/a"], "budget": {"usd": 9, "per": "day", "by": "caller"}},
    )
    accounts = opened(*book.budgets)
    accounts.filed(cost("5", rules=("narrow", "wide")))
    with pytest.raises(BudgetExceeded, match='rule "wide"'):
        accounts.admit(book.budgets, ANN, START)
    assert accounts.admit([each for each in book.budgets if each.rule == "narrow"], ANN, START)


def test_each_caller_tool_and_session_has_its_own_sum() -> None:
    used = budgets(
        {"usd": 1, "per": "day", "by": "caller"},
        {"usd": 2, "per": "day", "by": "tool"},
        {"usd": 4, "per": "day", "by": "session"},
        {"usd": 8, "per": "day"},
    )
    accounts = opened(*used)
    accounts.filed(cost("0.5"))
    assert spent(accounts, used) == [0.5, 0.5, 0.5, 0.5]
    assert spent(accounts, used, Asker(caller="bob", tool="aider/1")) == [0, 0.5, 0, 0.5]
    accounts.filed(cost("1", caller="bob", session=None))
    assert spent(accounts, used, Asker(caller="bob", tool="aider/1")) == [1, 1.5, 1, 1.5]
    with pytest.raises(BudgetExceeded, match="for caller bob; it is free"):
        accounts.admit(used, Asker(caller="bob"), START)


def test_a_request_without_a_session_is_not_held_to_what_a_session_may_spend() -> None:
    used = budgets({"usd": 1, "per": "session"})
    accounts = opened(*used)
    accounts.filed(cost("1"))
    accounts.filed(cost("7", session=None))
    assert accounts.admit(used, ANN._replace(session=None), START) == ()
    with pytest.raises(BudgetExceeded, match="per session; start a new session"):
        accounts.admit(used, ANN, START + timedelta(days=40))


def test_what_two_callers_name_alike_are_two_sessions() -> None:
    used = budgets({"usd": 1, "per": "session"}, {"usd": 9, "per": "day", "by": "session"})
    bob = ANN._replace(caller="bob")
    accounts = opened(*used)
    accounts.filed(cost("1"))
    assert accounts.admit(used, bob, START)
    assert [spent(accounts, used, who) for who in (ANN, bob)] == [[1, 1], [0, 0]]
    read(accounts, row(1), row(2, caller="bob"), row(4, caller=None))
    nameless = ANN._replace(caller=None)
    assert [spent(accounts, used, who)[0] for who in (ANN, bob, nameless)] == [1, 2, 4]
    with pytest.raises(BudgetExceeded):
        accounts.admit(used, ANN, START)


def test_requests_under_way_count_at_their_mean_cost_once_most_is_spent() -> None:
    used = budgets({"usd": 10, "per": "day"})
    accounts = opened(*used)
    for _ in range(FEWEST):
        accounts.filed(cost("0.4"))  # 8 of 10 USD
    running = [accounts.admit(used, ANN, START) for _ in range(5)]
    with pytest.raises(BudgetExceeded) as refused:
        accounts.admit(used, ANN, START)
    assert (
        "$8.00 of $10 per day, and 5 requests whose cost is not known yet will use up the rest"
        in str(refused.value)
    )
    accounts.filed(cost("0.1"), running.pop())
    assert accounts.admit(used, ANN, START)
    for admitted in running:
        accounts.let_go(admitted)
    assert spent(accounts, used) == [8.1]


def test_below_that_and_without_a_mean_they_do_not_count() -> None:
    used = budgets({"usd": 10, "per": "day"})
    accounts = opened(*used)
    accounts.filed(cost("9"))  # of one request, which says little
    assert [accounts.admit(used, ANN, START) for _ in range(50)]


def test_a_budget_that_was_not_admitted_leaves_nothing_under_way() -> None:
    used = budgets({"usd": 10, "per": "day"}, {"usd": 1, "per": "hour"})
    accounts = opened(*used)
    accounts.filed(cost("1"))
    with pytest.raises(BudgetExceeded):
        accounts.admit(used, ANN, START)
    assert accounts.under_way == 0


def test_t80_what_is_read_twice_counts_once() -> None:
    used = budgets({"usd": 9, "per": "day"})
    accounts = opened(*used)
    for _ in range(3):
        accounts.followed(1, [row(2)])
    assert spent(accounts, used) == [2]
    accounts.followed(2, [row(2)._replace(amount=Amount(2, 3 * PICO)), row(1, writer=8)])
    assert spent(accounts, used) == [4]


def test_a_receipt_filed_while_all_is_read_counts_once() -> None:
    used = budgets({"usd": 99, "per": "day"})
    accounts = Accounts(Calendar(UTC), steady=lambda: 0.0)
    accounts.use(used)
    assert accounts.must_read(START)
    accounts.begin()
    there, missing = cost("1"), cost("2")
    accounts.filed(there)
    accounts.filed(missing)
    assert accounts.noted == [there.id, missing.id]
    read(accounts, row(1), row(4, writer=8), written={there.id})
    assert spent(accounts, used) == [7]
    assert accounts.noted == []
    assert not accounts.must_read(START)


def test_budgets_that_come_and_go_are_read_anew() -> None:
    day, hour = budgets({"usd": 9, "per": "day"}, {"usd": 1, "per": "hour"})
    accounts = opened(day, hour)
    accounts.use([day])
    assert not accounts.must_read(START)
    accounts.use([day, hour])
    assert accounts.must_read(START)
    read(accounts)
    accounts.use(budgets({"usd": 9, "per": "day"}))  # a saved policy with the same budget
    assert not accounts.must_read(START)
    accounts.use(budgets({"usd": 5, "per": "day"}))  # it may be passed already
    assert accounts.must_read(START)
    accounts.use([])
    assert not accounts.in_force
    accounts.filed(cost("1"))
    assert spent(accounts, (day,)) == [0]


def test_a_clock_that_is_put_back_before_the_window_reads_anew() -> None:
    accounts = opened(*budgets({"usd": 9, "per": "day"}))
    assert not accounts.must_read(START + timedelta(days=400))
    assert not accounts.must_read(START - timedelta(hours=1))
    assert accounts.must_read(START - timedelta(days=1))


def test_t80_a_clock_that_was_days_ahead_forgets_nothing_of_what_was_spent() -> None:
    used = budgets({"usd": 1, "per": "day"}, {"usd": 0.9, "per": "hour"})
    accounts = opened(*used)
    accounts.filed(cost("1"))
    accounts.tidy(START + timedelta(days=3))
    assert accounts.must_read(START)
    read(accounts, row(1))
    assert not accounts.must_read(START)
    with pytest.raises(BudgetExceeded):
        accounts.admit(used, ANN, START)


def test_an_old_total_that_grows_reads_anew() -> None:
    used = budgets({"usd": 9, "per": "month"})
    accounts = opened(*used)
    accounts.followed(1, [row(2, START - timedelta(days=3))])
    assert spent(accounts, used) == [0]
    assert accounts.must_read(START)
    read(accounts, row(2, START - timedelta(days=3)))
    assert not accounts.must_read(START)
    accounts.tidy(START + timedelta(days=5))
    accounts.followed(2, [row(3, START)])
    assert accounts.must_read(START)


def test_a_closed_budget_refuses_while_the_ledger_is_away() -> None:
    now = [0.0]
    used = budgets({"usd": 9, "per": "day", "fail": "closed"})
    fresh = Accounts(Calendar(UTC), steady=lambda: now[0])
    fresh.use(used)
    with pytest.raises(BudgetUnknown, match="has `fail: closed`; retry later"):
        fresh.admit(used, ANN, START)
    read(fresh)
    assert fresh.admit(used, ANN, START)
    now[0] = module.STALE_SECONDS + 1
    with pytest.raises(BudgetUnknown):
        fresh.admit(used, ANN, START)
    fresh.saw_ledger()
    assert fresh.admit(used, ANN, START)
    assert fresh.admit(budgets({"usd": 9, "per": "day"}, name="open"), ANN, START)


def test_each_window_tells_once_that_it_is_nearly_spent_and_that_it_is() -> None:
    used = budgets({"usd": 10, "per": "day", "by": "caller"})
    accounts = opened(*used)
    for usd in ("7.9", "0.1", "0.5", "2", "3"):
        accounts.filed(cost(usd))
    accounts.followed(1, [row(20, START + timedelta(days=1))])
    near, gone, other = accounts.crossed
    assert (near.kind, near.spent, near.limit) == ("near", Decimal(8), Decimal(10))
    assert near.share == 0.8
    assert (gone.kind, gone.spent, gone.key) == ("spent", Decimal("10.5"), "ann")
    assert gone.window_end == datetime(2026, 11, 22, tzinfo=UTC)
    assert (other.kind, other.window_end) == ("spent", datetime(2026, 11, 23, tzinfo=UTC))
    assert len({each.name for each in accounts.crossed}) == 3
    assert str(near) == (
        'the budget of rule "held" is nearly spent: $8.00 of $10 a day, for each caller (ann), '
        "80 %; free again at 2026-11-22T00:00:00+00:00"
    )
    accounts = opened(*budgets({"usd": 1, "per": "session"}))
    accounts.filed(cost("1"))
    assert str(accounts.crossed[0]) == (
        'the budget of rule "held" is spent, and requests are refused: '
        "$1.00 of $1 a session (ann s1), 100 %"
    )


def test_a_budget_that_is_passed_when_it_appears_or_is_lowered_is_told() -> None:
    """The ledger knows whether it was told before, as it is after a restart."""
    accounts = opened(*budgets({"usd": 8, "per": "day"}))
    read(accounts, row(5), row(9, START - timedelta(days=1), writer=8))
    assert not accounts.crossed
    accounts.use(budgets({"usd": 6, "per": "day"}))
    read(accounts, row(5))
    accounts.use(budgets({"usd": 4, "per": "day"}))
    read(accounts, row(5))
    assert [str(each.limit) for each in accounts.crossed] == ["6", "4"]


def test_only_those_that_are_passed_most_are_told_at_once() -> None:
    accounts = opened(*budgets({"usd": 1, "per": "session"}), most=1000)
    read(accounts, *(row(number, session=f"s{number}") for number in range(1, 300)))
    assert len(accounts.crossed) == 100
    assert accounts.crossed[0].key == "ann s299"


def test_a_budget_that_is_gone_when_its_sum_is_read_is_not_told() -> None:
    accounts = opened(*budgets({"usd": 1, "per": "day"}))
    accounts.begin()
    asked = accounts.asked(START)
    accounts.use(budgets({"usd": 1, "per": "day"}, name="another"))
    accounts.read(asked, accounts.add_up(asked, Spent(((),), (row(5),), 0, 0)), ())
    assert not accounts.crossed


def test_a_share_that_is_not_all_is_not_told_as_all() -> None:
    accounts = opened(*budgets({"usd": 1, "per": "day"}))
    accounts.filed(cost("0.999"))
    assert "of $1 a day, 99 %;" in str(accounts.crossed[0])


def test_sums_are_bounded_and_those_that_spent_last_are_kept() -> None:
    used = budgets({"usd": 9, "per": "session"})
    accounts = opened(*used, most=10)
    for number in range(30):
        accounts.filed(cost("1", session=str(number)))
        accounts.filed(cost("1", session="busy"))
    assert len(accounts) <= 10
    sums = [
        spent(accounts, used, Asker(caller="ann", session=session))
        for session in ("busy", "29", "1")
    ]
    assert sums == [[30], [1], [0]]


def test_a_flood_of_names_does_not_free_a_spent_budget() -> None:
    used = budgets({"usd": 1, "per": "day", "by": "caller"}, {"usd": 1, "per": "session"})
    accounts = opened(*used, most=10)
    accounts.filed(cost("1", caller="ann", session="first"))
    for number in range(50):
        with pytest.raises(BudgetExceeded):
            accounts.admit(used[::-1], Asker(caller="ann", session=str(number)), START)
    assert spent(accounts, used[:1], Asker(caller="ann")) == [1]
    assert len(accounts) <= 12


def test_windows_that_are_over_are_let_go_of_and_those_of_now_are_not() -> None:
    limits = {"hour": 6, "day": 7, "week": 8, "month": 9}
    kinds = [{"usd": usd, "per": per, "by": "caller"} for per, usd in limits.items()]
    used = budgets(*kinds, {"usd": 9, "per": "session"})
    accounts = opened(*used)
    for hours in range(24 * 5):
        accounts.filed(cost("0.01", hours * 3600.0, session="one"))
    assert len(accounts) > 100
    accounts.tidy(START + timedelta(days=5))
    assert len(accounts) < 40
    assert spent(accounts, used[-1:], Asker(caller="ann", session="one")) == [1.2]


def test_the_highest_share_of_the_current_window_is_measured() -> None:
    used = budgets({"usd": 10, "per": "day", "by": "caller"}, {"usd": 100, "per": "month"})
    accounts = opened(*used)
    assert accounts.shares(START) == {("held", "day", "caller"): 0, ("held", "month", "rule"): 0}
    accounts.filed(cost("4"))
    accounts.filed(cost("6", caller="bob"))
    accounts.filed(cost("9", -86_400, caller="bob"))
    assert accounts.shares(START) == {
        ("held", "day", "caller"): 0.6,
        ("held", "month", "rule"): 0.19,
    }


def test_the_age_of_what_is_known_of_others_is_measured() -> None:
    """After a freeze, it is how long the sums may have been wrong."""
    now = [0.0]
    accounts = opened(*budgets({"usd": 10, "per": "day"}), steady=lambda: now[0])
    assert accounts.age_seconds == 0
    now[0] += 20
    assert accounts.age_seconds == 20
    accounts.followed(1, ())
    assert accounts.age_seconds == 0
    accounts.use(())
    assert accounts.age_seconds is None


def test_a_request_counts_in_the_window_in_which_it_began() -> None:
    used = budgets({"usd": 1, "per": "day"})
    accounts = opened(*used, zone="America/New_York")
    late = datetime(2026, 11, 22, 4, 59, 59, tzinfo=UTC)  # one second to midnight there
    admitted = accounts.admit(used, ANN, late)
    accounts.filed(cost("1", (late - START).total_seconds(), duration_ms=3e6), admitted)
    with pytest.raises(BudgetExceeded, match="2026-11-22T00:00:00-05:00"):
        accounts.admit(used, ANN, late)
    assert accounts.admit(used, ANN, late + timedelta(seconds=1))


def test_a_budget_is_near_while_the_rest_of_it_is_being_spent() -> None:
    now = [0.0]
    accounts = opened(*budgets({"usd": 10, "per": "day"}), steady=lambda: now[0])
    seen = []
    accounts.filed(cost("7"))
    seen.append(accounts.is_near)
    accounts.followed(1, [row(1)])
    seen.append(accounts.is_near)
    now[0] = 2.0
    seen.append(accounts.is_near)
    accounts.filed(cost("3"))
    assert [*seen, accounts.is_near] == [False, True, False, True]


def test_t83_a_cost_that_becomes_known_later_counts_and_until_then_its_request_is_under_way() -> (
    None
):
    used = budgets({"usd": 1, "per": "day"})
    accounts = opened(*used)
    admitted = accounts.admit(used, ANN, START)
    left = cost("1")
    before = replace(left, cost_usd=None)
    accounts.filed(before)
    assert (accounts.under_way, spent(accounts, used)) == (1, [0])
    accounts.learned(before, left, admitted)
    assert (accounts.under_way, spent(accounts, used)) == (0, [1])
    assert [event.kind for event in accounts.crossed] == ["spent"]
    with pytest.raises(BudgetExceeded):
        accounts.admit(used, ANN, START)


def test_a_cost_that_becomes_known_while_all_sums_are_read_counts_once() -> None:
    """Whether it is in what was read or not; nothing has to be read once more for it."""
    used = budgets({"usd": 9, "per": "day"})
    accounts = opened(*used)
    there, missing = cost("1"), cost("2")
    accounts.begin()
    for after in (there, missing):
        accounts.learned(replace(after, cost_usd=None), after, ())
    assert accounts.noted_late == [there.id, missing.id]
    read(accounts, row(1, writer=1), settled=frozenset({there.id}))
    assert (spent(accounts, used), accounts.must_read(START)) == ([3], False)
    accounts.learned(replace(there, cost_usd=None), there, ())
    assert spent(accounts, used) == [4]
    read(accounts, row(4, writer=1))
    assert spent(accounts, used) == [4]


def test_without_budgets_a_late_cost_is_no_concern_of_theirs() -> None:
    accounts = opened()
    accounts.learned(replace(cost("1"), cost_usd=None), cost("1"), ())
    assert len(accounts) == 0
