"""Budgets as the Money page shows them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.budget.report import Standing
from app.budget.windows import Calendar
from app.dashboard.budgets import BudgetRow, budget_rows
from app.dashboard.formats import UNKNOWN
from tests.budget.test_accounts import budgets

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def shown(spent: str, per: str = "day") -> BudgetRow:
    calendar = Calendar(UTC)
    (budget,) = budgets({"usd": 10, "per": per})
    standing = Standing(budget, None, Decimal(spent), calendar.window(budget.per, NOW))
    return budget_rows([standing], calendar)[0]


@pytest.mark.parametrize(("spent", "bar"), [("7.9", "kept"), ("8", "unproven"), ("10", "broken")])
def test_a_bar_is_red_only_once_the_budget_is_spent(spent: str, bar: str) -> None:
    assert shown(spent).bar == bar


def test_no_date_is_foretold_on_which_a_sessions_budget_ends() -> None:
    assert shown("1").runs_out == "not in this window"
    assert shown("1").ends == "Sun 22 Nov, 00:00"
    session = shown("1", "session")
    assert session.runs_out == UNKNOWN
    assert session.ends == "with a new session"
