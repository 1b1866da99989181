"""What is read from the ledger is added up beside the event loop, within its bounds."""

import threading
from datetime import UTC
from typing import Any

import pytest

from app.budget.accounts import Accounts, Asker
from app.budget.adding_up import AddedUp, Asked, added_up
from app.budget.windows import Calendar
from app.errors import BudgetExceeded
from app.ledger.spender import Amount, Spent
from app.ledger.store import Store
from app.policy.budgets import PICO, Budget
from tests.budget.test_accounts import ANN, budgets, cost, opened, row, spent
from tests.budget.test_following import Process
from tests.ledger.receipts import START
from tests.waiting import until

CALENDAR = Calendar(UTC)
TWO = budgets({"usd": 1, "per": "day", "by": "caller"}, {"usd": 1, "per": "session"})


def asked(used: tuple[Budget, ...]) -> Asked:
    return opened(*used).asked(START)


def test_names_of_clients_are_bounded_and_those_of_callers_are_not() -> None:
    rows = [row(1, caller=f"c{number}", session=f"s{number}") for number in range(30)]
    found = added_up(asked(TWO), Spent(((), ()), tuple(rows), 7, 0), CALENDAR, 10)
    kinds = [counter.split(" ")[1] for counter, _, _ in found.sums]
    assert (kinds.count("caller"), kinds.count("session")) == (30, 10)
    assert {key for counter, _, key in found.sums if counter.startswith("session")} == {
        f"c{number} s{number}" for number in range(20, 30)
    }
    assert (len(found.held), found.cursor) == (30, 7)


def test_answers_and_rows_of_one_window_are_one_sum() -> None:
    answers = (((("ann"), Amount(2, 3 * PICO)),), ())
    found = added_up(asked(TWO), Spent(answers, (row(4), row(1, writer=8)), 0, 0), CALENDAR, 10)
    (day,) = [each for place, each in found.sums.items() if place[2] == "ann"]
    assert (day.requests, day.pico) == (4, 8 * PICO)


def test_a_request_under_way_keeps_its_sum_when_all_is_read_anew() -> None:
    used = TWO[:1]
    accounts = opened(*used)
    admitted = accounts.admit(used, ANN, START)
    other = accounts.admit(used, Asker(caller="bob"), START)
    wanted = accounts.asked(START)
    accounts.begin()
    accounts.read(wanted, accounts.add_up(wanted, Spent(((),), (row(1),), 0, 0)), ())
    assert accounts.under_way == 2
    accounts.filed(cost("0.5"), admitted)
    accounts.let_go(other)
    assert accounts.under_way == 0
    assert spent(accounts, used) == [1.5]
    with pytest.raises(BudgetExceeded):
        accounts.admit(used, ANN, START)


async def test_adding_up_does_not_hold_the_event_loop(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    plain = Accounts.add_up

    def noted(accounts: Accounts, wanted: Asked, read: Spent) -> AddedUp:
        threads.append(threading.current_thread())
        return plain(accounts, wanted, read)

    monkeypatch.setattr(Accounts, "add_up", noted)
    url = f"sqlite:///{tmp_path}/ledger.db"
    other = Store.open(url, writer=2)
    other.write([cost("1")])
    async with Process(url) as process:
        await until(lambda: process.spent() == 1)
    assert threads
    assert threading.main_thread() not in threads
    other.close()
