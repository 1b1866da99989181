"""Accounts as tests need them."""

from datetime import UTC
from typing import Any

from app.budget.accounts import Accounts
from app.budget.report import Report
from app.budget.windows import Calendar

NO_BUDGETS = Accounts(Calendar(UTC), steady=lambda: 0.0)


def no_ledger() -> Any:
    """What is never read: without budgets there is nothing to report."""
    raise AssertionError("no budget is in force")


NO_REPORT = Report(no_ledger, tuple, Calendar(UTC))
