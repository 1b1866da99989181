"""Accounts as tests need them."""

from datetime import UTC

from app.budget.accounts import Accounts
from app.budget.windows import Calendar

NO_BUDGETS = Accounts(Calendar(UTC), steady=lambda: 0.0)
