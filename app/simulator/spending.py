"""What each key has spent, as `GET /key` reports it (openrouter.md §5.6, §A9).

A key whose text has `limit-DOLLARS` in it (`sk-or-v1-limit-5`) has that limit a month: one layer of
`budgets`. Nothing is ever refused for it.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from .routed import Routed
from .routing import has_own_key

_LIMIT = re.compile(r"limit-(\d{1,6}(?:\.\d{1,6})?)")
_MOST_KEYS = 1000


class Spending:
    """The money of all keys by the day, a key's own money and that of its owner's keys apart."""

    def __init__(self) -> None:
        self._days: dict[str, dict[datetime, list[Decimal]]] = {}

    def note(self, key: str, routed: Routed, now: float) -> None:
        """Add what one answer cost."""
        if key not in self._days and len(self._days) >= _MOST_KEYS:
            return
        days = self._days.setdefault(key, defaultdict(lambda: [Decimal(0), Decimal(0)]))
        amounts = days[_day(now)]
        amounts[0] += routed.charged
        amounts[1] += sum(_own(routed), Decimal(0))

    def take_back(self, key: str, routed: Routed, now: float) -> None:
        """Take off what one answer cost: its client left, and its host stopped."""
        amounts = self._days.get(key, {}).get(_day(now))
        if amounts is not None:
            amounts[0] -= routed.charged
            amounts[1] -= sum(_own(routed), Decimal(0))

    def told(self, key: str, now: float) -> dict[str, Any]:
        """The fields of `GET /key` about money."""
        day = _day(now)
        month = day.replace(day=1)
        since = {
            "": datetime.min.replace(tzinfo=UTC),
            "_daily": day,
            "_weekly": day - timedelta(days=day.weekday()),
            "_monthly": month,
        }
        sums = {
            f"{kind}usage{span}": float(self._since(key, begun, place))
            for place, kind in enumerate(("", "byok_"))
            for span, begun in since.items()
        }
        found = _LIMIT.search(key)
        if found is None:
            none = dict.fromkeys(("limit", "limit_remaining", "limit_reset", "effective_budget"))
            return {**sums, **none, "budgets": []}
        limit, used = Decimal(found[1]), self._since(key, month, 0)
        left = float(max(limit - used, Decimal(0)))
        budget = {
            "scope": "key_limit",
            "limit_usd": float(limit),
            "spend_usd": float(used),
            "remaining_usd": left,
            "reset_interval": "monthly",
            "resets_at": f"{(month + timedelta(days=32)).replace(day=1):%Y-%m-%dT%H:%M:%SZ}",
            "include_byok": False,
            "guardrail_id": None,
            "budget_id": None,
        }
        limits = {"limit": float(limit), "limit_remaining": left, "limit_reset": "monthly"}
        return {**sums, **limits, "budgets": [budget], "effective_budget": budget}

    def _since(self, key: str, begun: datetime, place: int) -> Decimal:
        days = self._days.get(key, {})
        return sum((each[place] for day, each in days.items() if day >= begun), Decimal(0))


def _own(routed: Routed) -> Iterator[Decimal]:
    """What providers charged to the account's own keys."""
    for each in routed.answers():
        if has_own_key(each.ask, each.completion.row):
            yield each.completion.usage.cost


def _day(now: float) -> datetime:
    moment = datetime.fromtimestamp(now, UTC)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
