"""Failed attempts: which providers were sent a request and did not answer it.

Only receipts hold them, so every query has to be bounded in time.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from .narrowing import of_receipt
from .receipt import FAILED
from .tables import RECEIPTS
from .wanted import Wanted

_FIRST_ERROR_STATUS = 400
_SUCCEEDED = '%"status": 2__}%'  # as `rows.py` writes it; a quote inside a name is escaped


class FailedAttempt(NamedTuple):
    """A provider that failed, for all receipts that agree in the other fields."""

    provider: str  # as upstream named it: usually a display name
    model: str | None  # as tallies know it
    served: str | None  # the slug of the provider that the receipt names
    receipt_failed: bool  # already counted as an error of that provider, if it is the one named
    status: int | None = None  # that it answered


def failed_attempts(connection: sa.Connection, wanted: Wanted) -> Mapping[FailedAttempt, int]:
    """How often each provider failed in the wanted receipts."""
    found: Counter[FailedAttempt] = Counter()
    rows: Any = connection.execute(_query(wanted))
    for attempts, model, served, ending in rows:
        found.update(_of_one(json.loads(attempts), model, served, failed=ending in FAILED))
    return found


def _of_one(
    attempts: Sequence[Mapping[str, Any]], model: str | None, served: str | None, *, failed: bool
) -> Iterator[FailedAttempt]:
    """The failed attempts of one receipt. Its own failure is that of a provider's last attempt."""
    later: set[str] = set()
    for attempt in reversed(attempts):
        status, name = attempt.get("status"), str(attempt.get("provider"))
        if not status or status >= _FIRST_ERROR_STATUS:
            yield FailedAttempt(name, model, served, failed and name not in later, status)
        later.add(name)


def _query(wanted: Wanted) -> Any:
    """Select receipts that can have failures: several attempts, or one that did not succeed."""
    count, text = (
        sa.func.json_array_length(RECEIPTS.c.attempts),
        sa.cast(RECEIPTS.c.attempts, sa.Text),
    )
    return sa.select(
        text,
        sa.func.coalesce(RECEIPTS.c.model_sent, RECEIPTS.c.model_asked),
        RECEIPTS.c.provider,
        RECEIPTS.c.ending,
    ).where(
        *of_receipt(wanted),
        sa.or_(count > 1, sa.and_(count == 1, text.not_like(_SUCCEEDED))),
    )
