"""The notices on the ledger: each event once, and what became of its delivery.

Rule 1  The caller of a function that writes holds the ledger's write lock.
Rule 2  An event is told once for its subject and window: a unique index decides between processes.
        One that has a state is told only if the newest notice of its subject had another one.
Rule 3  A notice is taken for a while. If its process dies, it becomes due again, so that another
        process takes it. A result counts only while the notice has not been taken again.
Rule 4  A notice is never due later than the longest pause: one that is was written by a clock that
        was ahead, and is due at once.
Rule 5  Notices are kept for 90 days, and at most 10,000 of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import sqlalchemy as sa

from .bounds import LONGEST_TEXT, cut
from .statements import INSERT
from .stored_values import storable
from .tables import NOTICES, RECEIPTS

Outcome = Literal["waiting", "delivered", "given_up"]

LEASE = timedelta(minutes=1)  # in which the process that took a notice tries to deliver it
LONGEST_PAUSE = timedelta(minutes=15)  # between two tries, at most
KEPT_FOR = timedelta(days=90)
MOST_KEPT = 10_000
LATELY = timedelta(days=1)  # undelivered notices are reported for so long
_TAKEN_OUT = 500  # at a time
_MOST_COUNTED = 10_000  # receipts of an hour
_LONGEST_KEY = 300  # characters; PostgreSQL indexes no row of more than 2704 bytes


class NewNotice(NamedTuple):
    """One event, as the ledger keeps it; `body` is JSON."""

    event: str
    subject: str
    window: str
    body: str
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice, and what became of it so far."""

    seq: int
    event: str
    subject: str
    window: str
    body: str
    told_at: datetime
    due_at: datetime
    tries: int  # begun, this one included
    outcome: Outcome
    delivered_at: datetime | None
    error: str | None  # of the last try


class Undelivered(NamedTuple):
    """The notices of the last day that are not delivered after a try, and the newest error."""

    number: int
    error: str | None


def put(connection: sa.Connection, new: NewNotice, now: datetime) -> bool:
    """Add a notice, due at once; return False if it is no news."""
    event, subject, window = (cut(storable(part), _LONGEST_KEY) for part in new[:3])
    if new.state is not None:
        of_subject = (NOTICES.c.event == event, NOTICES.c.subject == subject)
        newest = sa.select(NOTICES.c.state).where(*of_subject).order_by(NOTICES.c.seq.desc())
        if connection.scalar(newest.limit(1)) == new.state:
            return False
    row = {
        "event": event,
        "subject": subject,
        "window": window,
        "state": new.state,
        "body": new.body,
        "told_at": now,
        "due_at": now,
        "tries": 0,
        "outcome": "waiting",
    }
    insert = INSERT[connection.dialect.name](NOTICES).values(row).on_conflict_do_nothing()
    counted = insert.execution_options(preserve_rowcount=True)
    is_news = connection.execute(counted).rowcount > 0
    if is_news:
        _take_out(connection, now)
    return is_news


def due(connection: sa.Connection, now: datetime, most: int) -> list[Notice]:
    """Return the notices that may be taken now, oldest first."""
    query = sa.select(*_COLUMNS).where(NOTICES.c.outcome == "waiting", _is_due(now))
    return [_notice(row) for row in connection.execute(query.order_by(NOTICES.c.seq).limit(most))]


def take(connection: sa.Connection, one: Notice, now: datetime) -> Notice | None:
    """Take a notice for `LEASE`; None if another process was faster."""
    query = sa.select(*_COLUMNS).where(NOTICES.c.seq == one.seq)
    mine = {"due_at": now + LEASE, "tries": one.tries + 1}
    if not _change(connection, one, mine):
        return None
    row = connection.execute(query).one()
    return _notice(row)


def delivered(connection: sa.Connection, taken: Notice, now: datetime) -> None:
    """Note that a notice was delivered, even if another process has taken it since."""
    connection.execute(
        sa.update(NOTICES)
        .where(NOTICES.c.seq == taken.seq, NOTICES.c.outcome != "delivered")
        .values(outcome="delivered", delivered_at=now, error=None)
    )


