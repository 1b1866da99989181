"""The ledger's store: SQLite or PostgreSQL by URL, one implementation over SQLAlchemy Core.

Synchronous on purpose: it is used from the writer's thread, from worker threads and by the
command line, never on the event loop.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Any, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError, SQLAlchemyError

from ..errors import LedgerError
from . import audits as audits_table
from . import (
    late_notes,
    listings,
    notices,
    positions,
    queries,
    score_exports,
    sign_ins,
    spending,
)
from .attempts import FailedAttempt, failed_attempts
from .audits import REFERENCE, Answer, Audit, EndpointVerdict
from .bounds import bounded
from .keep import EVERYTHING_KEPT, Keep
from .late import LateCost
from .listed import Listed
from .narrowing import NEWEST_FIRST, OLDEST_FIRST, newest, of_receipt
from .notices import NewNotice, Notice, Undelivered
from .opening import (
    COMMANDS_SECONDS,
    WRITING_LOCK,
    file_of,
    lock,
    open_engine,
    plainly,
)
from .outcomes import Sent, outcomes, sent
from .positions import Position
from .receipt import FIELDS, NAMED_BY_END, Receipt
from .retention import take_out_oldest
from .rollups import record, without_known
from .rows import receipt_from
from .score_exports import ScoreExport
from .scorecard import (
    HOST_DIMENSIONS,
    MOST_READ,
    HostDimension,
    Scorecard,
    Slug,
    scorecard,
)
from .session_stats import SessionDimension, SessionStats, Trail, count, trails
from .sign_ins import SignedIn
from .spender import Question, Row, Spent
from .stats import Dimension, Series, Stats
from .stored_values import storable
from .tables import RECEIPTS
from .turns import turns
from .wanted import EVERYTHING, NONE, Wanted

log = logging.getLogger("pointsman")

_Row = TypeVar("_Row", Listed, LateCost)

LAST = "last"
_END = re.compile(r"[0-9a-z]{4,22}")
_MOST_NAMED = 5
# Of receipts that began after some time, the first to be written is among so many of the first to
# begin: as many requests would have to be under way, or their receipts waiting, at one moment.
_MOST_ASTRAY = 100_000
_COLUMNS = tuple(RECEIPTS.c[name] for name in FIELDS)


class Store:
    """An open ledger whose schema is current."""

    def __init__(self, url: str, reopen: Callable[[], sa.Engine], keep: Keep, writer: int) -> None:
        self.url = url
        self.writer = writer
        self._keep = keep
        self._reopen = reopen
        self._opened = engine = reopen()
        self._file = file_of(engine)
        self._lock = Lock()

    @classmethod
    def open(
        cls,
        url: str,
        keep: Keep = EVERYTHING_KEPT,
        *,
        patience: float = COMMANDS_SECONDS,
        writer: int = spending.EARLIER,
        read_only: bool = False,
    ) -> Self:
        """Open the ledger at `url`, creating or migrating it first if needed.

        Raises `LedgerError` with the reason, without the password that a URL may contain.
        `tidy` applies `keep`. No statement takes more than `patience` seconds. `writer` marks what
        this process spends, so that it can tell that from what others spend. With `read_only`, the
        store can't write, and opening creates no ledger; one of an earlier version is migrated.
        """
        reopen = partial(open_engine, url, patience, read_only=read_only)
        return cls(url, reopen, keep, writer)

    def write(self, receipts: Sequence[Receipt]) -> int:
        """Write a batch in one transaction; return how many receipts can't be kept.

        Raises `LedgerError`. A receipt that is there already is not changed. If a value causes an
        error, the receipts of the batch are written one by one, so that no other one is lost: the
        receipt with that value is cut down to the bounds, or, if that does not help, left out,
        counted and logged.
        """
        if self._fault_in(receipts) is None:
            return 0
        if len(receipts) > 1:
            return sum(self.write([receipt]) for receipt in receipts)
        fault = self._fault_in(receipts, cut_down=True)
        if fault is not None:
            log.error("receipt %s can't be stored: %s", receipts[0].id, fault)
        return int(fault is not None)

    def _fault_in(self, receipts: Sequence[Receipt], *, cut_down: bool = False) -> str | None:
        """Write a batch; if a value in it prevented that, return what is wrong with the value.

        Raises `LedgerError` if anything else prevented it.
        """
        try:
            self._write(list(map(bounded, receipts)) if cut_down else receipts)
        except (SQLAlchemyError, *_ODD_VALUE) as error:
            if not _is_of_a_value(error):
                raise LedgerError(f"can't write to the ledger: {plainly(error)}") from error
            return plainly(error)
        return None

    def _write(self, receipts: Sequence[Receipt]) -> None:
        with self._engine.connect() as connection:
            # One writer at a time, as always with SQLite: otherwise a batch could become
            # visible behind a cursor that has already passed its position.
            lock(connection, WRITING_LOCK)
            if not record(connection, receipts):
                connection.rollback()
                lock(connection, WRITING_LOCK)
                receipts = without_known(connection, receipts)
                record(connection, receipts, surely_new=True)
            spending.add(connection, receipts, self.writer, datetime.now(UTC))
            connection.commit()

    def note_listings(self, listed: Sequence[Listed]) -> None:
        """Keep listings that receipts are judged by. Raises `LedgerError`.

        One whose values can't be stored is logged and left out: receipts must not wait for it.
        """
        self._note("a listing", listed, listings.note)

    def note_costs(self, costs: Sequence[LateCost]) -> None:
        """Add costs to receipts that have none, and to every sum. Raises `LedgerError`.

        Nothing happens if it is done again, or where a receipt is not there any more. One that
        can't be stored is logged and left out.
        """
        note = partial(late_notes.note, writer=self.writer, now=datetime.now(UTC))
        self._note("a late cost", costs, note)

    def _note(
        self, what: str, rows: Sequence[_Row], note: Callable[[sa.Connection, Sequence[_Row]], None]
    ) -> None:
        """Write what stands beside receipts, in one transaction. Raises `LedgerError`.

        If a value can't be stored, each is written by itself, so that the others are not lost.
        """
        try:
            with self._engine.connect() as connection:
                lock(connection, WRITING_LOCK)
                note(connection, rows)
                connection.commit()
        except (SQLAlchemyError, *_ODD_VALUE) as error:
            if not _is_of_a_value(error):
                raise LedgerError(f"can't write to the ledger: {plainly(error)}") from error
            fault = plainly(error)
        else:
            return
        if len(rows) > 1:
            for each in rows:
                self._note(what, [each], note)
        else:
            log.error("%s can't be stored: %s", what, fault)

    def tidy(self, now: datetime | None = None) -> bool:
        """Delete a few rows that need not be kept; return whether there may be more."""
        if not self._keep.is_limited:
            return False
        try:
            with self._engine.begin() as connection:
                lock(connection, WRITING_LOCK)
                return take_out_oldest(connection, self._keep, now or datetime.now(UTC))
        except SQLAlchemyError as error:
            raise LedgerError(f"can't delete old receipts: {plainly(error)}") from error

    def recent(
        self,
        wanted: Wanted = EVERYTHING,
        *,
        limit: int,
        before: str | None = None,
        after: str | None = None,
    ) -> list[Receipt]:
        """Return the newest of the wanted receipts, newest first.

        To read the ledger page by page: with `before`, the id of a receipt, only older receipts are
        returned; with `after`, only newer ones, starting with the oldest of them.
        """
        order = NEWEST_FIRST if after is None else OLDEST_FIRST
        beyond = (*_older_than(before), *_newer_than(after))
        conditions = newest(wanted, beyond, limit, order)
        query = sa.select(*_COLUMNS).where(*conditions).order_by(*order).limit(limit)
        found = [receipt_from(row) for row in self._read(query)]
        return found if after is None else found[::-1]

    def written_after(
        self, cursor: int, wanted: Wanted = EVERYTHING, *, limit: int = 1000
    ) -> tuple[int, list[Receipt]]:
        """Return receipts written after `cursor`, in that order, and the next call's cursor.

        A cursor that the ledger never had belongs to one that was replaced: reading begins anew.
        """
        query = (
            sa.select(RECEIPTS.c.seq, *_COLUMNS)
            .where(RECEIPTS.c.seq > cursor, *of_receipt(wanted))
            .order_by(RECEIPTS.c.seq)
            .limit(limit)
        )
        rows = self._read(query)
        if not rows and cursor > self.end() and not self.has_position(Position(cursor)):
            return self.written_after(0, wanted, limit=limit)
        return (rows[-1].seq if rows else cursor), [receipt_from(row) for row in rows]

    def written_between(
        self, after: Position, end: Position, wanted: Wanted = EVERYTHING, *, limit: int = 1000
    ) -> tuple[Position, list[Receipt]]:
        """Return receipts written after one position up to another, and where to go on.

        That is `end` once there are no more, however few of the receipts were wanted.
        """
        query = (
            sa.select(RECEIPTS.c.seq, *_COLUMNS)
            .where(RECEIPTS.c.seq > after.seq, RECEIPTS.c.seq <= end.seq, *of_receipt(wanted))
            .order_by(RECEIPTS.c.seq)
            .limit(limit)
        )
        rows = self._read(query)
        last = Position(rows[-1].seq, rows[-1].id) if len(rows) == limit else end
        return last, [receipt_from(row) for row in rows]

    def newest_position(self) -> Position:
        """Return the position after everything written so far."""
        with self._moment() as connection:
            return positions.newest(connection)

    def position_of(self, receipt_id: str) -> Position | None:
        """Return the position after a receipt, if the ledger has it."""
        with self._moment() as connection:
            return positions.of(connection, receipt_id)

    def has_position(self, position: Position) -> bool:
        """Return whether a position is one of this ledger, and not of one that it replaced."""
        with self._moment() as connection:
            return positions.is_of(connection, position)

    def lost_after(self, position: Position) -> int:
        """Return how many receipts after a position, at most, were deleted by now."""
        with self._moment() as connection:
            return positions.lost_after(connection, position)

    def first_since(self, since: datetime | None, *, audit: str = NONE) -> int:
        """Return the position, in the order of writing, of the first receipt begun since then.

        `audit` as in `Wanted`.
        """
        begun = (
            sa.select(RECEIPTS.c.seq)
            .where(*of_receipt(Wanted(since=since, audit=audit)))
            .order_by(*(() if since is None else (RECEIPTS.c.started_at,)))
            .limit(None if since is None else _MOST_ASTRAY)
            .subquery()
        )
        first = sa.select(sa.func.min(begun.c.seq))
        (row,) = self._read(first)
        return self.end() + 1 if row[0] is None else int(row[0])

    def end(self) -> int:
        """Return the cursor after everything written so far."""
        (row,) = self._read(sa.select(sa.func.coalesce(sa.func.max(RECEIPTS.c.seq), 0)))
        return int(row[0])

    def get(self, receipt_id: str) -> Receipt | None:
        """Return one receipt, if the ledger has it."""
        rows = self._read(sa.select(*_COLUMNS).where(RECEIPTS.c.id == storable(receipt_id)))
        return receipt_from(rows[0]) if rows else None

    def named(self, name: str) -> list[Receipt]:
        """Return the receipts whose id is this name or ends in it; `last` is the newest.

        An ending of four characters or more is searched for among the newest `NAMED_BY_END`.
        """
        if name == LAST:
            return self.recent(limit=1)
        whole = self.get(name)
        if whole is not None or not _END.fullmatch(name):
            return [] if whole is None else [whole]
        late = RECEIPTS.c.seq > self.end() - NAMED_BY_END
        ends = RECEIPTS.c.id.endswith(name, autoescape=True)
        query = sa.select(*_COLUMNS).where(late, ends).order_by(*NEWEST_FIRST).limit(_MOST_NAMED)
        return [receipt_from(row) for row in self._read(query)]

    def stats(self, *, by: Sequence[Dimension] = (), wanted: Wanted = EVERYTHING) -> Stats:
        """Return stats of the wanted receipts, in groups."""
        (found,) = self.stats_by((by,), wanted=wanted)
        return found

    def stats_by(
        self, groupings: queries.Groupings, *, wanted: Wanted, distributions: bool = True
    ) -> tuple[Stats, ...]:
        """Return stats for each grouping, all at one moment and from one read.

        Percentiles only with `distributions`.
        """
        with self._moment() as connection:
            return queries.stats(connection, groupings, wanted, distributions=distributions)

    def series(
        self,
        *,
        by: Sequence[Dimension] = (),
        wanted: Wanted = EVERYTHING,
        points: int = 120,
        distributions: bool = False,
        now: datetime | None = None,
    ) -> Series:
        """Return the wanted figures over time, in a bounded number of buckets."""
        (found,) = self.series_by(
            (by,), wanted=wanted, points=points, distributions=distributions, now=now
        )
        return found

    def series_by(
        self,
        groupings: queries.Groupings,
        *,
        wanted: Wanted,
        points: int,
        distributions: bool = False,
        now: datetime | None = None,
    ) -> tuple[Series, ...]:
        """Return series for each grouping, all at one moment and from one read.

        Percentiles only with `distributions`, since these cost more; below an hour they are free.
        """
        with self._moment() as connection:
            return queries.series(
                connection,
                groupings,
                wanted,
                now=now or datetime.now(UTC),
                points=points,
                distributions=distributions,
            )

    def session_stats(
        self, *, by: Sequence[SessionDimension] = (), wanted: Wanted = EVERYTHING
    ) -> SessionStats:
        """Return what changes of hosts do to sessions, from the receipts themselves."""
        with self._moment() as connection:
            return count(turns(connection, wanted), by)

    def session_trails(self, wanted: Wanted, *, most: int) -> tuple[Trail, ...]:
        """Return the most costly sessions, each with its last turns."""
        with self._moment() as connection:
            return trails(turns(connection, wanted), most)

    def scorecard(
        self,
        *,
        slug: Slug,
        by: Sequence[HostDimension] = HOST_DIMENSIONS,
        wanted: Wanted = EVERYTHING,
        most: int = MOST_READ,
    ) -> Scorecard:
        """Return how often each host was at fault, over the newest of the wanted receipts.

        `slug` names the provider of a failed attempt, which receipts have as OpenRouter names it.
        """
        with self._moment() as connection:
            return scorecard(outcomes(connection, wanted, most), by, slug, most=most)

    def scored_and_sent(
        self, *, slug: Slug, wanted: Wanted, most: int = MOST_READ
    ) -> tuple[Scorecard, tuple[Sent, ...]]:
        """Return the scorecard, and what its requests were sent with, all at one moment."""
        with self._moment() as connection:
            card = scorecard(outcomes(connection, wanted, most), HOST_DIMENSIONS, slug, most=most)
            return card, tuple(sent(connection, wanted, most))

    def failed_attempts(self, wanted: Wanted) -> Mapping[FailedAttempt, int]:
        """Count each provider's failures in the wanted receipts, which are read one by one."""
        with self._moment() as connection:
            return failed_attempts(connection, wanted)

    def listing(self, digest: str) -> bytes | None:
        """Return what is kept of a listing, as compressed bytes; None if it is not kept."""
        with self._moment() as connection:
            return listings.body_of(connection, storable(digest))

    def listing_spans(
        self,
        *,
        limit: int,
        model: str | None = None,
        digest: str | None = None,
        until: datetime | None = None,
    ) -> list[listings.Span]:
        """Return when a model's listings were listed, or one listing was; newest first.

        With `until`, only spans that had begun by then.
        """
        named = {"model": storable(model), "digest": storable(digest), "until": until}
        with self._moment() as connection:
            return listings.spans(connection, limit=limit, **named)

    def keep_audit(self, audit: Audit, verdicts: Sequence[EndpointVerdict] = ()) -> None:
        """Keep an audit and what it found, in place of what was kept of it. Raises `LedgerError`.

        Without verdicts, those that are there stay.
        """
        with self._writing() as connection:
            audits_table.keep(connection, audit, verdicts)

    def keep_answers(self, answers: Sequence[Answer]) -> None:
        """Keep the answers of an audit that is kept itself. Raises `LedgerError`."""
        with self._writing() as connection:
            audits_table.keep_answers(connection, answers)

    def audit(self, name: str) -> Audit | None:
        """Return an audit by its id."""
        with self._moment() as connection:
            return audits_table.audit(connection, name)

    def audits(self, model: str | None = None, *, limit: int) -> list[Audit]:
        """Return the newest audits, newest first; of one model, or of all."""
        with self._moment() as connection:
            return audits_table.audits(connection, model, limit)

    def verdicts(
        self, model: str | None = None, *, against: str = REFERENCE
    ) -> list[EndpointVerdict]:
        """Return the newest verdict on each endpoint, of one model or of all.

        `against` is what it was compared with: the reference, or its own answers to an audit.
        """
        with self._moment() as connection:
            return audits_table.verdicts(connection, model, against)

    def history(self, model: str, tag: str, *, limit: int) -> list[EndpointVerdict]:
        """Return the verdicts on one endpoint, newest first."""
        with self._moment() as connection:
            return audits_table.history(connection, model, tag, limit)

    def answers(self, audit: str) -> list[Answer]:
        """Return an audit's answers, dropped ones included, by endpoint, prompt and round."""
        with self._moment() as connection:
            return audits_table.answers(connection, audit)

    def put_notice(self, new: NewNotice, now: datetime) -> bool:
        """Add a notice of an event; return False if it is no news."""
        with self._writing() as connection:
            return notices.put(connection, new, now)

    def take_notices(self, now: datetime, *, most: int) -> list[Notice]:
        """Take notices that are due, so that for a while no other process delivers them."""
        with self._moment() as connection:
            found = notices.due(connection, now, most)
        if not found:
            return []
        with self._writing() as connection:
            taken = (notices.take(connection, each, now) for each in found)
            return [each for each in taken if each is not None]

    def notice_delivered(self, taken: Notice, now: datetime) -> None:
        """Note that a taken notice was delivered."""
        with self._writing() as connection:
            notices.delivered(connection, taken, now)

    def notice_failed(self, taken: Notice, error: str, again_at: datetime | None) -> None:
        """Note that a taken notice could not be delivered, and when the next try is due."""
        with self._writing() as connection:
            notices.failed(connection, taken, error, again_at)

    def newest_notices(self, *, limit: int) -> list[Notice]:
        """Return the newest notices, newest first."""
        with self._moment() as connection:
            return notices.newest(connection, limit)

    def undelivered_notices(self, now: datetime) -> Undelivered:
        """Return how many notices of the last day could not be delivered so far."""
        with self._moment() as connection:
            return notices.undelivered(connection, now)

    def notices_told(self, event: str, windows: Sequence[str]) -> list[tuple[str, str]]:
        """Return the subjects and windows of an event's notices in these windows."""
        with self._moment() as connection:
            return notices.told(connection, event, windows)

    def broken_by_rule(self, since: datetime, until: datetime) -> dict[str, int]:
        """Count the broken receipts of requests begun in a time by their most specific rule."""
        with self._moment() as connection:
            return notices.broken_by_rule(connection, since, until)

    def begin_of_newest(self, count: int, wanted: Wanted = EVERYTHING) -> datetime | None:
        """Return the moment since which `count` receipts of any kind began in the wanted time.

        None: there are fewer. It bounds the rows that are read for filters without an index.
        """
        with self._moment() as connection:
            return queries.begin_of_newest(connection, count, wanted)

    def spent(
        self,
        questions: Sequence[Question],
        rules: Collection[str],
        recent: int,
        late: Callable[[], Sequence[str]] = tuple,
    ) -> Spent:
        """Return the spending of rules, all at one moment, as `spending.read` describes."""
        with self._moment() as connection:
            return spending.read(connection, questions, rules, recent, late)

    def spent_since(
        self, cursor: int, rules: Collection[str], *, but: int
    ) -> tuple[int, Sequence[Row]]:
        """Return the totals that changed after `cursor`, of all writers but one."""
        with self._moment() as connection:
            return spending.changes(connection, cursor, rules, but)

    def written(self, ids: Sequence[str], seq: int) -> frozenset[str]:
        """Return which of these receipts were written when `seq` was the last position."""
        with self._moment() as connection:
            return spending.written(connection, ids, seq)

    def tell_once(self, what: str) -> bool:
        """Return whether something is told for the first time, by any process."""
        try:
            with self._engine.begin() as connection:
                lock(connection, WRITING_LOCK)
                return spending.tell_once(connection, what, datetime.now(UTC))
        except SQLAlchemyError as error:
            raise LedgerError(f"can't write to the ledger: {plainly(error)}") from error

    def begin_sign_in(self, new: SignedIn, now: datetime, *, most: int) -> None:
        """Keep a sign-in to the dashboard; the first to end makes room if there are too many."""
        with self._writing() as connection:
            sign_ins.begin(connection, new, now, most)

    def sign_in(self, digest: str, now: datetime) -> SignedIn | None:
        """Return the sign-in of a session, by the digest of its id; None if it has ended."""
        with self._moment() as connection:
            return sign_ins.find(connection, digest, now)

    def end_sign_in(self, digest: str) -> None:
        """End the session with this digest, if there is one."""
        with self._writing() as connection:
            sign_ins.end(connection, digest)

    def keep_scores(self, upstream: str, export: ScoreExport, *, replace: bool) -> None:
        """Keep benchmark scores for an upstream; without `replace`, only if there are none yet."""
        with self._writing() as connection:
            score_exports.keep(connection, upstream, export, replace=replace)

    def kept_scores(self, upstream: str) -> bytes | None:
        """Return what is said of the benchmark scores in use, as `kept.json` has it."""
        with self._moment() as connection:
            return score_exports.kept(connection, upstream)

    def scores(self, upstream: str) -> ScoreExport | None:
        """Return the benchmark scores in use for an upstream."""
        with self._moment() as connection:
            return score_exports.read(connection, upstream)

    def connection(self) -> sa.Connection:
        """Return a connection of one's own, to be closed. Raises `SQLAlchemyError`."""
        return self._engine.connect()

    def close(self) -> None:
        """Close every connection; one that another thread is using, as soon as it is done."""
        event.listen(self._opened, "checkin", _close)
        self._opened.dispose()

    @property
    def _engine(self) -> sa.Engine:
        """Return the engine, reopened if the file has been removed or replaced.

        SQLite would go on with the deleted file.
        """
        with self._lock:
            if file_of(self._opened) != self._file:
                log.error("the ledger file was removed or replaced; reopening %s", self._opened.url)
                self._opened.dispose()
                self._opened = self._reopen()
                self._file = file_of(self._opened)
            return self._opened

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """Yield a connection that may write, and commit what it wrote."""
        try:
            with self._engine.connect() as connection:
                lock(connection, WRITING_LOCK)
                yield connection
                connection.commit()
        except SQLAlchemyError as error:
            raise LedgerError(f"can't write to the ledger: {plainly(error)}") from error

    @contextmanager
    def _moment(self) -> Iterator[sa.Connection]:
        """Yield a connection that sees a single, unchanging state of the ledger."""
        try:
            with self._engine.connect() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN")
                else:
                    connection.execution_options(isolation_level="REPEATABLE READ")
                yield connection
        except SQLAlchemyError as error:
            raise LedgerError(f"can't read the ledger: {plainly(error)}") from error

    def _read(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).all()
        except SQLAlchemyError as error:
            raise LedgerError(f"can't read the ledger: {plainly(error)}") from error


