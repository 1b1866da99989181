"""A ledger that says nothing is noticed within seconds, told, and caught up with (T-64)."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from app.errors import LedgerError
from app.ledger.late import LateCost
from app.ledger.listed import Listed
from app.ledger.opening import WRITING_LOCK, lock, open_engine
from app.ledger.postgresql import LOCK_SECONDS, asked_first, unhurried
from app.ledger.receipt import Receipt
from app.ledger.store import Store
from app.ledger.writer import PATIENCE_SECONDS, Sink, Writer
from tests.conftest import StartProxy
from tests.ledger.postgres import Admin
from tests.ledger.receipts import receipt
from tests.ledger.silence import Silencer
from tests.scripted_upstream import ScriptedUpstream, reply
from tests.waiting import until_seen, wait_until

LIMITS = ("statement", "lock", "idle_in_transaction_session")
PROBES = ("idle", "interval", "count")
SILENT = "a receipt has waited 5 s for the ledger; the database is slow or does not respond"


@pytest.fixture
def silencer(postgres: str) -> Iterator[Silencer]:
    with closing(Admin(f"{postgres}/ledger")) as admin:
        admin.run("DROP SCHEMA public CASCADE")
        admin.run("CREATE SCHEMA public")
    with Silencer(int(postgres.rpartition(":")[2])) as proxy:
        yield proxy


@pytest.fixture
def silent_url(silencer: Silencer) -> str:
    return f"postgresql+psycopg://pointsman@127.0.0.1:{silencer.port}/ledger"


@pytest.fixture
def writing() -> Iterator[Callable[[Writer], Writer]]:
    writers: list[Writer] = []

    def start(writer: Writer) -> Writer:
        writers.append(writer)
        writer.start()
        return writer

    yield start
    for writer in writers:
        writer.close(timeout=0.1)


def submit(writer: Writer, count: int = 1) -> list[str]:
    receipts = [receipt() for _ in range(count)]
    for each in receipts:
        writer.submit(each)
    return [each.id for each in receipts]


def of_the_ledger(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "pointsman"]


@pytest.mark.slow
def test_t64_a_silent_postgresql_is_an_error_after_five_seconds_and_is_caught_up_with(
    silencer: Silencer,
    silent_url: str,
    writing: Callable[[Writer], Writer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = writing(Writer(lambda: Store.open(silent_url, patience=30)))
    ids = submit(writer)
    wait_until(lambda: writer.pending == 0)
    assert (writer.error, writer.oldest_waiting_seconds) == (None, 0.0)
    silencer.freeze()
    ids += submit(writer, 3)
    assert (
        PATIENCE_SECONDS - 0.5 < wait_until(lambda: writer.error is not None) < PATIENCE_SECONDS + 2
    )
    assert writer.error == SILENT
    assert writer.oldest_waiting_seconds >= PATIENCE_SECONDS
    ids += submit(writer, 2)
    time.sleep(1.2)  # it is looked at several times, and logged once
    assert of_the_ledger(caplog) == [f"{SILENT}; receipts wait in memory"]
    silencer.thaw()
    wait_until(lambda: writer.pending == 0)
    wait_until(lambda: writer.error is None)
    wait_until(lambda: len(of_the_ledger(caplog)) == 2)
    assert of_the_ledger(caplog)[1] == "the ledger works again"
    with closing(Store.open(silent_url)) as store:
        assert [each.id for each in store.written_after(0)[1]] == ids
    assert writer.dropped == 0


@pytest.mark.slow
def test_t64_a_connection_that_stays_silent_is_given_up_and_another_one_made(
    silencer: Silencer, silent_url: str, writing: Callable[[Writer], Writer]
) -> None:
    writer = writing(Writer(lambda: Store.open(silent_url, patience=0.5)))
    ids = submit(writer)
    wait_until(lambda: writer.pending == 0)
    silencer.freeze()
    ids += submit(writer)
    wait_until(
        lambda: "timeout" in (writer.error or "")
    )  # of the new connection, which is frozen, too
    silencer.thaw()
    wait_until(lambda: writer.error is None and writer.pending == 0)
    with closing(Store.open(silent_url)) as store:
        assert [each.id for each in store.written_after(0)[1]] == ids


def test_t64_a_read_from_a_silent_postgresql_ends(silencer: Silencer, silent_url: str) -> None:
    store = Store.open(silent_url, patience=0.5)
    store.write([receipt()])
    silencer.freeze()
    began = time.monotonic()
    with pytest.raises(LedgerError, match=r"can't read the ledger: .*timeout"):
        store.recent(limit=1)
    assert time.monotonic() - began < 30  # to try the old connection, and to make another one
    silencer.thaw()
    assert len(store.recent(limit=1)) == 1
    store.close()


def test_t64_a_statement_that_is_under_way_when_it_falls_silent_ends(
    silencer: Silencer, silent_url: str
) -> None:
    engine = open_engine(silent_url, patience=0.5)
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        silencer.freeze()
        began = time.monotonic()
        with pytest.raises(OperationalError, match=r"has not answered for 1\.5 s"):
            connection.exec_driver_sql("SELECT 2")
        assert 1.4 < time.monotonic() - began < 30
        silencer.thaw()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 3").scalar() == 3
    engine.dispose()


def test_t64_a_silent_postgresql_at_start_is_told_in_seconds(
    silencer: Silencer, silent_url: str
) -> None:
    silencer.freeze()
    began = time.monotonic()
    with pytest.raises(LedgerError, match=r"can't open the ledger .*timeout"):
        Store.open(silent_url)
    assert time.monotonic() - began < 30


def test_t64_the_server_ends_what_takes_too_long(postgres: str) -> None:
    engine = open_engine(f"{postgres}/ledger", patience=0.3)
    with engine.connect() as connection, pytest.raises(OperationalError, match="statement timeout"):
        connection.exec_driver_sql("SELECT pg_sleep(30)")
    with engine.connect() as connection:
        shown = [connection.exec_driver_sql(f"SHOW {name}_timeout").scalar() for name in LIMITS]
        assert shown == ["300ms", "5s", "10s"]
        probes = [
            connection.exec_driver_sql(f"SHOW tcp_keepalives_{each}").scalar() for each in PROBES
        ]
        assert probes == ["5", "2", "3"]  # for a client whose machine is gone
    engine.dispose()


@pytest.mark.parametrize(("limit", "seconds"), [("30s", 31.0), ("200", 1.2), ("0", None)])
def test_a_limit_in_the_address_is_that_of_our_own_clock_too(
    postgres: str, limit: str, seconds: float | None
) -> None:
    url = f"{postgres}/ledger?options=-c%20statement_timeout%3D{limit}"
    engine = open_engine(url, patience=0.1)
    for _ in range(2):  # new, and used before
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            assert driver.patience == seconds
            if limit != "200":
                assert connection.exec_driver_sql("SELECT pg_sleep(1.3)").all()
    engine.dispose()


def test_the_address_has_the_last_word_on_timeouts(postgres: str) -> None:
    url = f"{postgres}/ledger?options=-c%20statement_timeout%3D77&connect_timeout=3"
    engine = open_engine(url, patience=5)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "77ms"
        driver: Any = connection.connection.driver_connection
        told = driver.info.get_parameters()
        assert (told["connect_timeout"], told["tcp_user_timeout"]) == ("3", "10000")
        assert (told["keepalives"], told["keepalives_idle"]) == ("1", "5")
    engine.dispose()


def test_t64_a_lock_held_by_another_session_is_an_error_and_not_a_wait(
    postgres: str, url: str, writing: Callable[[Writer], Writer]
) -> None:
    if "postgresql" not in url:
        pytest.skip("SQLite has one lock, see below")
    writer = writing(Writer(lambda: Store.open(url)))
    ids = submit(writer)
    wait_until(lambda: writer.pending == 0)
    other = sa.create_engine(f"{postgres}/ledger")
    with other.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE receipts IN ACCESS EXCLUSIVE MODE")
        ids += submit(writer)
        wait_until(lambda: "lock timeout" in (writer.error or ""))
    wait_until(lambda: writer.error is None and writer.pending == 0)
    with closing(Store.open(url)) as store:
        assert [each.id for each in store.written_after(0)[1]] == ids
    other.dispose()


def test_t90_a_process_that_is_frozen_while_it_writes_holds_up_the_others_for_seconds(
    postgres: str, url: str, writing: Callable[[Writer], Writer]
) -> None:
    """The server ends its transaction; here after half a second, by default after ten."""
    if "postgresql" not in url:
        pytest.skip("with SQLite, all processes are on one machine")
    limit = "-c%20idle_in_transaction_session_timeout%3D500"
    frozen = open_engine(f"{postgres}/ledger?options={limit}")
    writer = writing(Writer(lambda: Store.open(url)))
    with frozen.connect() as connection:
        lock(connection, WRITING_LOCK)
        ids = submit(writer, 3)
        wait_until(lambda: writer.pending == 0 and writer.has_tried, within=LOCK_SECONDS - 1)
        with pytest.raises(DBAPIError, match="idle-in-transaction timeout"):
            connection.exec_driver_sql("SELECT 1")  # and what it was about to write is not written
    with frozen.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    with closing(Store.open(url)) as store:
        assert [each.id for each in store.written_after(0)[1]] == ids
    frozen.dispose()


def test_t91_a_server_that_is_gone_for_good_is_waited_for_once(
    silencer: Silencer, postgres: str
) -> None:
    """The first server accepts connections and says nothing, as a frozen machine does."""
    silencer.freeze()
    port = postgres.rpartition(":")[2]
    hosts = f"host=127.0.0.1:{silencer.port}&host=127.0.0.1:{port}&connect_timeout=2"
    url = f"postgresql+psycopg://pointsman@/ledger?{hosts}"
    engine = open_engine(url)
    began = time.monotonic()
    with engine.connect() as one, engine.connect() as two, engine.connect() as three:
        assert [each.exec_driver_sql("SELECT 1").scalar() for each in (one, two, three)] == [1] * 3
    open_engine(url).dispose()  # as the writer's after the readers'
    assert time.monotonic() - began < 1.5
    engine.dispose()


@pytest.mark.parametrize(
    ("host", "port", "asked"),
    [
        ("a,b,c", "1,2,3", ("b,a,c", "2,1,3")),
        ("a,a,b", "1,2,2", ("b,a,a", "2,1,2")),
        ("a,b", "2", ("b,a", "2,2")),
        ("a,c", "1,3", ("a,c", "1,3")),  # none of them is that server
        ("b", "2", ("b", "2")),
        ("a,b,c", "1,2", ("a,b,c", "1,2")),  # the driver says what is wrong
    ],
)
def test_t91_the_server_that_was_connected_to_is_asked_first(
    host: str, port: str, asked: tuple[str, str]
) -> None:
    named = {"host": host, "port": port, "dbname": "ledger"}
    found = asked_first(("b", "2"), named)
    assert (found["host"], found["port"], found["dbname"]) == (*asked, "ledger")
    assert asked_first(None, named) == named
    assert asked_first(("b", "2"), named | {"hostaddr": "::1"}) == named | {"hostaddr": "::1"}


def test_t90_a_migration_may_think_for_as_long_as_it_takes(postgres: str) -> None:
    engine = open_engine(f"{postgres}/ledger", patience=0.3)
    with engine.connect() as connection, unhurried(connection):
        shown = [connection.exec_driver_sql(f"SHOW {name}_timeout").scalar() for name in LIMITS]
        assert shown == ["0", "0", "0"]
    engine.dispose()


_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


def test_t64_a_file_locked_by_another_process_is_an_error_after_five_seconds(
    tmp_path: Path, writing: Callable[[Writer], Writer], caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    writer = writing(Writer(lambda: Store.open(url)))
    ids = submit(writer)
    wait_until(lambda: writer.pending == 0)
    holder = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", _HOLD, f"{tmp_path}/ledger.sqlite"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        ids += submit(writer)
        assert wait_until(lambda: writer.error is not None) < PATIENCE_SECONDS + 2
        assert writer.error == SILENT
        with closing(Store.open(url)) as reader:
            assert len(reader.recent(limit=5)) == 1  # a reader is not held up
        holder.communicate()
    wait_until(lambda: writer.error is None and writer.pending == 0)
    with closing(Store.open(url)) as store:
        assert [each.id for each in store.written_after(0)[1]] == ids
    assert "None" not in caplog.text


def test_t64_a_slow_read_of_sqlite_ends(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/ledger.sqlite", patience=0.2)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with engine.connect() as connection:
        began = time.monotonic()
        with pytest.raises(OperationalError, match="interrupted") as caught:
            connection.exec_driver_sql(endless)
        assert time.monotonic() - began < 2
        assert isinstance(caught.value.orig, sqlite3.OperationalError)
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    engine.dispose()


# --- without a database -----------------------------------------------------------------------


class Stuck:
    """A sink that never comes back."""

    def write(self, receipts: list[Receipt], /) -> int:
        time.sleep(30)
        return len(receipts)

    def note_listings(self, listed: list[Listed], /) -> None:
        del listed

    def note_costs(self, costs: list[LateCost], /) -> None:
        del costs

    def tidy(self) -> bool:
        return False

    def close(self) -> None:
        pass


class Wordless:
    """A sink whose trouble has no words."""

    def write(self, receipts: list[Receipt], /) -> int:
        assert receipts
        raise OSError

    def note_listings(self, listed: list[Listed], /) -> None:
        del listed

    def note_costs(self, costs: list[LateCost], /) -> None:
        del costs

    def tidy(self) -> bool:
        return False

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("sink", "says"), [(Stuck(), "has not answered within 0.2 s"), (Wordless(), "OSError")]
)
def test_t64_receipts_that_are_lost_at_the_end_are_never_lost_to_none(
    sink: Sink, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    writer = Writer(lambda: sink)
    writer.start()
    submit(writer, 2)
    time.sleep(0.3)
    writer.close(timeout=0.2)
    assert of_the_ledger(caplog)[-1].startswith("2 receipts could not be written: ")
    assert says in of_the_ledger(caplog)[-1]
    assert "None" not in caplog.text


def test_t64_the_time_that_counts_is_not_the_walls(
    monkeypatch: pytest.MonkeyPatch, writing: Callable[[Writer], Writer]
) -> None:
    writer = writing(Writer(Stuck, patience=0.2))
    submit(writer)
    monkeypatch.setattr(time, "time", lambda: 0.0)  # 1970
    assert wait_until(lambda: writer.error is not None) < 2


@pytest.mark.slow
async def test_t64_a_postgresql_that_is_silent_at_start_keeps_no_reader_waiting(
    silencer: Silencer, silent_url: str, start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    silencer.freeze()
    proxy = start_proxy(upstream_url=openrouter.url, ledger_url=silent_url)
    url = f"{proxy.url}/pointsman/receipts"
    began = time.monotonic()
    answers = await asyncio.gather(*(proxy.client.get(url, timeout=30) for _ in range(6)))
    assert time.monotonic() - began < 40
    assert [answer.status_code for answer in answers] == [503] * 6
    silencer.thaw()
    assert await proxy.receipts(0) == []


# --- as people see it -------------------------------------------------------------------------

CHAT = {"model": "a/b", "messages": []}


@pytest.mark.slow
async def test_t64_ready_metrics_and_the_api_tell_of_a_silent_postgresql(
    silencer: Silencer, silent_url: str, start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b'{"id": "gen-1"}'))
    proxy = start_proxy(upstream_url=openrouter.url, ledger_url=silent_url)
    client = proxy.client

    async def ready() -> dict[str, Any]:
        told: dict[str, Any] = (await client.get(f"{proxy.url}/ready")).json()
        return told

    async def is_ready() -> bool:
        return bool((await ready())["status"] == "ready")

    async def is_degraded() -> bool:
        return bool((await ready())["status"] == "degraded")

    await client.post(f"{proxy.url}/v1/chat/completions", json=CHAT)
    await proxy.only_receipt()
    assert (await ready())["status"] == "ready"
    silencer.freeze()
    answer = await client.post(f"{proxy.url}/v1/chat/completions", json=CHAT)
    assert answer.status_code == 200  # a request never feels the ledger
    await until_seen(is_degraded, 10)
    told = await ready()
    assert told["ledger"]["error"] == SILENT
    assert told["ledger"]["waiting"] == 1
    assert told["ledger"]["oldest_seconds"] >= PATIENCE_SECONDS
    metrics = (await client.get(f"{proxy.url}/metrics")).text
    assert "pointsman_ledger_up 0.0" in metrics
    (oldest,) = (
        line for line in metrics.splitlines() if line.startswith("pointsman_ledger_oldest")
    )
    assert float(oldest.split()[1]) >= PATIENCE_SECONDS
    read = await client.get(f"{proxy.url}/pointsman/receipts", timeout=20)
    assert read.status_code == 503
    assert read.json()["error"]["code"] == "ledger_error"
    assert "can't read the ledger: " in read.json()["error"]["message"]
    silencer.thaw()
    await until_seen(is_ready, 10)
    assert len(await proxy.receipts(2)) == 2
