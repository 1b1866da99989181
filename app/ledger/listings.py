"""The listings that receipts were judged by: kept once each, found again by digest or by time.

Rule 1  The caller holds the ledger's write lock, so that replicas that write at once agree.
Rule 2  A listing counts as of the moment it was fetched, whoever writes it and however late: the
        listings of replicas, fetched at different times, fall into one order.
Rule 3  What is not to be kept is deleted a few rows at a time. The limit by age spares the time
        that receipts are left of; the limit by size does not.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from .listed import Listed
from .statements import INSERT
from .tables import LISTING_SPANS, LISTINGS, RECEIPTS

MOST_SPANS = 200_000  # about 30 MB
_BATCH = 100
_MEGABYTE = 1_000_000
_ROW, _SPAN = 500, 150  # bytes that a row takes besides its body, and a span, with their indexes
_BEFORE = timedelta(days=1)  # a receipt may be judged by a listing that is this much older

_L, _S = LISTINGS.c, LISTING_SPANS.c


class Span(NamedTuple):
    """A time in which every listing fetched of a model was the same one."""

    model: str
    since: datetime  # fetched first
    until: datetime  # fetched last, to the hour
    digest: str


def note(connection: sa.Connection, listed: Sequence[Listed]) -> None:
    """Keep listings that are not kept yet, and note when they were listed."""
    insert = INSERT[connection.dialect.name](LISTINGS)
    newest = sa.case((insert.excluded.last_seen > _L.last_seen, insert.excluded.last_seen))
    statement = insert.on_conflict_do_update(
        index_elements=["digest"], set_={"last_seen": sa.func.coalesce(newest, _L.last_seen)}
    )
    for each in listed:
        seen = each.fetched_at
        connection.execute(
            statement,
            {
                "digest": each.digest,
                "model": each.model,
                "body": each.body,
                "first_seen": seen,
                "last_seen": seen,
                "size": len(each.body),
            },
        )
        _note_span(connection, each)


def _note_span(connection: sa.Connection, listed: Listed) -> None:
    """Extend the span that a listing belongs to, or begin one."""
    seen = listed.fetched_at
    last = connection.execute(
        sa.select(_S.since, _S.until, _S.digest)
        .where(_S.model == listed.model, _S.since <= seen)
        .order_by(_S.since.desc())
        .limit(1)
    ).first()
    if last is None or last.digest != listed.digest:
        row = {"model": listed.model, "since": seen, "until": seen, "digest": listed.digest}
        insert = INSERT[connection.dialect.name](LISTING_SPANS)
        connection.execute(insert.on_conflict_do_nothing(), row)
    elif last.until < seen:
        connection.execute(
            sa.update(LISTING_SPANS)
            .where(_S.model == listed.model, _S.since == last.since)
            .values(until=seen)
        )


def body_of(connection: sa.Connection, digest: str) -> bytes | None:
    """The compressed JSON of a listing; None if it is not kept."""
    found = connection.scalar(sa.select(_L.body).where(_L.digest == digest))
    return None if found is None else bytes(found)


def spans(
    connection: sa.Connection,
    *,
    limit: int,
    model: str | None = None,
    digest: str | None = None,
    until: datetime | None = None,
) -> list[Span]:
    """The spans of a model or of a listing, newest first; with `until`, those begun by then."""
    wanted = [
        *([] if model is None else [_S.model == model]),
        *([] if digest is None else [_S.digest == digest]),
        *([] if until is None else [_S.since <= until]),
    ]
    query = sa.select(_S.model, _S.since, _S.until, _S.digest).where(*wanted)
    rows = connection.execute(query.order_by(_S.since.desc()).limit(limit))
    return [Span(*row) for row in rows]


def taken(connection: sa.Connection) -> int:
    """About how many bytes of the database the kept listings and their spans take."""
    sizes = sa.select(sa.func.coalesce(sa.func.sum(_L.size + _ROW), 0)).scalar_subquery()
    count = sa.select(sa.func.count()).select_from(LISTING_SPANS).scalar_subquery()
    return int(connection.scalar(sa.select(sizes + count * _SPAN)) or 0)


def take_out(
    connection: sa.Connection, *, age: timedelta | None, megabytes: float | None, now: datetime
) -> bool:
    """Delete one batch of what is not to be kept; return whether there may be more."""
    gone = 0
    if age is not None:
        before = _before(connection, now - age)
        gone = _spans(connection, _S.until < before) + _listings(connection, _L.last_seen < before)
    if megabytes is not None and not gone:
        if taken(connection) > megabytes * _MEGABYTE:
            gone = _listings(connection, sa.true())
        last = sa.select(_S.until).order_by(_S.until.desc()).offset(MOST_SPANS).limit(1)
        until = connection.scalar(last)
        gone += 0 if until is None else _spans(connection, _S.until <= until)
    return gone > 0


def _before(connection: sa.Connection, old: datetime) -> datetime:
    """Return the moment before which no listing is needed: also not for the oldest receipt."""
    first = connection.scalar(sa.select(sa.func.min(RECEIPTS.c.started_at)))
    return old if first is None else min(old, first - _BEFORE)


def _listings(connection: sa.Connection, wanted: sa.ColumnElement[bool]) -> int:
    """Delete the oldest of these, and their spans; return how many."""
    oldest = sa.select(_L.digest).where(wanted).order_by(_L.last_seen).limit(_BATCH)
    digests = connection.scalars(oldest).all()
    if digests:
        connection.execute(sa.delete(LISTING_SPANS).where(_S.digest.in_(digests)))
        connection.execute(sa.delete(LISTINGS).where(_L.digest.in_(digests)))
    return len(digests)


def _spans(connection: sa.Connection, wanted: sa.ColumnElement[bool]) -> int:
    oldest = sa.select(_S.model, _S.since).where(wanted).order_by(_S.until).limit(_BATCH)
    rows = connection.execute(oldest).all()
    if rows:
        these = sa.tuple_(_S.model, _S.since).in_([tuple(row) for row in rows])
        connection.execute(sa.delete(LISTING_SPANS).where(these))
    return len(rows)
