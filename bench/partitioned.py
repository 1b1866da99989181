"""Splits a ledger's receipts into partitions, to measure what ADR 0022 decided against.

The partition key is the id, which begins with the time: so the unique key on the id stays, and
programs that know nothing of partitions go on inserting. First the table becomes one partition, as
it would in a ledger that is in use; then its rows are moved into several.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random

import sqlalchemy as sa

from app.ledger.receipt import new_receipt_id
from bench.scaled import PERIOD

_OTHERS = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'receipts'"
    " AND indexname NOT IN ('receipts_pkey', 'receipts_id_key')"
)


def split(url: str, parts: int) -> None:
    """Convert the table in place, print how long that takes, and split it into `parts`."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        end = datetime.now(UTC) + timedelta(minutes=1)
        with _timed("checking the rows, without a lock that anything waits for"):
            _run(connection, f"ALTER TABLE receipts ADD CHECK (id < '{_first_id(end)}') NOT VALID")
            _run(connection, "ALTER TABLE receipts VALIDATE CONSTRAINT receipts_id_check")
        with _timed("converting, while everything waits"):
            _convert(connection, end)
        _move(connection, parts, end)
        _run(connection, "VACUUM ANALYZE receipts")
    engine.dispose()


def _convert(connection: sa.Connection, end: datetime) -> None:
    indexes = connection.exec_driver_sql(_OTHERS).all()
    _run(
        connection,
        "BEGIN",
        "ALTER TABLE receipts RENAME TO whole",
        *(f"ALTER INDEX {name} RENAME TO whole_{name}" for name, _ in indexes),
        "ALTER TABLE whole RENAME CONSTRAINT receipts_id_key TO whole_id_key",
        "CREATE TABLE receipts (LIKE whole INCLUDING DEFAULTS) PARTITION BY RANGE (id)",
        "ALTER SEQUENCE receipts_seq_seq OWNED BY receipts.seq",
        "ALTER TABLE receipts ADD CONSTRAINT receipts_id_key UNIQUE (id)",
        *(definition for _, definition in indexes),
        _attach("whole", "MINVALUE", f"'{_first_id(end)}'"),
        "COMMIT",
    )


def _move(connection: sa.Connection, parts: int, end: datetime) -> None:
    _run(connection, "BEGIN", "ALTER TABLE receipts DETACH PARTITION whole")
    step = (PERIOD + timedelta(minutes=2)) / parts
    bounds = [f"'{_first_id(end - step * back)}'" for back in range(parts - 1, -1, -1)]
    for number, (low, high) in enumerate(zip(["''", *bounds], [*bounds, "'s'"], strict=True)):
        name, of_part = f"receipts_{number}", f"id >= {low} AND id < {high}"
        _run(
            connection,
            f"CREATE TABLE {name} (LIKE receipts INCLUDING DEFAULTS, PRIMARY KEY (seq))",
            f"INSERT INTO {name} SELECT * FROM whole WHERE {of_part} ORDER BY seq",
            _attach(name, low, high),
        )
    _run(connection, "DROP TABLE whole", "COMMIT")


def _attach(name: str, low: str, high: str) -> str:
    return f"ALTER TABLE receipts ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})"


def _first_id(moment: datetime) -> str:
    return new_receipt_id(moment.timestamp(), Random(0))[:14]


def _run(connection: sa.Connection, *statements: str) -> None:
    for each in statements:
        connection.exec_driver_sql(each)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"  {(time.monotonic() - began) * 1000:>9,.1f} ms {what}", flush=True)
