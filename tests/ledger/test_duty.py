"""Chores are done by one process on a PostgreSQL ledger, and by another one once it is gone."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Self

import pytest
import sqlalchemy as sa

from app.ledger.duty import Duty
from app.ledger.lazy_store import LazyStore
from app.ledger.postgresql import IDLE_SECONDS
from app.ledger.store import Store
from app.ledger.writer import Writer
from tests.ledger.postgres import Admin
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
SECONDS = 5.0  # within which the duty moves

# Says whenever it gets or loses the duty.
PROCESS = """
import sys, time
from app.ledger.lazy_store import LazyStore
ledger, was = LazyStore(sys.argv[1]), None
ledger.take_duty()
while True:
    if ledger.is_on_duty() != was:
        was = ledger.is_on_duty()
        print(was, flush=True)
    time.sleep(0.01)
"""


class Process:
    """A process on the ledger; `says` is what it said last."""

    def __init__(self, url: str, log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", PROCESS, url], env={"PYTHONPATH": str(ROOT)}, stdout=output
            )

    @property
    def says(self) -> str:
        return (self._log.read_text().split() or [""])[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def ledger(postgres: str) -> str:
    with closing(Admin(f"{postgres}/ledger")) as admin:
        admin.run("DROP SCHEMA public CASCADE")
        admin.run("CREATE SCHEMA public")
    return f"{postgres}/ledger"


def test_one_of_three_processes_has_the_duty_and_another_takes_it_when_that_is_killed(
    ledger: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        processes = [
            stack.enter_context(Process(ledger, tmp_path / str(number))) for number in range(3)
        ]

        def on_duty() -> list[Process]:
            return [each for each in processes if each.says == "True"]

        for left in (3, 2, 1):
            wait_until(lambda: len(on_duty()) == 1, within=20 if left == 3 else SECONDS)
            (holder,) = on_duty()
            holder.process.send_signal(signal.SIGKILL)
            holder.process.wait()
            processes.remove(holder)


@pytest.mark.slow
def test_t90_a_frozen_process_loses_the_duty_and_can_take_it_again(
    ledger: str, tmp_path: Path
) -> None:
    """Its connection stands, so only the server's limit for silent transactions ends it."""
    with Process(ledger, tmp_path / "first") as first:
        wait_until(lambda: first.says == "True")
        with Process(ledger, tmp_path / "second") as second:
            wait_until(lambda: second.says == "False")
            first.process.send_signal(signal.SIGSTOP)
            wait_until(lambda: second.says == "True", within=IDLE_SECONDS + SECONDS)
            first.process.send_signal(signal.SIGCONT)
            wait_until(lambda: first.says == "False", within=SECONDS)
        wait_until(lambda: first.says == "True", within=SECONDS)


@pytest.fixture
def store(ledger: str) -> Iterator[Store]:
    with closing(Store.open(ledger)) as store:
        yield store


def test_the_duty_is_left_to_another_at_the_end(store: Store) -> None:
    first, second = (Duty(lambda: store, every=0.05) for _ in range(2))
    first.start()
    wait_until(first.is_mine)
    second.start()
    first.close()
    wait_until(second.is_mine, within=SECONDS)
    assert not first.is_mine()
    second.close()


def test_a_duty_whose_connection_the_server_ends_is_taken_again(store: Store, ledger: str) -> None:
    duty = Duty(lambda: store, every=0.05)
    duty.start()
    wait_until(duty.is_mine)
    assert holders(ledger) == 1
    with closing(Admin(ledger)) as admin:
        admin.run(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {HELD}")  # noqa: S608
    wait_until(lambda: duty.is_mine() and holders(ledger) == 1, within=SECONDS)
    duty.close()


HELD = "locktype = 'advisory' AND granted AND objid = 1886349680"  # 0x706F6970


def holders(ledger: str) -> int:
    engine = sa.create_engine(ledger)
    with engine.connect() as connection:
        held = connection.exec_driver_sql(f"SELECT count(*) FROM pg_locks WHERE {HELD}").scalar()  # noqa: S608
    engine.dispose()
    return int(held or 0)


def test_the_open_transaction_holds_up_no_vacuum(store: Store, ledger: str) -> None:
    """It has neither a snapshot nor a number, so that dead rows can be removed meanwhile."""
    duty = Duty(lambda: store, every=0.5)
    duty.start()
    wait_until(duty.is_mine)
    engine = sa.create_engine(ledger)
    time.sleep(0.7)  # another look later
    with engine.connect() as connection:
        query = f"SELECT pid FROM pg_locks WHERE {HELD}"  # noqa: S608
        found = connection.exec_driver_sql(
            f"SELECT backend_xmin, backend_xid FROM pg_stat_activity WHERE pid IN ({query})"  # noqa: S608
            " AND state = 'idle in transaction'"
        ).all()
    engine.dispose()
    duty.close()
    assert found == [(None, None)]


def test_while_the_ledger_is_away_no_process_has_the_duty() -> None:
    ledger = LazyStore("postgresql+psycopg://pointsman@127.0.0.1:1/ledger")
    ledger.take_duty()
    assert not ledger.is_on_duty()
    ledger.close()


class Sink:
    """A ledger that counts how often it is tidied."""

    tidied = 0

    def write(self, receipts: object) -> int:
        del receipts
        return 0

    def note_listings(self, listed: object) -> None:
        del listed

    def note_costs(self, costs: object) -> None:
        del costs

    def tidy(self) -> bool:
        self.tidied += 1
        return True  # there may be more: again at once

    def close(self) -> None:
        pass


def test_old_rows_are_deleted_by_the_process_on_duty_alone_and_as_soon_as_it_is() -> None:
    on_duty, sink = [False], Sink()
    writer = Writer(lambda: sink, on_duty=lambda: on_duty[0])
    writer.start()
    wait_until(lambda: writer.error is None and writer.has_written(0))
    assert sink.tidied == 0
    on_duty[0] = True
    wait_until(lambda: sink.tidied > 2)
    writer.close()


def test_with_a_file_every_process_does_the_chores_and_nothing_of_this_is_loaded(
    tmp_path: Path,
) -> None:
    script = """
import sys
from app.ledger.lazy_store import LazyStore
ledger = LazyStore(sys.argv[1])
ledger.take_duty()
assert ledger.is_on_duty()
ledger.open().close()
ledger.close()
import threading
print("app.ledger.duty" in sys.modules, threading.active_count())
"""
    told = subprocess.check_output(  # noqa: S603
        [sys.executable, "-c", script, f"sqlite:///{tmp_path}/ledger.db"],
        env={"PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert told.split() == ["False", "1"]
