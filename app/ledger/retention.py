"""Retention: how much of the ledger is kept; deletes the oldest rows, a few at a time.

Rule 1  The caller holds the ledger's write lock; each call returns within some milliseconds.
Rule 2  Receipts are deleted in the order in which their requests began, so that no gaps remain.
Rule 3  A wall clock that was ahead and was set back leaves receipts from the future. These are
        deleted in the order of writing: with the first later-written receipt that is too old.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from . import audits, listings, spending
from .keep import Keep
from .spans import DAY, HOUR
from .tables import RECEIPTS, TALLIES

_BATCH = 500
_HOURS_A_BATCH = 6
_AHEAD = timedelta(days=1)  # more than healthy clocks ever differ
_MEGABYTE = 1_000_000


def take_out_oldest(connection: sa.Connection, keep: Keep, now: datetime) -> bool:
    """Delete one batch of what is not to be kept; return whether there may be more."""
    if not keep.is_limited:
        return False
    taken = 0
    if keep.age is not None:
        old = RECEIPTS.c.started_at < now - keep.age
        taken = _receipts(connection, _from_the_future(now, old))
        if taken < _BATCH:
            taken += _receipts(connection, old)
    if keep.megabytes is not None and taken < _BATCH and _is_over(connection, keep.megabytes):
        taken = _receipts(connection, sa.true())
    limited = keep.age is not None or keep.megabytes is not None
    return any(
        (
            taken > 0,
            limited and _tallies(connection, HOUR, keep.first_hour(now), _HOURS_A_BATCH),
            limited and _tallies(connection, DAY, keep.first_day(now), DAY),
            limited and audits.take_out(connection, age=keep.age, now=now),
            limited and spending.take_out(connection, keep.first_spending(now)),
            listings.take_out(
                connection, age=keep.listings_age, megabytes=keep.listings_megabytes, now=now
            ),
        )
    )


def _from_the_future(now: datetime, old: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Receipts from a clock that was ahead, written before one that is now too old."""
    last_of_old = sa.select(sa.func.max(RECEIPTS.c.seq)).where(old).scalar_subquery()
    return sa.and_(RECEIPTS.c.started_at > now + _AHEAD, RECEIPTS.c.seq < last_of_old)


def _receipts(connection: sa.Connection, wanted: sa.ColumnElement[bool]) -> int:
    oldest = sa.select(RECEIPTS.c.seq).where(wanted).order_by(RECEIPTS.c.started_at).limit(_BATCH)
    taken = connection.execute(sa.delete(RECEIPTS).where(RECEIPTS.c.seq.in_(oldest)))
    return taken.rowcount


def _tallies(connection: sa.Connection, span: int, before: int, length: int) -> bool:
    of_span = TALLIES.c.span == span
    oldest = connection.scalar(sa.select(sa.func.min(TALLIES.c.start)).where(of_span))
    if oldest is None or oldest >= before:
        return False
    until = min(before, oldest + length)
    connection.execute(sa.delete(TALLIES).where(of_span, TALLIES.c.start < until))
    return True


def _is_over(connection: sa.Connection, megabytes: float) -> bool:
    measure = _used_by_sqlite if connection.dialect.name == "sqlite" else _used_by_postgresql
    return measure(connection) > megabytes * _MEGABYTE


def _used_by_sqlite(connection: sa.Connection) -> int:
    """Bytes in use, without listings and audits' answers.

    The file keeps the space of deleted rows and reuses it.
    """
    size, pages, free = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0
        for name in ("page_size", "page_count", "freelist_count")
    )
    return int(size * (pages - free)) - listings.taken(connection) - audits.taken(connection)


def _used_by_postgresql(connection: sa.Connection) -> int:
    """Approximate bytes in use: tables never shrink, so it is estimated from the receipts."""
    return int(connection.exec_driver_sql(_USED).scalar() or 0)


_USED = """
SELECT (SELECT coalesce(max(seq) - min(seq) + 1, 0) FROM receipts)
     * (SELECT coalesce(avg(pg_column_size(newest)), 0) + 400  -- about what indexes take
          FROM (SELECT * FROM receipts ORDER BY seq DESC LIMIT 500) AS newest)
     + pg_total_relation_size('tallies')
"""