def _close(_: object, record: sa.pool.ConnectionPoolEntry) -> None:
    record.close()


def _older_than(receipt_id: str | None) -> Iterable[sa.ColumnElement[bool]]:
    if receipt_id is None:
        return
    table, receipt_id = RECEIPTS.c, storable(receipt_id)
    then = sa.select(table.started_at).where(table.id == receipt_id).scalar_subquery()
    yield table.started_at <= then
    yield sa.or_(table.started_at < then, table.id < receipt_id)


def _newer_than(receipt_id: str | None) -> Iterable[sa.ColumnElement[bool]]:
    if receipt_id is None:
        return
    table, receipt_id = RECEIPTS.c, storable(receipt_id)
    then = sa.select(table.started_at).where(table.id == receipt_id).scalar_subquery()
    yield table.started_at >= then
    yield sa.or_(table.started_at > then, table.id > receipt_id)


# From drivers and column types, and from endlessly nested values.
_ODD_VALUE = (ArithmeticError, AttributeError, RecursionError, TypeError, ValueError)
_VALUES_FAULT = frozenset({"22", "23", "54"})  # PostgreSQL's classes: data, integrity, limits


def _is_of_a_value(error: Exception) -> bool:
    """Whether the error is due to a value, rather than storing being impossible right now."""
    cause = getattr(error, "orig", None) or error
    if isinstance(error, DataError | IntegrityError) or isinstance(cause, _ODD_VALUE):
        return True
    state = getattr(cause, "sqlstate", None)
    if state is None:  # the driver itself rejected it, before anything was sent
        return isinstance(error, ProgrammingError)
    return state[:2] in _VALUES_FAULT
