"""A PostgreSQL ledger at size: how fast writers write, how long questions take, what it takes up.

    make bench-scale RECEIPTS=1000000   or: python -m bench.scale --receipts 1000000

PostgreSQL is Debian's own, in a folder of its own, with the settings of a server that loses nothing
(`fsync` and `synchronous_commit` are on). It shares the machine with what is measured, so writers
and server compete for its cores; docs/scale.md says what that means.
"""

import argparse
import itertools
import multiprocessing
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from app.errors import LedgerError
from app.ledger.keep import Keep
from app.ledger.positions import Position
from app.ledger.receipt import new_receipt_id
from app.ledger.spender import Question, bucket_of
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from bench.conditions import processor
from bench.ledger import receipts
from bench.partitioned import split
from bench.scaled import PERIOD, fill
from tests.ledger.postgres import Postgres, programs

BATCH = 500
_ROUNDS = 5
_PATIENCE = 120.0  # seconds for all writers to start
# While it is filled, what is written to a new table needs no log (`_repeat` in bench/scaled.py).
_FILLING = ("fsync=off", "wal_level=minimal", "max_wal_senders=0", "shared_buffers=1GB")
_SETTINGS = ("shared_buffers=1GB", "max_wal_size=4GB", "checkpoint_timeout=15min", "work_mem=16MB")


@dataclass(frozen=True, slots=True)
class Written:
    """What one writer wrote: receipts, the seconds that each batch took, and CPU."""

    receipts: int
    batches: tuple[float, ...]
    cpu: float  # seconds of the process
    server_cpu: float  # and of the server's process for it
    given_up: int  # batches that waited for the others longer than a lock may be waited for


def writers(url: str, count: int, seconds: float) -> None:
    """Let so many processes write at the same time, and print how many receipts a second."""
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(count + 1, timeout=_PATIENCE)
    with ProcessPoolExecutor(count, spawn, initializer=_begin, initargs=(ready,)) as running:
        asked = [running.submit(_write, url, number, seconds) for number in range(1, count + 1)]
        ready.wait()
        began = time.monotonic()
        written = [each.result() for each in asked]
        took = time.monotonic() - began
    batches = sorted(itertools.chain.from_iterable(each.batches for each in written))
    total = sum(each.receipts for each in written)
    print(
        f"  {count} writing: {total / took:>7,.0f} receipts a second; a batch of {BATCH} takes "
        f"{statistics.median(batches) * 1000:.0f} ms, the slowest of 100 "
        f"{batches[int(len(batches) * 0.99)] * 1000:.0f} ms; CPU of one receipt "
        f"{sum(each.cpu for each in written) / total * 1e6:.0f} µs, in the server "
        f"{sum(each.server_cpu for each in written) / total * 1e6:.0f} µs; "
        f"{sum(each.given_up for each in written)} batches had to be tried again",
        flush=True,
    )


_starting: list[Any] = []  # in each writing process, the barrier at which all begin


def _begin(ready: Any) -> None:
    _starting.append(ready)


def _write(url: str, number: int, seconds: float) -> Written:
    store, chance = Store.open(url, writer=number), random.Random(number * 1000 + os.getpid())
    made = list(receipts(20_000, seed=number))
    source = itertools.cycle(made)
    batches, cpu, given_up = [], 0.0, 0
    with store.connection() as connection:
        server = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar() or 0
    _starting[0].wait()
    server_cpu, until = _cpu_of(server), time.monotonic() + seconds
    while time.monotonic() < until:
        now = datetime.now(UTC)
        batch = [
            replace(one, id=new_receipt_id(now.timestamp(), chance), started_at=now)
            for one in itertools.islice(source, BATCH)
        ]
        began, cpu_before = time.perf_counter(), time.process_time()
        while True:
            try:
                store.write(batch)
            except LedgerError:
                given_up += 1
            else:
                break
        batches.append(time.perf_counter() - began)
        cpu += time.process_time() - cpu_before
    server_cpu = _cpu_of(server) - server_cpu
    store.close()
    return Written(len(batches) * BATCH, tuple(batches), cpu, server_cpu, given_up)


