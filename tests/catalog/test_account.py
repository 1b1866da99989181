"""What OpenRouter counts for a key, and the sentences that compare it with the receipts."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.catalog.account import Account, Budget, compared, read_account

FIXTURE = {
    "label": "sk-or-v1-abc...123",
    "usage_daily": 19.2,
    "budgets": [
        {"scope": "member", "limit_usd": 20, "remaining_usd": 0.8, "reset_interval": "daily",
         "resets_at": "2026-11-28T00:00:00Z"},
        {"scope": "workspace", "limit_usd": 500, "remaining_usd": 189, "reset_interval": "monthly",
         "resets_at": None},
    ],
    "effective_budget": {"scope": "member", "limit_usd": 20, "remaining_usd": 0.8,
                         "reset_interval": "daily", "resets_at": "2026-11-28T00:00:00Z"},
}  # fmt: skip


def said(there: str, here: str) -> str:
    (told,) = compared(Account({"daily": Decimal(there)}), {"daily": Decimal(here)})
    assert told.differs is (":" in told.text)
    return told.text


def test_what_was_spent_elsewhere_is_said_with_the_reason() -> None:
    assert said("12.40", "9.10") == (
        "OpenRouter charged this key $12.40 today, the receipts here add up to $9.10: $3.30 was "
        "spent outside Pointsman, or by requests whose cost is not known"
    )
    assert said("1", "2.5").endswith(
        "add up to $2.50: $1.50 was paid with other keys, such as clients' own, or is not counted "
        "yet"
    )


@pytest.mark.parametrize(("there", "here"), [("0", "0"), ("0.02", "0.01"), ("1000", "1009")])
def test_a_hundredth_makes_no_difference(there: str, here: str) -> None:
    assert "add up to $" in said(there, here)
    assert ":" not in said(there, here)


def test_own_keys_and_every_window_count() -> None:
    data = {f"{kind}usage_{span}": 2 for kind in ("", "byok_") for span in ("daily", "monthly")}
    account = read_account({"data": {**data, "usage_weekly": "x", "byok_usage_weekly": 1}})
    assert account is not None
    assert account.spent == {"daily": 4, "monthly": 4}
    here = {"daily": Decimal(4), "weekly": Decimal(4), "monthly": Decimal(1)}
    today, month = compared(account, here)
    assert (today.differs, month.differs) == (False, True)
    assert "this month" in month.text


def test_budgets_are_told_with_what_is_left_and_the_first_to_end() -> None:
    account = read_account({"data": FIXTURE})
    assert account is not None
    assert [str(each) for each in account.budgets] == [
        "budget of member: $0.80 of $20.00 left until 2026-11-28T00:00:00Z, the first to end",
        "budget of workspace: $189.00 of $500.00 left",
    ]
    empty = Account({}, (Budget("key_limit", None, Decimal(0), None, None),))
    (told,) = compared(empty, {})
    assert (told.text, told.differs) == ("budget of key_limit: $0.00 left", True)


def test_a_limit_of_the_key_without_layers_is_a_budget() -> None:
    account = read_account({"data": {"limit": 50, "limit_remaining": 12.5, "limit_reset": None}})
    assert account is not None
    assert account.budgets == (Budget("key_limit", Decimal(50), Decimal("12.5"), None, None),)


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"data": None}, {"data": []}],
)
def test_what_is_no_account_is_none(body: Any) -> None:
    assert read_account(body) is None


@pytest.mark.parametrize("odd", [7, "x", {"a": 1}, [1, None], [{"scope": "a\nb"}]])
def test_odd_values_count_as_not_told(odd: Any) -> None:
    account = read_account({"data": {"usage_daily": odd, "budgets": odd, "effective_budget": odd}})
    assert account is not None
    assert account.budgets == ()


def test_the_recorded_shape_is_read() -> None:
    fixtures = Path(__file__).parents[1] / "fixtures" / "openrouter"
    found = [*fixtures.rglob("key_budgets*.json")]
    for file in found:
        account = read_account(json.loads(file.read_text(encoding="utf-8")))
        assert account is not None
        assert [each.scope for each in account.budgets] == ["member", "workspace", "key_limit"]
        assert [each.effective for each in account.budgets] == [True, False, False]
    assert found
