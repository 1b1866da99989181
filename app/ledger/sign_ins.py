"""Sign-ins to the dashboard, on a ledger that several replicas share.

Rule 1  No session's id is stored, and no key. Without the id, which only the browser has, nothing
        here can be used, and no guess of a key can be tried.
Rule 2  A sign-in ends by itself, and the first to end makes room for the newest.
"""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from .statements import INSERT
from .stored_values import storable
from .tables import SIGN_INS


class SignedIn(NamedTuple):
    """One sign-in."""

    digest: str  # of the session's id
    caller: str
    proof: str  # of the session's id, by the caller's key: a key that is changed ends it
    ends_at: datetime


def begin(connection: sa.Connection, new: SignedIn, now: datetime, most: int) -> None:
    """Add a sign-in, and delete those that have ended or are too many."""
    ended = SIGN_INS.c.ends_at <= now
    connection.execute(sa.delete(SIGN_INS).where(ended))
    late = sa.select(SIGN_INS.c.digest).order_by(SIGN_INS.c.ends_at.desc()).limit(most - 1)
    connection.execute(sa.delete(SIGN_INS).where(SIGN_INS.c.digest.not_in(late)))
    row = {**new._asdict(), "caller": storable(new.caller)}
    insert = INSERT[connection.dialect.name](SIGN_INS).values(row)
    connection.execute(insert.on_conflict_do_nothing())


def find(connection: sa.Connection, digest: str, now: datetime) -> SignedIn | None:
    """The sign-in of a session, unless it has ended."""
    query = sa.select(SIGN_INS).where(SIGN_INS.c.digest == digest, SIGN_INS.c.ends_at > now)
    row = connection.execute(query).first()
    return None if row is None else SignedIn(row.digest, row.caller, row.proof, row.ends_at)


def end(connection: sa.Connection, digest: str) -> None:
    """End a session, if there is one."""
    connection.execute(sa.delete(SIGN_INS).where(SIGN_INS.c.digest == digest))
