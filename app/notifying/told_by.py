"""From what other parts of Pointsman know to events."""

import hashlib
from datetime import UTC, datetime

from ..budget.event import BudgetEvent
from ..ledger.rates import Rate
from ..ledger.receipt import Receipt, iso
from ..notices import events
from ..notices.event import Event
from ..notices.events import Share
from ..policy.forecast.drift import Drift

BROKEN = "broken"


def hour_of(moment: datetime) -> str:
    """The hour of a moment, in UTC: 2026-11-28T09."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H}"


def day_of(moment: datetime) -> str:
    """The day of a moment, in UTC: 2026-11-28."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def by_receipt(receipt: Receipt) -> Event | None:
    """The event of a receipt; None: nothing is to be told.

    Neither its error, its reason nor its preferences are told: these can hold a client's words.
    """
    if receipt.verdict != BROKEN or not receipt.rules:
        return None
    return events.broken(
        rules=receipt.rules,
        hour=hour_of(receipt.started_at),
        receipt=receipt.id,
        model=receipt.model_sent,
        provider=receipt.provider,
        listed_as=receipt.quantizations_listed,
    )


def by_budget(crossed: BudgetEvent) -> Event:
    """The event of a budget that is nearly spent, or spent.

    The key of the sum may be a session's digest or a client's own words, so only a digest of it
    tells one from the other.
    """
    return events.budget(
        rule=crossed.rule,
        budget=crossed.budget,
        kind=crossed.kind,
        spent=crossed.spent,
        limit=crossed.limit,
        share=crossed.share,
        window_end=iso(crossed.window_end) if crossed.window_end else None,
        caller=crossed.caller,
        counter=hashlib.sha256(crossed.name.encode(errors="replace")).hexdigest()[:16],
    )


def by_drift(drift: Drift, book: str, now: datetime) -> Event:
    """The event of a drift under a policy version."""
    return events.drift(
        model=drift.model,
        gone=drift.gone,
        come=drift.come,
        admitted=drift.admitted,
        why=drift.why,
        rules=drift.rules,
        book=book,
        now=iso(now),
    )


def share_of(rate: Rate) -> Share:
    """A rate with its interval."""
    return Share(rate.found, rate.of, rate.low, rate.high)