def failed(connection: sa.Connection, taken: Notice, error: str, again_at: datetime | None) -> None:
    """Note a failed try, and when the next one is due; None: it was the last one."""
    told = {"error": cut(storable(error), LONGEST_TEXT)}
    if again_at is None:
        _change(connection, taken, {**told, "outcome": "given_up"})
    else:
        _change(connection, taken, {**told, "due_at": again_at})


def newest(connection: sa.Connection, limit: int) -> list[Notice]:
    """Return the newest notices, newest first."""
    query = sa.select(*_COLUMNS).order_by(NOTICES.c.seq.desc()).limit(limit)
    return [_notice(row) for row in connection.execute(query)]


def undelivered(connection: sa.Connection, now: datetime) -> Undelivered:
    """Return how many notices of the last day are not delivered, and the newest error."""
    of_day = (NOTICES.c.told_at >= now - LATELY, NOTICES.c.outcome != "delivered")
    query = sa.select(NOTICES.c.error).where(*of_day, NOTICES.c.error.is_not(None))
    errors = connection.scalars(query.order_by(NOTICES.c.seq.desc()).limit(MOST_KEPT)).all()
    return Undelivered(len(errors), errors[0] if errors else None)


def told(connection: sa.Connection, event: str, windows: Sequence[str]) -> list[tuple[str, str]]:
    """Return the subjects and windows of an event's notices in these windows."""
    wanted = (NOTICES.c.event == event, NOTICES.c.window.in_(windows))
    rows = connection.execute(sa.select(NOTICES.c.subject, NOTICES.c.window).where(*wanted))
    return [(row.subject, row.window) for row in rows]


def broken_by_rule(connection: sa.Connection, since: datetime, until: datetime) -> dict[str, int]:
    """Count the broken receipts of requests begun in a time by their most specific rule.

    At most 10,000 receipts are counted. Receipts without a rule are left out.
    """
    in_time = (RECEIPTS.c.started_at >= since, RECEIPTS.c.started_at < until)
    some = (
        sa.select(RECEIPTS.c.rules)
        .where(RECEIPTS.c.verdict == "broken", *in_time)
        .order_by(RECEIPTS.c.started_at)
        .limit(_MOST_COUNTED)
    )
    counts: dict[str, int] = {}
    for rules in connection.scalars(some):
        if rules:
            counts[rules[0]] = counts.get(rules[0], 0) + 1
    return counts


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(NOTICES.c.due_at <= now, NOTICES.c.due_at > now + LONGEST_PAUSE)


def _change(connection: sa.Connection, seen: Notice, values: dict[str, object]) -> bool:
    """Change a notice unless it was taken since it was read."""
    unchanged = (
        NOTICES.c.seq == seen.seq,
        NOTICES.c.tries == seen.tries,
        NOTICES.c.outcome == "waiting",
    )
    return connection.execute(sa.update(NOTICES).where(*unchanged).values(values)).rowcount > 0


def _take_out(connection: sa.Connection, now: datetime) -> None:
    newest_seq = connection.scalar(sa.select(sa.func.max(NOTICES.c.seq))) or 0
    old = sa.or_(NOTICES.c.told_at < now - KEPT_FOR, NOTICES.c.seq <= newest_seq - MOST_KEPT)
    some = sa.select(NOTICES.c.seq).where(old).order_by(NOTICES.c.seq).limit(_TAKEN_OUT)
    connection.execute(sa.delete(NOTICES).where(NOTICES.c.seq.in_(some)))


def _notice(row: sa.Row[tuple[object, ...]]) -> Notice:
    return Notice(**row._mapping)  # noqa: SLF001 - the public name of it, as SQLAlchemy says


_COLUMNS = tuple(NOTICES.c[name] for name in Notice.__dataclass_fields__)
