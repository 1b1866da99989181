"""Reads how requests ended at their hosts, for the scorecard: the newest ones, grouped."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from .narrowing import of_receipt
from .scorecard import Outcome
from .tables import RECEIPTS
from .wanted import Wanted

_AT_ONCE = 2_000
_DAY_MS = 86_400_000


def outcomes(connection: sa.Connection, wanted: Wanted, most: int) -> Iterator[Outcome]:
    """The newest of the wanted requests that were sent, at most so many of them.

    Without those that OpenRouter answered from its response cache: no host was asked.
    """
    for row in connection.execute(_grouped(_COLUMNS, wanted, most)):
        yield _outcome(row)


class Sent(NamedTuple):
    """Requests that a host answered or failed, and the preferences that they were sent with."""

    model: str | None
    provider: str | None
    quantizations: tuple[str, ...]
    preferences: Mapping[str, Any] | None
    number: int


def sent(connection: sa.Connection, wanted: Wanted, most: int) -> Iterator[Sent]:
    """The same requests as those of `outcomes`, by the preferences that were sent."""
    for row in connection.execute(_grouped(_SENT, wanted, most)):
        labels = tuple(json.loads(row.quantizations))
        preferences = None if row.preferences is None else json.loads(row.preferences)
        yield Sent(row.model, row.provider, labels, preferences, row.number)


def _grouped(columns: Sequence[sa.ColumnElement[Any]], wanted: Wanted, most: int) -> Any:
    newest = (
        sa.select(*columns)
        .where(
            RECEIPTS.c.ending != "refused",
            sa.or_(RECEIPTS.c.cache_status.is_(None), RECEIPTS.c.cache_status != "HIT"),
            *of_receipt(wanted),
        )
        .order_by(RECEIPTS.c.started_at.desc())
        .limit(most)
        .subquery()
    )
    return (
        sa.select(*newest.c, sa.func.count().label("number"))
        .group_by(*newest.c)
        .execution_options(yield_per=_AT_ONCE)
    )


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


_HOST: tuple[sa.ColumnElement[Any], ...] = (
    sa.func.coalesce(RECEIPTS.c.model_sent, RECEIPTS.c.model_asked).label("model"),
    RECEIPTS.c.provider,
    sa.cast(RECEIPTS.c.quantizations_listed, sa.Text).label("quantizations"),
)
_SENT = (*_HOST, sa.cast(RECEIPTS.c.preferences_sent, sa.Text).label("preferences"))
_COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    *_HOST,
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
