"""What was paid since the beginning of this day, week and month, by UTC as OpenRouter counts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from .wanted import ANY, NONE, Wanted

if TYPE_CHECKING:
    from .store import Store


def windows(now: datetime) -> dict[str, datetime]:
    """When the windows that `now` is in began, by name."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "daily": day,
        "weekly": day - timedelta(days=day.weekday()),
        "monthly": day.replace(day=1),
    }


def spent(store: "Store", now: datetime) -> dict[str, Decimal]:
    """What all receipts of each window add up to, in USD, those of audits too.

    An audit is left out of every other figure, but OpenRouter charges its requests as well. Raises
    `LedgerError`.
    """
    return {
        name: sum((_paid(store, since, audit) for audit in (NONE, ANY)), Decimal(0))
        for name, since in windows(now).items()
    }


def _paid(store: "Store", since: datetime, audit: str) -> Decimal:
    return store.stats(wanted=Wanted(since=since, audit=audit)).total.cost_usd
