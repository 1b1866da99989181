"""Failed attempts: which providers were sent a request and did not answer it.

They are on receipts alone, so a reading has to be bounded by the time that is wanted.
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
    """A provider that failed, on receipts that agree in the rest."""

    provider: str  # as upstream named it: a display name, mostly
    model: str | None  # as tallies know it
    served: str | None  # the slug of the provider that the receipt names
    receipt_failed: bool  # it is counted among the errors of that provider already


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
    """The receipts that can have any: with several attempts, or one and no provider that served."""
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
