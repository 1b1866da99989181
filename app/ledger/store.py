"""The ledger's store: SQLite or PostgreSQL by URL, one implementation over SQLAlchemy Core.

Synchronous on purpose: it is used from the writer's thread, from worker threads and by the
command line, never on the event loop.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    IntegrityError,
    NoSuchModuleError,
    SQLAlchemyError,
)

from app.errors import LedgerError
from app.ledger.migrations import HEAD
from app.ledger.receipt import FIELDS, TUPLES, Receipt
from app.ledger.tables import RECEIPTS

log = logging.getLogger("pointsman")

_MIGRATION_LOCK = 0x706F696E  # any number, the same in every process
_WRITING_LOCK = _MIGRATION_LOCK + 1
_BUSY_SECONDS = 10
_LONGEST_TEXT = 600  # characters; PostgreSQL indexes no value of more than 2704 bytes
_ON_CONFLICT: dict[str, Callable[..., Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
_COLUMNS = tuple(RECEIPTS.c[name] for name in FIELDS)


class Store:
    """An open ledger whose schema is current."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._insert = _ON_CONFLICT[engine.dialect.name](RECEIPTS).on_conflict_do_nothing(
            index_elements=["id"]
        )

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the ledger at `url`, making or migrating it first where needed.

        Raises `LedgerError` saying what is wrong, without the password that a URL may hold.
        """
        try:
            engine = _engine(url)
            try:
                _migrate(engine)
            except BaseException:
                engine.dispose()
                raise
        except LedgerError:
            raise
        except (SQLAlchemyError, OSError, ImportError) as error:
            raise LedgerError(f"can't open the ledger {_shown(url)}: {_plainly(error)}") from error
        return cls(engine)

    def write(self, receipts: Sequence[Receipt]) -> None:
        """Write a batch in one transaction; a receipt that is there already is left alone.

        A receipt with a value that no ledger takes is left out and logged: tried again and
        again, it would keep every later one from being written.
        """
        rows = [{name: _stored(receipt, name) for name in FIELDS} for receipt in receipts]
        try:
            self._write(rows)
        except (SQLAlchemyError, *_ODD_VALUE) as error:
            if not _is_of_a_value(error):
                raise LedgerError(f"can't write to the ledger: {_plainly(error)}") from error
            if len(receipts) == 1:
                log.warning("receipt %s can't be kept: %s", receipts[0].id, _plainly(error))
                return
            for receipt in receipts:
                self.write([receipt])

    def _write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        with self._engine.begin() as connection:
            # One writer at a time, as SQLite has it anyway: otherwise a batch could become
            # visible behind a cursor that has passed it already.
            _lock(connection, _WRITING_LOCK)
            connection.execute(self._insert, rows)

    def recent(
        self,
        *,
        limit: int,
        model: str | None = None,
        provider: str | None = None,
        verdict: str | None = None,
        caller: str | None = None,
        since: datetime | None = None,
    ) -> list[Receipt]:
        """The newest receipts that fit, newest first. `model` is the asked, sent or served one."""
        query = sa.select(*_COLUMNS).order_by(RECEIPTS.c.started_at.desc(), RECEIPTS.c.id.desc())
        wanted = _filters(model, provider, verdict, caller, since)
        return [_receipt(row) for row in self._read(query.where(*wanted).limit(limit))]

    def written_after(self, cursor: int, *, limit: int = 1000) -> tuple[int, list[Receipt]]:
        """Receipts in the order of writing, after `cursor`; with the cursor for the next call."""
        query = (
            sa.select(RECEIPTS.c.seq, *_COLUMNS)
            .where(RECEIPTS.c.seq > cursor)
            .order_by(RECEIPTS.c.seq)
            .limit(limit)
        )
        rows = self._read(query)
        return (rows[-1].seq if rows else cursor), [_receipt(row) for row in rows]

    def end(self) -> int:
        """The cursor behind everything written so far."""
        (row,) = self._read(sa.select(sa.func.coalesce(sa.func.max(RECEIPTS.c.seq), 0)))
        return int(row[0])

    def get(self, receipt_id: str) -> Receipt | None:
        """One receipt, if the ledger has it."""
        rows = self._read(sa.select(*_COLUMNS).where(RECEIPTS.c.id == _storable(receipt_id)))
        return _receipt(rows[0]) if rows else None

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _read(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).all()
        except SQLAlchemyError as error:
            raise LedgerError(f"can't read the ledger: {_plainly(error)}") from error


def _filters(
    model: str | None,
    provider: str | None,
    verdict: str | None,
    caller: str | None,
    since: datetime | None,
) -> Iterable[sa.ColumnElement[bool]]:
    table = RECEIPTS.c
    if model is not None:
        model = _storable(model)
        yield sa.or_(
            table.model_asked == model, table.model_sent == model, table.model_served == model
        )
    for column, value in (
        (table.provider, provider),
        (table.verdict, verdict),
        (table.caller, caller),
    ):
        if value is not None:
            yield column == _storable(value)
    if since is not None:
        yield table.started_at >= since


def _stored(receipt: Receipt, name: str) -> Any:
    return _storable(getattr(receipt, name))


def _storable(value: Any) -> Any:
    """A value as both engines take it: callers and upstream choose what texts there are.

    PostgreSQL refuses NUL, and no engine takes half of a surrogate pair.
    """
    if isinstance(value, str):
        return value[:_LONGEST_TEXT].replace("\0", "?").encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


def _receipt(row: sa.Row[Any]) -> Receipt:
    named: dict[str, Any] = {name: getattr(row, name) for name in FIELDS}
    for name in TUPLES:
        named[name] = tuple(named[name])
    return Receipt(**named)


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() not in _ON_CONFLICT:
            raise LedgerError(_ENGINES.format(_shown(url)))
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
        return sa.create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError):
        raise LedgerError(_ENGINES.format(_shown(url))) from None
    except ModuleNotFoundError as error:
        raise LedgerError(
            f"the ledger {_shown(url)} needs the driver {error.name}: "
            "pip install 'pointsman[postgres]' and write postgresql+psycopg://..."
        ) from None


_ENGINES = "{} is no ledger: write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"


def _sqlite(url: sa.URL) -> sa.Engine:
    """SQLite as several processes can share it.

    WAL lets readers read while the writer writes. `synchronous=NORMAL` can lose the last commits
    when the power fails, never when a process is killed, and never the file.
    """
    if url.database and url.database != ":memory:":
        file = Path(url.database)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous=NORMAL")

    event.listen(engine, "connect", prepare)
    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. For this alone SQLite does not wait until others have let go of the file."""
    late = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > late:
                raise
            time.sleep(0.02)
        else:
            return


