"""Reads how requests ended at their hosts, for the scorecard: the newest ones, grouped."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from app.ledger.narrowing import of_receipt
from app.ledger.scorecard import Outcome
from app.ledger.tables import RECEIPTS
from app.ledger.wanted import Wanted

_AT_ONCE = 2_000
_DAY_MS = 86_400_000


def outcomes(connection: sa.Connection, wanted: Wanted, most: int) -> Iterator[Outcome]:
    """The newest of the wanted requests that were sent, at most so many of them.

    Without those that OpenRouter answered from its response cache: no host was asked.
    """
    newest = (
        sa.select(*_COLUMNS)
        .where(
            RECEIPTS.c.ending != "refused",
            sa.or_(RECEIPTS.c.cache_status.is_(None), RECEIPTS.c.cache_status != "HIT"),
            *of_receipt(wanted),
        )
        .order_by(RECEIPTS.c.started_at.desc())
        .limit(most)
        .subquery()
    )
    query = (
        sa.select(*newest.c, sa.func.count().label("number"))
        .group_by(*newest.c)
        .execution_options(yield_per=_AT_ONCE)
    )
    for row in connection.execute(query):
        yield _outcome(row)


def _outcome(row: Any) -> Outcome:
    return Outcome(
        model=row.model,
        provider=row.provider,
        quantizations=tuple(json.loads(row.quantizations)),
        day=row.day,
        dialect=row.dialect,
        ending=row.ending,
        status=row.status,
        with_tools=bool(row.with_tools),
        with_json=bool(row.with_json),
        defects=tuple(json.loads(row.defects)),
        attempts=tuple(map(_attempt, json.loads(row.attempts))),
        number=row.number,
    )


def _attempt(attempt: dict[str, Any]) -> tuple[str, int | None]:
    return str(attempt.get("provider")), attempt.get("status")


_COLUMNS = (
    sa.func.coalesce(RECEIPTS.c.model_sent, RECEIPTS.c.model_asked).label("model"),
    RECEIPTS.c.provider,
    sa.cast(RECEIPTS.c.quantizations_listed, sa.Text).label("quantizations"),
    (sa.type_coerce(RECEIPTS.c.started_at, sa.BigInteger) // _DAY_MS).label("day"),
    RECEIPTS.c.dialect,
    RECEIPTS.c.ending,
    RECEIPTS.c.status,
    (
        sa.func.coalesce(RECEIPTS.c.tools_offered, 0) + sa.func.coalesce(RECEIPTS.c.tool_calls, 0)
        > 0
    ).label("with_tools"),
    sa.func.coalesce(RECEIPTS.c.response_format.like("json%"), sa.false()).label("with_json"),
    sa.cast(RECEIPTS.c.defects, sa.Text).label("defects"),
    sa.cast(RECEIPTS.c.attempts, sa.Text).label("attempts"),
)
