"""PostgreSQL ledgers of any size, filled within the database.

Fifty thousand receipts of thirty days are written in the same way as by the proxy. Each is then
repeated as often as needed, some milliseconds apart, with an id and a session of its own, in the
order of time: the same thirty days with more traffic. Tallies have the same keys with larger sums;
spending has more sessions. One transaction makes them: PostgreSQL writes no log of a table that is
emptied in it, if it was started with `wal_level=minimal`.
"""

import itertools
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from msgspec.structs import replace

from app.ledger.receipt import Receipt, new_receipt_id
from app.ledger.store import Store
from bench.ledger import DAYS, END, receipts

BASE = 50_000
PERIOD = timedelta(days=30)
_APART_MS = 19
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def fill(url: str, count: int) -> float:
    """Create a ledger of so many receipts, in whole fifties of thousands; returns seconds."""
    began = time.monotonic()
    store = Store.open(url, writer=1)
    source = within_period(min(count, BASE))
    while batch := list(itertools.islice(source, 500)):
        store.write(batch)
    store.close()
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if count > BASE:
            _repeat(connection, count // BASE)
        connection.exec_driver_sql("VACUUM ANALYZE")
        connection.exec_driver_sql("CHECKPOINT")
    engine.dispose()
    return time.monotonic() - began


def within_period(count: int, seed: int = 0) -> Iterator[Receipt]:
    """The receipts of bench/ledger.py, moved into the last thirty days."""
    start, chance = datetime.now(UTC) - PERIOD, random.Random(seed)
    for receipt in receipts(count, seed):
        share = (receipt.started_at - (END - timedelta(days=DAYS))) / timedelta(days=DAYS)
        moment = start + PERIOD * min(share * 0.97, 0.999)  # some runs are longer
        name = new_receipt_id(moment.timestamp(), chance)
        yield replace(receipt, id=name, started_at=moment)


def _repeat(connection: sa.Connection, times: int) -> None:
    """Have each receipt `times` times, and what was counted of it."""
    connection.exec_driver_sql("CREATE UNLOGGED TABLE base AS TABLE receipts")
    connection.exec_driver_sql("BEGIN")
    made = connection.exec_driver_sql(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'receipts'"
        " AND indexname NOT IN ('receipts_pkey', 'receipts_id_key')"
    ).all()
    for name, _ in made:
        connection.exec_driver_sql(f"DROP INDEX {name}")
    connection.exec_driver_sql("TRUNCATE receipts")
    columns = connection.exec_driver_sql(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'receipts'"
        " AND column_name <> 'seq' ORDER BY ordinal_position"
    ).scalars()
    moved = f"(started_at + k * {_APART_MS})"
    changed = {
        "id": _id_at(moved),
        "started_at": moved,
        "session": "session || CASE WHEN k = 0 THEN '' ELSE '.' || k END",
    }
    names = list(columns)
    values = ", ".join(changed.get(name, name) for name in names)
    connection.exec_driver_sql(
        f"INSERT INTO receipts ({', '.join(names)}) SELECT {values}"
        f" FROM (SELECT * FROM base ORDER BY seq) AS b, generate_series(0, {times - 1}) AS k"
    )
    connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '1GB'")
    for _, definition in made:
        connection.exec_driver_sql(definition)
    connection.exec_driver_sql("COMMIT")
    connection.exec_driver_sql("DROP TABLE base")
    sums = connection.exec_driver_sql(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'tallies'"
        " AND data_type = 'bigint' AND column_name <> 'key'"
    ).scalars()
    larger = ", ".join(f"{name} = {name} * {times}" for name in sums)
    connection.exec_driver_sql(f"UPDATE tallies SET {larger}")
    connection.exec_driver_sql(
        "INSERT INTO spending SELECT number # (k::bigint << 32), bucket, rule, caller, tool,"
        " session || '.' || k, writer, requests, pico, changed"
        f" FROM spending, generate_series(1, {times - 1}) AS k WHERE session IS NOT NULL"
        " ON CONFLICT DO NOTHING"
    )


def _id_at(moment: str) -> str:
    digits = " || ".join(
        f"substr('{_ALPHABET}', (({moment} >> {place}) & 31)::int + 1, 1)"
        for place in range(45, -1, -5)
    )
    return f"'rcp_' || {digits} || substr(md5(random()::text), 1, 12)"
