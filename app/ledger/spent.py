"""What was paid since the beginning of this day, week and month, by UTC as OpenRouter counts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from app.ledger.wanted import Wanted

if TYPE_CHECKING:
    from app.ledger.store import Store


def windows(now: datetime) -> dict[str, datetime]:
    """When the windows that `now` is in began, by name."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "daily": day,
        "weekly": day - timedelta(days=day.weekday()),
        "monthly": day.replace(day=1),
    }


def spent(store: "Store", now: datetime) -> dict[str, Decimal]:
    """What all receipts of each window add up to, in USD. Raises `LedgerError`."""
    return {
        name: store.stats(wanted=Wanted(since=since)).total.cost_usd
        for name, since in windows(now).items()
    }
