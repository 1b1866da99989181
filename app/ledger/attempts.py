"""Failed attempts: which providers were sent a request and did not answer it.

Only receipts hold them, so every query has to be bounded in time.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.ledger.narrowing import of_receipt
from app.ledger.receipt import FAILED
from app.ledger.tables import RECEIPTS
from app.ledger.wanted import Wanted

_FIRST_ERROR_STATUS = 400


class FailedAttempt(NamedTuple):
    """A provider that failed, for all receipts that agree in the other fields."""

    provider: str  # as upstream named it: usually a display name
    model: str | None  # as tallies know it
    served: str | None  # the slug of the provider that the receipt names
    receipt_failed: bool  # already counted as an error of that provider


def failed_attempts(connection: sa.Connection, wanted: Wanted) -> Mapping[FailedAttempt, int]:
    """How often each provider failed in the wanted receipts."""
    found: Counter[FailedAttempt] = Counter()
    rows: Any = connection.execute(_query(wanted))
    for attempts, model, served, ending in rows:
        for attempt in json.loads(attempts):
            status = attempt.get("status")
            if not status or status >= _FIRST_ERROR_STATUS:
                name = str(attempt.get("provider"))
                found[FailedAttempt(name, model, served, ending in FAILED)] += 1
    return found


def _query(wanted: Wanted) -> Any:
    """Select receipts that can have failures: several attempts, or one and no serving provider."""
    count = sa.func.json_array_length(RECEIPTS.c.attempts)
    return sa.select(
        sa.cast(RECEIPTS.c.attempts, sa.Text),
        sa.func.coalesce(RECEIPTS.c.model_sent, RECEIPTS.c.model_asked),
        RECEIPTS.c.provider,
        RECEIPTS.c.ending,
    ).where(
        *of_receipt(wanted),
        sa.or_(count > 1, sa.and_(count == 1, RECEIPTS.c.ending != "complete")),
    )