def _cpu_of(process: int) -> float:
    """Seconds of CPU that a process of this machine has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def questions(now: datetime, oldest: str, end: Position) -> dict[str, Callable[[Store], object]]:
    """What the dashboard, the commands, budgets and exports ask."""
    by: Any = ("provider", "quantization")
    day = Wanted(since=now - timedelta(days=1))
    month = Wanted(since=now - PERIOD + timedelta(minutes=17))
    bucket = bucket_of(now)
    spent = [
        Question("base", "rule", bucket - 30 * 96, bucket),
        Question("base", "caller", bucket - 96, bucket),
    ]
    return {
        "stats, last hour": lambda store: store.stats(
            by=by, wanted=Wanted(since=now - timedelta(hours=1))
        ),
        "stats, last day": lambda store: store.stats(by=by, wanted=day),
        "stats, last month": lambda store: store.stats(by=by, wanted=month),
        "series, last month": lambda store: store.series(by=("provider",), wanted=month, now=now),
        "stats of what failed, last day": lambda store: store.stats(
            by=by, wanted=Wanted(since=day.since, failed=True)
        ),
        "sessions, last day": lambda store: store.session_stats(by=("rule",), wanted=day),
        "log, first page": lambda store: store.recent(limit=50),
        "log, a page at the other end": lambda store: store.recent(limit=50, after=oldest),
        "log, a rare model's first page": lambda store: store.recent(
            Wanted(model="author-1/model-11"), limit=50
        ),
        "scorecard, last 7 days": lambda store: store.scorecard(
            slug=str, wanted=Wanted(since=now - timedelta(days=7))
        ),
        "spending, at the start of a process": lambda store: store.spent(
            spent, ["base"], bucket - 2
        ),
        "one receipt by its id": lambda store: store.get(oldest),
        "export, a page of 2,000": lambda store: store.written_between(
            Position(end.seq // 2), end, limit=2000
        ),
        "export, where the last hour begins": lambda store: store.first_since(
            now - timedelta(hours=1)
        ),
    }


def ask(store: Store) -> None:
    """Time each question: the first time, and the median of the next ones."""
    end = store.newest_position()
    now = store.recent(limit=1)[0].started_at + timedelta(seconds=1)
    oldest = store.written_after(0, limit=1)[1][0].id
    for name, question in questions(now, oldest, end).items():
        took = []
        for _ in range(_ROUNDS + 1):
            began = time.perf_counter()
            question(store)
            took.append((time.perf_counter() - began) * 1000)
            if took[-1] > 20_000:
                break
        median = statistics.median(took[1:] or took)
        print(f"  {name:<38} {median:>9,.1f} ms (first {took[0]:,.1f})", flush=True)


def sizes(url: str) -> None:
    """What a receipt takes up, in its table and in each index."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM receipts").scalar() or 1
        print(f"  {count:,} receipts; bytes each:")
        for name, size in connection.exec_driver_sql(_SIZES).all():
            print(f"    {name:<28} {size / count:>8,.0f}")
        for table in ("tallies", "spending"):
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            size = connection.exec_driver_sql(f"SELECT pg_total_relation_size('{table}')").scalar()
            print(f"  {table}: {rows:,} rows, {(size or 0) / 1e6:,.0f} MB")
    engine.dispose()


_SIZES = """
SELECT relname, pg_table_size(oid) FROM pg_class WHERE oid = 'receipts'::regclass
UNION ALL SELECT indexrelid::regclass::text, pg_relation_size(indexrelid)
FROM pg_index WHERE indrelid = 'receipts'::regclass
UNION ALL SELECT 'together', pg_total_relation_size('receipts')
"""


def deleting(url: str, seconds: float) -> None:
    """How fast retention deletes receipts that are too old, and how long VACUUM takes then."""
    store = Store.open(url, Keep(age=timedelta(days=15)))
    began, rounds = time.monotonic(), 0
    while time.monotonic() - began < seconds and store.tidy():
        rounds += 1
    took = time.monotonic() - began
    store.close()
    deleted = rounds * BATCH
    print(f"  {deleted:,}, {deleted / took:,.0f} receipts a second, in transactions of {BATCH}")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        began = time.monotonic()
        connection.exec_driver_sql("VACUUM receipts")
        print(f"  {time.monotonic() - began:.1f} s for VACUUM, which makes their space free again")
    engine.dispose()


def main() -> None:
    reading = argparse.ArgumentParser(description="Measure a PostgreSQL ledger at size.")
    reading.add_argument("--receipts", type=int, default=1_000_000)
    reading.add_argument("--writers", default="1,2,4", help="how many processes write [1,2,4]")
    reading.add_argument("--seconds", type=float, default=15.0, help="for each of these [15]")
    reading.add_argument("--partitions", type=int, help="split receipts into so many first")
    given = reading.parse_args()
    found = programs()
    if found is None:
        raise SystemExit("PostgreSQL is required: apt install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pointsman-scale-"))
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores of {processor()}, load {load:.1f}")
    try:
        with Postgres(found, folder, _FILLING) as server:
            url = f"{server.url}/ledger"
            print("Filling", flush=True)
            print(f"  {fill(url, given.receipts):,.0f} s")
            server.restart(_SETTINGS)
            os.sync()
            print("Sizes")
            sizes(url)
            if given.partitions:
                print("Partitions", flush=True)
                split(url, given.partitions)
            print("Questions", flush=True)
            store = Store.open(url)
            ask(store)
            store.close()
            print("Writing", flush=True)
            for count in map(int, given.writers.split(",")):
                writers(url, count, given.seconds)
            print("Deleting", flush=True)
            deleting(url, given.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
