"""Reads the turns of sessions from the ledger, in the order in which they were written."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from .narrowing import of_receipt
from .receipt import FAILED
from .session_stats import MOST_TURNS, WARM, Turn
from .tables import PAID_PICO, RECEIPTS, Dollars
from .wanted import Wanted

_AT_ONCE = 2_000
_FIRST_ERROR_STATUS = 400
_NOT_ANSWERED = sorted(FAILED | {"refused"})


def turns(connection: sa.Connection, wanted: Wanted) -> Iterator[Turn]:
    """The newest `MOST_TURNS` turns, each marked if it is wanted itself.

    The turn before a wanted one is needed too, so only the time, the caller and the model bound
    what is read.
    """
    since = None if wanted.since is None else wanted.since - WARM
    bounds = Wanted(
        since=since,
        until=wanted.until,
        caller=wanted.caller,
        model=wanted.model,
        session=wanted.session,
    )
    is_wanted = sa.and_(sa.true(), *of_receipt(replace(wanted, until=None)))
    newest = (
        sa.select(RECEIPTS.c.seq, *_COLUMNS, is_wanted.label("wanted"))
        .where(
            RECEIPTS.c.session.is_not(None),
            RECEIPTS.c.provider.is_not(None),
            RECEIPTS.c.status < _FIRST_ERROR_STATUS,
            RECEIPTS.c.ending.not_in(_NOT_ANSWERED),
            sa.or_(RECEIPTS.c.cache_status.is_(None), RECEIPTS.c.cache_status != "HIT"),
            *of_receipt(bounds),
        )
        .order_by(RECEIPTS.c.seq.desc())
        .limit(MOST_TURNS)
        .subquery()
    )
    query = sa.select(newest).order_by(newest.c.seq).execution_options(yield_per=_AT_ONCE)
    for row in connection.execute(query):
        yield _turn(row)


def _turn(row: Any) -> Turn:
    return Turn(
        session=row.session,
        subagent=row.subagent,
        model=row.model_sent,
        caller=row.caller,
        started_at=row.started_at,
        provider=row.provider,
        user_agent=row.user_agent,
        rules=tuple(json.loads(row.rules)),
        affinity=row.affinity,
        prompt=row.prompt_tokens or 0,
        cached=row.cached_tokens,
        written=row.cache_write_tokens or 0,
        cost=row.paid,
        prices=row.token_prices,
        wanted=bool(row.wanted),
    )


_COLUMNS = (
    RECEIPTS.c.session,
    RECEIPTS.c.subagent,
    RECEIPTS.c.model_sent,
    RECEIPTS.c.caller,
    RECEIPTS.c.started_at,
    RECEIPTS.c.provider,
    RECEIPTS.c.user_agent,
    sa.cast(RECEIPTS.c.rules, sa.Text).label("rules"),
    RECEIPTS.c.affinity,
    RECEIPTS.c.prompt_tokens,
    RECEIPTS.c.cached_tokens,
    RECEIPTS.c.cache_write_tokens,
    sa.type_coerce(PAID_PICO, Dollars).label("paid"),
    RECEIPTS.c.token_prices,
)
