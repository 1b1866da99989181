"""What OpenRouter counts for a key, compared with the receipts here: `GET /key`. PURE.

Rule 1  OpenRouter counts by UTC: days, weeks from Monday, months (openrouter.md §A9).
Rule 2  Both what OpenRouter charged and what providers charged to own keys counts, as on receipts.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from ..exact_numbers import dollars_told, exact

WINDOWS: Mapping[str, str] = {"daily": "today", "weekly": "this week", "monthly": "this month"}

_SAME_USD = Decimal("0.01")  # differences up to this, or to a hundredth, are not worth a word
_SAME_SHARE = Decimal("0.01")
_MOST_BUDGETS = 20
_LONGEST = 64
_SCOPES = {"key_limit": "this key", "member": "the member", "workspace": "the workspace"}


class Budget(NamedTuple):
    """One layer that limits what a key may spend, in USD."""

    scope: str  # key_limit, member, workspace, ...
    limit: Decimal | None
    left: Decimal | None
    interval: str | None  # daily, weekly, monthly; None: never reset
    resets_at: str | None
    effective: bool = False  # the one that rejects requests now, or will first

    def __str__(self) -> str:
        """Render as `budget of the member: $0.80 of $20.00 left until 2026-11-28T00:00:00Z`."""
        of = f" of {dollars_told(self.limit)}" if self.limit is not None else ""
        until = f" until {self.resets_at}" if self.resets_at else ""
        first = ", the first to end" if self.effective else ""
        whose = _SCOPES.get(self.scope, self.scope)
        return f"budget of {whose}: {dollars_told(self.left or Decimal(0))}{of} left{until}{first}"


class Account(NamedTuple):
    """What a key has spent, by window, and the budgets that limit it."""

    spent: Mapping[str, Decimal]  # by the keys of WINDOWS; those that OpenRouter told
    budgets: tuple[Budget, ...] = ()


class Told(NamedTuple):
    """One sentence about an account, and whether it is one to look into."""

    text: str
    differs: bool = False


def read_account(body: object) -> Account | None:
    """The account in the body of `GET /key`; None if it has none."""
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        return None
    spent: dict[str, Decimal] = {}
    for window in WINDOWS:
        amounts = [_usd(data.get(f"{kind}usage_{window}")) for kind in ("", "byok_")]
        if amounts[0] is not None:
            spent[window] = amounts[0] + (amounts[1] or Decimal(0))
    effective = data.get("effective_budget")
    rows = data.get("budgets")
    rows = rows if isinstance(rows, list) else []
    if not rows and _usd(data.get("limit_remaining")) is not None:
        rows = [_key_limit(data)]
    budgets = (_budget(row, effective) for row in rows[:_MOST_BUDGETS] if isinstance(row, dict))
    return Account(spent, tuple(each for each in budgets if each.left is not None))


def compared(account: Account, here: Mapping[str, Decimal]) -> tuple[Told, ...]:
    """The account in sentences; `here` is what the receipts add up to, by window.

    Windows with the same sums share a sentence: on a Monday, a week is no more than its day.
    """
    alike: dict[tuple[Decimal, Decimal], list[str]] = {}
    for window, word in WINDOWS.items():
        if window in account.spent and window in here:
            alike.setdefault((account.spent[window], here[window]), []).append(word)
    sums = (_compared(_joined(words), *both) for both, words in alike.items())
    return (*sums, *(Told(str(budget), budget.left == 0) for budget in account.budgets))


def _joined(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _compared(word: str, there: Decimal, here: Decimal) -> Told:
    told = f"OpenRouter charged this key {dollars_told(there)} {word}, the receipts here add up to "
    apart = abs(there - here)
    if apart <= max(_SAME_USD, there * _SAME_SHARE):
        return Told(f"{told}{dollars_told(here)}")
    if there > here:
        why = "was spent outside Pointsman, or by requests whose cost is not known"
    else:
        why = "was paid with other keys, such as clients' own, or is not counted yet"
    return Told(f"{told}{dollars_told(here)}: {dollars_told(apart)} {why}", differs=True)


def _budget(row: Mapping[str, Any], effective: object) -> Budget:
    return Budget(
        scope=_word(row.get("scope")) or "this key",
        limit=_usd(row.get("limit_usd")),
        left=_usd(row.get("remaining_usd")),
        interval=_word(row.get("reset_interval")),
        resets_at=_word(row.get("resets_at")),
        effective=row == effective,
    )


def _key_limit(data: Mapping[str, Any]) -> dict[str, Any]:
    """The key's own limit, as older answers tell it."""
    return {
        "scope": "key_limit",
        "limit_usd": data.get("limit"),
        "remaining_usd": data.get("limit_remaining"),
        "reset_interval": data.get("limit_reset"),
    }


def _usd(value: object) -> Decimal | None:
    number = exact(value)
    return max(number, Decimal(0)) if number is not None else None


def _word(value: object) -> str | None:
    fits = isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()
    return value if isinstance(value, str) and fits else None
