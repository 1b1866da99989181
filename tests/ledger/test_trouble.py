"""Trouble of every kind: a request never feels it, it shows, and it is caught up with."""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.ledger.store import Store
from app.ledger.writer import Writer
from tests.ledger.postgres import Postgres, programs
from tests.ledger.receipts import receipt
from tests.waiting import wait_until

SLOWEST_SUBMIT = 0.05  # seconds; a busy machine may hold up a thread for a moment


class Requests:
    """Submits receipts as a proxy does, and notes how long that took at worst."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.ids: list[str] = []
        self.slowest = 0.0

    def run(self, count: int, pause: float = 0.002) -> None:
        for _ in range(count):
            one = receipt(len(self.ids))
            began = time.perf_counter()
            self._writer.submit(one)
            self.slowest = max(self.slowest, time.perf_counter() - began)
            self.ids.append(one.id)
            time.sleep(pause)


Opens = Callable[..., Writer]


@pytest.fixture
def writing() -> Iterator[Opens]:
    """Starts a writer in front of a ledger."""
    writers: list[Writer] = []

    def start(url: str, *, capacity: int = 10_000) -> Writer:
        writer = Writer(lambda: Store.open(url), capacity=capacity)
        writers.append(writer)
        writer.start()
        wait_until(lambda: writer.pending == 0)
        return writer

    yield start
    for writer in writers:
        writer.close(timeout=1)


def kept(url: str) -> list[str]:
    with closing(Store.open(url)) as store:
        return [one.id for one in store.written_after(0, limit=100_000)[1]]


def counted(url: str) -> int:
    with closing(Store.open(url)) as store:
        return store.stats().total.requests


def warm(url: str, writer: Writer) -> Requests:
    requests = Requests(writer)
    requests.run(5)
    wait_until(lambda: len(kept(url)) == 5)
    return requests


class Rule:
    """A statement that every connection of every engine runs, for as long as the rule is on."""

    def __init__(self, statement: str) -> None:
        self.statement = statement

    def __call__(self, connection: Any, *_: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute(self.statement)


@pytest.fixture
def sqlite_rule() -> Iterator[Callable[[str], None]]:
    """Makes each connection, when it is taken from its pool, run a statement first."""
    rule = Rule("SELECT 1")
    event.listen(sa.pool.Pool, "checkout", rule)

    def change(statement: str) -> None:
        rule.statement = statement

    yield change
    event.remove(sa.pool.Pool, "checkout", rule)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (("max_page_count=1", "max_page_count=1000000"), "disk is full"),  # not one page more
        (("query_only=ON", "query_only=OFF"), "readonly database"),
    ],
    ids=["full", "read-only"],
)
def test_a_full_disk_and_a_read_only_file_are_waited_out(
    tmp_path: Path,
    writing: Opens,
    sqlite_rule: Callable[[str], None],
    trouble: tuple[str, str],
    words: str,
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    writer = writing(url)
    requests = warm(url, writer)
    sqlite_rule(f"PRAGMA {trouble[0]}")
    requests.run(200)
    wait_until(lambda: words in (writer.error or ""))
    requests.run(100)
    sqlite_rule(f"PRAGMA {trouble[1]}")
    wait_until(lambda: writer.error is None and writer.pending == 0)
    assert requests.slowest < SLOWEST_SUBMIT
    assert writer.dropped == 0
    assert kept(url) == requests.ids
    assert counted(url) == len(requests.ids)


def test_what_does_not_fit_the_queue_is_dropped_and_counted(
    tmp_path: Path, writing: Opens, sqlite_rule: Callable[[str], None]
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    writer = writing(url, capacity=50)
    requests = warm(url, writer)
    sqlite_rule("PRAGMA query_only=ON")
    requests.run(120, pause=0.0)
    wait_until(lambda: writer.error is not None)
    sqlite_rule("PRAGMA query_only=OFF")
    wait_until(lambda: writer.error is None and writer.pending == 0)
    assert writer.dropped > 0
    assert len(kept(url)) == len(requests.ids) - writer.dropped
    assert counted(url) == len(requests.ids) - writer.dropped


def test_a_locked_database_is_waited_for(tmp_path: Path, writing: Opens) -> None:
    """Locked for longer than SQLite itself would wait: a backup, a person with a shell."""
    url = f"sqlite:///{tmp_path}/ledger.sqlite?timeout=0.3"
    writer = writing(url)
    requests = warm(url, writer)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        requests.run(300)
        wait_until(lambda: "database is locked" in (writer.error or ""))
        requests.run(100)
        other.rollback()
    wait_until(lambda: writer.error is None and writer.pending == 0)
    assert requests.slowest < SLOWEST_SUBMIT
    assert (writer.dropped, kept(url)) == (0, requests.ids)


@pytest.mark.parametrize("gone", ["ledger.sqlite", "ledger.sqlite*"])
def test_a_deleted_database_is_made_again(tmp_path: Path, writing: Opens, gone: str) -> None:
    """What it held is gone; what comes after must not go with it."""
    file = tmp_path / "ledger.sqlite"
    url = f"sqlite:///{file}"
    writer = writing(url)
    reader = Store.open(url)
    before = warm(url, writer)
    assert len(reader.recent(limit=10)) == 5
    for each in tmp_path.glob(gone):
        each.unlink()
    after = Requests(writer)
    after.run(50)
    wait_until(lambda: writer.pending == 0 and writer.error is None)
    wait_until(lambda: set(kept(url)) == set(after.ids))
    assert {one.id for one in reader.recent(limit=100)} == set(after.ids)
    reader.close()
    after.run(10)  # what the reader let go of was not what the writer writes to
    wait_until(lambda: set(kept(url)) == set(after.ids))
    assert not set(before.ids) & set(kept(url))
    assert counted(url) == 60


def test_a_folder_taken_away_is_made_again(tmp_path: Path, writing: Opens) -> None:
    folder = tmp_path / "state"
    url = f"sqlite:///{folder}/ledger.sqlite"
    writer = writing(url)
    warm(url, writer)
    shutil.rmtree(folder)
    after = Requests(writer)
    after.run(20)
    wait_until(lambda: set(kept(url)) == set(after.ids))


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    file.write_bytes(b"not a database at all, but somebody's notes" * 50)
    writer = Writer(lambda: Store.open(f"sqlite:///{file}"))
    writer.start()
    writer.submit(receipt())
    wait_until(lambda: "file is not a database" in (writer.error or ""))
    assert file.read_bytes().startswith(b"not a database")
    file.unlink()
    wait_until(lambda: writer.pending == 0)
    writer.close()


def test_postgresql_may_be_stopped_and_started_again(postgres: str, writing: Opens) -> None:
    """A server of this test's own; `postgres` skips where there is none."""
    found = programs()
    assert postgres
    assert found is not None
    folder = Path(tempfile.mkdtemp(prefix="pointsman-postgres-"))
    try:
        with Postgres(found, folder) as server:
            url = f"{server.url}/ledger"
            writer = writing(url)
            requests = warm(url, writer)
            server.stop()
            requests.run(200)
            wait_until(lambda: writer.error is not None)
            assert "password" not in (writer.error or "")
            requests.run(100)
            server.start()
            wait_until(lambda: writer.error is None and writer.pending == 0)
            assert requests.slowest < SLOWEST_SUBMIT
            assert writer.dropped == 0
            assert kept(url) == requests.ids
            assert counted(url) == len(requests.ids)
            writer.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
