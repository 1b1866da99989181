"""Ledgers of any size, filled in bounded time.

The first hundred thousand receipts are written in the same way as by the proxy, within thirty days:
a busy team's month. Larger ledgers repeat that month further and further back: copied within the
database with new times and ids, including tallies, and indexed at the end. Ten million receipts
are eight years, about ten gigabytes, and take a few minutes.
"""

import itertools
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ledger import DAYS, END, receipts
from msgspec.structs import replace

from app.ledger.receipt import Receipt, new_receipt_id
from app.ledger.spans import BLOCK, down, hour_of, moment_of
from app.ledger.store import Store

MONTH = 100_000
_BLOCK_MS = BLOCK * 3_600_000


def fill(file: Path, count: int) -> float:
    """Create a ledger of this many receipts; returns seconds. Above a month, in whole months."""
    began = time.monotonic()
    if count <= MONTH:
        _write(file, count)
        return time.monotonic() - began
    month = file.with_name(f"{MONTH}.db")
    if not month.exists():
        _write(month, MONTH)
    Store.open(f"sqlite:///{file}").close()
    _copy(month, file, count // MONTH)
    os.sync()  # so that the disk has finished before anything is measured
    return time.monotonic() - began


def _write(file: Path, count: int) -> None:
    store = Store.open(f"sqlite:///{file}")
    source = _within_a_block(count)
    while batch := list(itertools.islice(source, 500)):
        store.write(batch)
    store.close()


def _within_a_block(count: int) -> Iterator[Receipt]:
    """The receipts of bench/ledger.py, moved into the last thirty-day block of the tallies."""
    start = moment_of(down(hour_of(datetime.now(UTC)), BLOCK) - BLOCK)
    chance = random.Random(count)
    for receipt in receipts(count):
        share = (receipt.started_at - (END - timedelta(days=DAYS))) / timedelta(days=DAYS)
        moment = start + timedelta(hours=BLOCK) * min(share * 0.97, 0.999)
        name = new_receipt_id(moment.timestamp(), chance)
        yield replace(receipt, id=name, started_at=moment)


def _copy(month: Path, file: Path, times: int) -> None:
    chance = random.Random(times)
    database = sqlite3.connect(file, isolation_level=None)
    database.create_function("new_id", 1, lambda ms: new_receipt_id(ms / 1000, chance))
    for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000"):
        database.execute(f"PRAGMA {setting}")
    database.execute("ATTACH ? AS month", (str(month),))
    indexes = database.execute(
        "SELECT name, sql FROM sqlite_master"
        " WHERE type = 'index' AND tbl_name = 'receipts' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in indexes:
        database.execute(f"DROP INDEX {name}")
    database.execute("BEGIN")
    database.execute("INSERT INTO tally_keys SELECT * FROM month.tally_keys")
    for back in reversed(range(times)):
        moved = f"started_at - {back * _BLOCK_MS}"
        _insert(database, "receipts", {"seq": None, "started_at": moved, "id": f"new_id({moved})"})
        _insert(database, "tallies", {"start": f"start - {back * BLOCK}"})
    database.execute("COMMIT")
    for _, sql in indexes:
        database.execute(sql)
    database.execute("PRAGMA journal_mode = WAL")
    database.close()


def _insert(database: sqlite3.Connection, table: str, changed: dict[str, str | None]) -> None:
    """Copy all of a month's rows; each changed column gets another value or null."""
    names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    kept = [name for name in names if changed.get(name, name)]
    values = ", ".join(changed.get(name) or name for name in kept)
    database.execute(
        f"INSERT INTO {table} ({', '.join(kept)}) SELECT {values} FROM month.{table} ORDER BY 1"
    )
