"""Positions in the order of writing: where a reader of the ledger is, so that it can go on there.

Rule 1  Receipts become visible in the order of `seq`, because there is one writer at a time: a
        reader that goes on after a position misses nothing, however many processes write.
Rule 2  A position names its receipt, so that it is not taken for one of another ledger: one that
        was restored from an older copy gives the same numbers again.
"""

from typing import NamedTuple

import sqlalchemy as sa

from .stored_values import storable
from .tables import RECEIPTS


class Position(NamedTuple):
    """After a receipt, which may be deleted by now. Without its name, only the number is known."""

    seq: int
    receipt: str | None = None


START = Position(0)


def newest(connection: sa.Connection) -> Position:
    """The position after everything written so far."""
    last = sa.select(sa.func.max(RECEIPTS.c.seq)).scalar_subquery()
    found = connection.execute(_PLACE.where(RECEIPTS.c.seq == last)).first()
    return START if found is None else Position(*found)


def of(connection: sa.Connection, receipt: str) -> Position | None:
    """The position after a receipt, by its whole id; None if it is not there."""
    found = connection.execute(_PLACE.where(RECEIPTS.c.id == storable(receipt))).first()
    return None if found is None else Position(*found)


def is_of(connection: sa.Connection, position: Position) -> bool:
    """Whether a position is one of this ledger: its receipt is there, or can have been deleted."""
    there = connection.execute(_PLACE.where(RECEIPTS.c.seq == position.seq)).first()
    if there is None or position.receipt is None:
        return position.seq <= _last_given(connection)
    return bool(there.id == position.receipt)


def lost_after(connection: sa.Connection, position: Position) -> int:
    """At most so many receipts after a position were deleted: numbers without a receipt count, too.

    0 as long as the position's own receipt is there, which would have been deleted before them.
    """
    if position.receipt is None:
        return 0
    if connection.execute(_PLACE.where(RECEIPTS.c.seq == position.seq)).first() is not None:
        return 0
    later = sa.select(sa.func.min(RECEIPTS.c.seq)).where(RECEIPTS.c.seq > position.seq)
    first = connection.execute(later).scalar()
    return (_last_given(connection) if first is None else first - 1) - position.seq


def _last_given(connection: sa.Connection) -> int:
    """The last number that was given to a receipt, whether or not that is still there."""
    return connection.exec_driver_sql(_LAST_GIVEN[connection.dialect.name]).scalar() or 0


_PLACE = sa.select(RECEIPTS.c.seq, RECEIPTS.c.id)
_LAST_GIVEN = {
    "sqlite": "SELECT seq FROM sqlite_sequence WHERE name = 'receipts'",
    "postgresql": "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM receipts_seq_seq",
}
