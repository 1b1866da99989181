"""Measures the ledger: receipts per second, queries over a million of them, CPU per request.

    make bench-ledger             or: python bench/ledger.py [--receipts 1000000] [--engine sqlite]

The million is a busy team's quarter: ninety days, six callers, twelve models, three to five hosts
for each, days with mornings and nights. PostgreSQL is Debian's own, as the tests start it.
"""

import argparse
import itertools
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from app.ledger.receipt import Receipt, new_receipt_id
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from app.ledger.writer import Writer

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.ledger.postgres import Postgres, programs

DAYS = 90
END = datetime(2026, 11, 21, 12, 34, 56, tzinfo=UTC)
CALLERS = ("aider", "cline", "ci", "notebook", "chat", "batch")
HOSTS = (
    *("deepinfra", "novita", "fireworks", "together", "baseten", "parasail", "nebius"),
    *("chutes", "groq", "cerebras", "moonshotai", "z-ai"),
)
PRECISIONS = ("fp8", "fp8", "fp8", "bf16", "fp4", "unknown")


def receipts(count: int, seed: int = 0) -> Iterator[Receipt]:
    """Receipts as written by a proxy, oldest first."""
    chance = random.Random(seed)
    models = [f"author-{number % 5}/model-{number}" for number in range(12)]
    offers = {
        model: [(host, chance.choice(PRECISIONS)) for host in chance.sample(HOSTS, 3 + number % 3)]
        for number, model in enumerate(models)
    }
    rules = {
        model: ("base",) if number % 2 else ("base", f"rule-{number % 4}")
        for number, model in enumerate(models)
    }
    started = END - timedelta(days=DAYS)
    pause = DAYS * 86_400 / count
    weights = [1 / rank for rank in range(1, 13)]
    for _ in range(count):
        night = 3.0 if started.hour < 7 else 0.6  # 1.278 brings the mean back to 1
        started += timedelta(seconds=chance.expovariate(1 / pause) * night * 1.278)
        model = chance.choices(models, weights)[0]
        caller = chance.choices(CALLERS, weights[:6])[0]
        offer = offers[model]
        host, precision = chance.choices(offer, weights[: len(offer)])[0]
        prompt = chance.randrange(500, 60_000)
        yield Receipt(
            id=new_receipt_id(started.timestamp(), chance),
            started_at=started,
            caller=caller,
            user_agent=f"{caller}/1.0",
            path="/v1/chat/completions",
            dialect="chat",
            model_asked=model,
            model_sent=model,
            rules=rules[model],
            book="3f9a1c",
            preferences_sent={"quantizations": ["fp8", "bf16", "fp16", "fp32"], "zdr": True},
            streamed=True,
            status=200,
            generation_id=f"gen-{chance.getrandbits(64):x}",
            provider=host,
            model_served=model,
            quantizations_listed=(precision,),
            verdict=chance.choices(("kept", "broken", "unproven"), (95, 1, 4))[0],
            reason=f"served by {host}, listed as {precision}",
            evidence=("router_metadata", "body.provider", "catalog"),
            attempts=({"provider": host, "model": None, "status": 200},),
            ttfb_ms=chance.lognormvariate(5, 0.5),
            ttft_ms=chance.lognormvariate(6, 0.7),
            duration_ms=chance.lognormvariate(8, 1),
            prompt_tokens=prompt,
            cached_tokens=chance.choice((0, prompt // 2, prompt * 9 // 10)),
            completion_tokens=chance.randrange(10, 3000),
            reasoning_tokens=0,
            tokens_per_second=chance.lognormvariate(4, 0.4),
            cost_usd=Decimal(chance.randrange(100, 2_000_000)) / 10**8,
            finish_reason="stop",
            ending=chance.choices(("complete", "caller_left", "upstream_error"), (96, 2, 2))[0],
            bytes_in=prompt * 4,
            bytes_out=20_000,
            session=f"{started:%j}{caller}{chance.randrange(8)}" if chance.random() < 0.7 else None,
        )


def fill(store: Store, count: int) -> None:
    """Write this many receipts, timing only the store."""
    spent, written = 0.0, 0
    source = receipts(count)
    while batch := list(itertools.islice(source, 500)):
        began = time.perf_counter()
        store.write(batch)
        spent += time.perf_counter() - began
        written += len(batch)
        if written % 200_000 == 0:
            print(f"    {written:>9,} written, {written / spent:,.0f} a second so far", flush=True)
    print(f"  written in batches of 500: {written / spent:,.0f} receipts a second")


def questions() -> dict[str, Callable[[Store], object]]:
    """Typical queries."""
    by: Any = ("provider", "quantization")
    month = END - timedelta(days=30, minutes=17)
    rare = "author-1/model-11"
    return {
        "stats, all time, by provider and quantization": lambda store: store.stats(by=by),
        "stats, all time, by all five": lambda store: store.stats(
            by=("provider", "quantization", "model", "caller", "rule")
        ),
        "stats, last hour": lambda store: store.stats(
            by=by, wanted=Wanted(since=END - timedelta(hours=1))
        ),
        "stats, last 24 h": lambda store: store.stats(
            by=by, wanted=Wanted(since=END - timedelta(hours=24))
        ),
        "stats, last 30 days": lambda store: store.stats(by=by, wanted=Wanted(since=month)),
        "stats, last 89 days": lambda store: store.stats(
            by=by, wanted=Wanted(since=END - timedelta(days=89))
        ),
        "stats, 30 days, one model, one caller": lambda store: store.stats(
            by=by, wanted=Wanted(since=month, model=rare, caller="batch")
        ),
        "series, all time, by provider": lambda store: store.series(by=("provider",), now=END),
        "series, all time, with percentiles": lambda store: store.series(
            by=("provider",), now=END, distributions=True
        ),
        "series, last 5 days by the hour": lambda store: store.series(
            by=("quantization",), now=END, wanted=Wanted(since=END - timedelta(days=4.9))
        ),
        "series, last hour by the minute": lambda store: store.series(
            by=("provider",), now=END, wanted=Wanted(since=END - timedelta(hours=1))
        ),
        "receipts, newest 50": lambda store: store.recent(limit=50),
        "receipts, newest 50 of a rare model": lambda store: store.recent(
            Wanted(model=rare), limit=50
        ),
        "receipts, newest 50 of a model never asked": lambda store: store.recent(
            Wanted(model="nobody/nothing"), limit=50
        ),
        "receipts, newest 50 of models like one never asked": lambda store: store.recent(
            Wanted(model="nobody/*"), limit=50
        ),
        "receipts, newest 50 that failed": lambda store: store.recent(
            Wanted(failed=True), limit=50
        ),
        "stats of models alike": lambda store: store.stats(by=by, wanted=Wanted(model="qwen/*")),
        "stats of what failed, last 30 days": lambda store: store.stats(
            by=by, wanted=Wanted(since=month, failed=True)
        ),
        "receipts, newest 50 broken at one provider": lambda store: store.recent(
            Wanted(verdict="broken", provider="groq"), limit=50
        ),
    }


def ask(store: Store, *, plans: bool) -> None:
    """Time each query, and show the database's query plan."""
    statements: list[tuple[str, Any]] = []

    def note(_1: Any, _2: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    engine = store._engine  # noqa: SLF001
    for name, question in questions().items():
        took = []
        for _ in range(5):
            began = time.perf_counter()
            question(store)
            took.append((time.perf_counter() - began) * 1000)
        print(f"  {name:<46} {statistics.median(took):>7.1f} ms (first {took[0]:.1f})", flush=True)
        if plans:
            statements.clear()
            event.listen(engine, "before_cursor_execute", note)
            question(store)
            event.remove(engine, "before_cursor_execute", note)
            for statement, parameters in statements:
                if statement.startswith("SELECT"):
                    explain(engine, statement, parameters)


def explain(engine: sa.Engine, statement: str, parameters: Any) -> None:
    prefix = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        for row in connection.exec_driver_sql(prefix + statement, parameters):
            print(f"      {row[-1]}")


def cpu_per_request(url: str, rate: int, seconds: float) -> None:
    """A loop that only creates receipts, with and without passing them to the ledger."""
    ready = list(receipts(int(rate * seconds), seed=1))

    def loop(submit: Callable[[Receipt], None]) -> float:
        began, cpu = time.perf_counter(), _cpu()
        for number, one in enumerate(ready):
            ahead = began + number / rate - time.perf_counter()
            if ahead > 0:
                time.sleep(ahead)
            submit(one)
        return _cpu() - cpu

    off = loop(lambda _: None)
    writer = Writer(lambda: Store.open(url))
    writer.start()
    time.sleep(1)  # until it is open
    on = loop(writer.submit)
    before = _cpu()
    writer.close()
    on += _cpu() - before
    print(
        f"  at {rate:>5} requests a second: {(on - off) / len(ready) * 1e6:>6.0f} µs of CPU each,"
        f" {writer.dropped} dropped"
    )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(url: str, count: int, *, plans: bool) -> None:
    store = Store.open(url)
    fill(store, count)
    if store._engine.dialect.name != "sqlite":  # noqa: SLF001
        with store._engine.connect() as connection:  # noqa: SLF001
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
    sizes(store)
    ask(store, plans=plans)
    store.close()


def sizes(store: Store) -> None:
    with store._engine.connect() as connection:  # noqa: SLF001
        for table in ("receipts", "tallies", "tally_keys"):
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            print(f"  {table}: {rows:,} rows")
        if store._engine.dialect.name == "sqlite":  # noqa: SLF001
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
            print(f"  file: {pages * 4096 / 1e6:,.0f} MB")


def main() -> None:
    reading = argparse.ArgumentParser()
    reading.add_argument("--receipts", type=int, default=1_000_000)
    reading.add_argument("--engine", choices=["sqlite", "postgresql"], action="append")
    reading.add_argument("--plans", action="store_true")
    reading.add_argument("--file", type=Path, help="keep the SQLite file here; use it if there")
    given = reading.parse_args()
    engines = given.engine or ["sqlite", "postgresql"]
    with tempfile.TemporaryDirectory() as folder:
        if "sqlite" in engines:
            print("SQLite")
            file = given.file or Path(folder) / "ledger.db"
            url = f"sqlite:///{file}"
            if given.file and file.exists():
                store = Store.open(url)
                sizes(store)
                ask(store, plans=given.plans)
                store.close()
            else:
                measure(url, given.receipts, plans=given.plans)
            for rate in (10, 200, 2000):
                cpu_per_request(f"sqlite:///{folder}/cpu.db", rate, 5)
    if "postgresql" in engines:
        print("PostgreSQL")
        found = programs()
        if found is None:
            print("  not installed: apt install postgresql")
            return
        with tempfile.TemporaryDirectory() as folder, Postgres(found, Path(folder)) as server:
            measure(f"{server.url}/ledger", given.receipts, plans=given.plans)


if __name__ == "__main__":
    main()