def _migrate(engine: sa.Engine) -> None:
    """Bring the schema to HEAD; where it is there already, Alembic isn't even imported."""
    with engine.connect() as connection:
        if _revision(connection) == HEAD:
            return
    with engine.connect() as connection:
        _lock(connection, _MIGRATION_LOCK)
        revision = _revision(connection)
        if revision == HEAD:
            return
        if revision is not None and revision > HEAD:
            raise LedgerError(
                f"the ledger was written by a newer Pointsman (schema {revision}, this one knows "
                f"{HEAD}): upgrade Pointsman, or use another ledger"
            )
        _upgrade(connection)
        connection.commit()


def _lock(connection: sa.Connection, number: int) -> None:
    """Let one process at a time do this; the lock goes with the transaction."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _upgrade(connection: sa.Connection) -> None:
    # Late, since it costs 0.1 s and 10 MB, once in a ledger's life.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _shown(url: str) -> str:
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "(an unreadable URL)"


_ODD_VALUE = (ArithmeticError, TypeError, ValueError)  # as drivers and column types raise them


def _is_of_a_value(error: Exception) -> bool:
    """Whether a value can't be stored, rather than that storing is impossible right now."""
    cause = getattr(error, "orig", None) or error
    return isinstance(error, DataError | IntegrityError) or isinstance(cause, _ODD_VALUE)


def _plainly(error: Exception) -> str:
    """The driver's own words; SQLAlchemy's would quote the statement and its values."""
    return str(getattr(error, "orig", None) or error).strip()
