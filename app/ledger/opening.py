"""Opens a ledger: creates its engine, and creates or migrates its schema if needed."""

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from ..errors import LedgerError, reason_of
from .address import without_password
from .migrations import HEAD, OLDEST
from .rollups import recount
from .spending import backfill
from .statements import INSERT
from .tables import LEDGER_FORMAT

COMMANDS_SECONDS = 300.0  # for a statement of a command, such as one over a year's receipts
SERVING_SECONDS = 10.0  # for one while serving: a page or a batch must not hold up the next
WRITING_LOCK = 0x706F696F  # any number, the same in every process
_MIGRATION_LOCK = 0x706F696E
_FIRST_WITH_TALLIES, _FIRST_WITH_SPENDING = "0002", "0006"
BUSY_SECONDS = 10
_FORMAT = LEDGER_FORMAT.name
_STEPS_BETWEEN_LOOKS = 100_000  # of SQLite's virtual machine: about a millisecond


def open_engine(
    url: str, patience: float = COMMANDS_SECONDS, *, read_only: bool = False
) -> sa.Engine:
    """Return an engine whose schema is current; the schema is created or migrated if needed.

    A statement that takes longer than `patience` seconds fails, except in a migration. With
    `read_only`, no statement of the engine can write, no file is created, and a ledger of an
    earlier schema is migrated by another engine first. Raises `LedgerError` with the reason,
    without the password that a URL may contain.
    """
    try:
        engine = _engine(url, patience, read_only=read_only)
        try:
            if read_only and not _is_current(engine):
                open_engine(url, patience).dispose()
            elif not read_only:
                _migrate(engine)
        except BaseException:
            engine.dispose()
            raise
    except LedgerError:
        raise
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise LedgerError(
            f"can't open the ledger {without_password(url)}: {plainly(error)}"
        ) from error
    return engine


def is_current(url: str) -> bool:
    """Return whether a ledger can be read as it is, without a migration. Raises `LedgerError`."""
    try:
        engine = _engine(url, SERVING_SECONDS, read_only=True)
        try:
            return _is_current(engine)
        finally:
            engine.dispose()
    except (SQLAlchemyError, OSError) as error:
        told = f"can't open the ledger {without_password(url)}: {plainly(error)}"
        raise LedgerError(told) from error


def plainly(error: Exception) -> str:
    """Return the driver's own message; SQLAlchemy's would quote the statement and its values."""
    cause = getattr(error, "orig", None) or error
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
        return "the statement timed out"
    return reason_of(cause)


def file_of(engine: sa.Engine) -> tuple[int, int] | None:
    """Return a unique identity of the engine's file; None: it has no file."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:":
        return None
    try:
        found = Path(name).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _engine(url: str, patience: float, *, read_only: bool = False) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() not in INSERT:
            raise LedgerError(_ENGINES.format(without_password(url)))
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed, patience, read_only=read_only)
        return _postgresql(parsed, patience, read_only=read_only)
    except (ArgumentError, NoSuchModuleError, ValueError):  # a port that is no number
        raise LedgerError(_ENGINES.format(without_password(url))) from None
    except ModuleNotFoundError as error:
        raise LedgerError(
            f"the ledger {without_password(url)} requires the driver {error.name}; "
            "pip install 'pointsman[postgres]' and write postgresql+psycopg://..."
        ) from None


_ENGINES = "{} is not a ledger URL; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"


def _postgresql(url: sa.URL, patience: float, *, read_only: bool) -> sa.Engine:
    from . import postgresql  # noqa: PLC0415 - its driver is an extra

    def forbid_writing(connection: Any, _: object) -> None:
        connection.read_only = True  # psycopg's: each transaction is READ ONLY

    engine = postgresql.engine_for(url, patience)
    if read_only:
        event.listen(engine, "connect", forbid_writing)
    return engine


def _sqlite(url: sa.URL, patience: float, *, read_only: bool) -> sa.Engine:
    """Return an engine for a SQLite file that several processes can share.

    WAL lets readers read while the writer writes. `synchronous=NORMAL` can lose the last commits
    in a power failure, but not when a process is killed, and it never loses the file.
    """
    if url.database and url.database != ":memory:":
        file = Path(url.database)
        if not read_only:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600)
        elif not file.exists():
            raise LedgerError(f"no ledger at {file}")
    if "timeout" not in url.query:
        url = url.update_query_dict({"timeout": str(BUSY_SECONDS)})
    engine = sa.create_engine(url)

    def prepare(connection: sqlite3.Connection, record: Any) -> None:
        if read_only:
            connection.execute("PRAGMA query_only=ON")
        else:
            _use_wal(connection)
            connection.execute("PRAGMA synchronous=NORMAL")
        told = record.info
        connection.set_progress_handler(
            lambda: time.monotonic() >= told.get("late", math.inf), _STEPS_BETWEEN_LOOKS
        )

    def begin(connection: sa.Connection, *_: object) -> None:
        told = connection.info
        told["late"] = time.monotonic() + told.get("patience", patience)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "before_cursor_execute", begin)
    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. Only for this, SQLite does not wait until other processes release the file."""
    late = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > late:
                raise
            time.sleep(0.02)
        else:
            return


def _is_current(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        revision = _revision(connection)
        return revision == HEAD or _is_newer_and_fits(connection, revision)


def _migrate(engine: sa.Engine) -> None:
    """Migrate the schema to HEAD; if it is current already, Alembic isn't even imported."""
    if _is_current(engine):
        return
    with engine.connect() as connection, _unhurried(connection):
        lock(connection, _MIGRATION_LOCK)
        revision = _revision(connection)
        if revision == HEAD or _is_newer_and_fits(connection, revision):
            return
        if revision is not None and revision > HEAD:
            raise LedgerError(
                f"the ledger was written by a newer Pointsman (schema {revision}, this one knows "
                f"{HEAD}); upgrade Pointsman, or use another ledger"
            )
        _upgrade(connection)
        if revision is not None and revision < _FIRST_WITH_TALLIES:
            recount(connection)
        if revision is not None and revision < _FIRST_WITH_SPENDING:
            backfill(connection, datetime.now(UTC))
        _note_oldest(connection)
        connection.commit()


def _is_newer_and_fits(connection: sa.Connection, revision: str | None) -> bool:
    """Whether a newer program migrated the ledger, and says that this one may go on writing."""
    if revision is None or revision <= HEAD or not sa.inspect(connection).has_table(_FORMAT):
        return False
    oldest = connection.exec_driver_sql(f"SELECT oldest FROM {_FORMAT}").scalar()  # noqa: S608 - our own name
    return oldest is not None and oldest <= HEAD


def _note_oldest(connection: sa.Connection) -> None:
    connection.execute(sa.delete(LEDGER_FORMAT))
    connection.execute(sa.insert(LEDGER_FORMAT).values(only=1, oldest=OLDEST))


@contextmanager
def _unhurried(connection: sa.Connection) -> Iterator[None]:
    """Lift the time limit for the statements of one transaction, such as a migration."""
    if connection.dialect.name != "sqlite":
        from . import postgresql  # noqa: PLC0415 - its driver is an extra

        with postgresql.unhurried(connection):
            yield
        return
    told = connection.info
    told["patience"] = math.inf
    try:
        yield
    finally:
        del told["patience"]


def lock(connection: sa.Connection, number: int) -> None:
    """Let one process at a time do this; the lock is released with the transaction."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({number:d})")


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
