"""The schema's history: from nothing, from every older schema, and never from a newer one."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from msgspec.structs import replace

from app.errors import LedgerError
from app.ledger import migrations
from app.ledger.migrations import HEAD
from app.ledger.opening import is_current
from app.ledger.receipt import FIELDS, Receipt
from app.ledger.stats import DIMENSIONS
from app.ledger.store import Store
from app.ledger.tables import METADATA
from app.ledger.wanted import Wanted
from tests.ledger.receipts import FULL, START, receipt
from tests.ledger.traffic import traffic
from tests.migrated import Recorded, as_ever

ROOT = Path(__file__).parents[2]
SCRIPTS = ScriptDirectory(str(Path(migrations.__file__).parent))
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()]


@pytest.fixture(autouse=True)
def _as_ever() -> Iterator[None]:
    with as_ever():
        yield


def revision(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(connection: sa.Connection, to: str) -> None:
    config = Config()
    config.set_main_option("script_location", SCRIPTS.dir)
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def test_head_is_the_newest_script_and_revisions_sort_as_they_follow() -> None:
    """Telling a newer ledger from an older one goes by the order of their names."""
    assert SCRIPTS.get_heads() == [HEAD]
    assert sorted(REVISIONS, reverse=True) == REVISIONS


def test_an_empty_database_becomes_a_ledger(url: str, engine: sa.Engine) -> None:
    Store.open(url).close()
    assert revision(engine) == HEAD


def test_an_empty_ledger_of_a_test_is_the_one_that_the_migrations_make(engine: sa.Engine) -> None:
    """The first time, statements are noted; the second time, they alone make the tables."""
    upgraded: list[str] = []

    def upgrade(connection: sa.Connection) -> None:
        upgraded.append(HEAD)
        migrate(connection, HEAD)

    recorded = Recorded(upgrade)
    made = []
    for _ in range(2):
        with engine.begin() as connection:
            recorded(connection)
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
            indexes = sa.inspect(connection).get_multi_indexes().values()
            made.append(sorted(str(each["name"]) for some in indexes for each in some))
            METADATA.drop_all(connection)
            assert connection.exec_driver_sql("SELECT * FROM alembic_version").all() == [(HEAD,)]
            connection.exec_driver_sql("DROP TABLE alembic_version")
    assert made[0] == made[1]
    assert len(upgraded) == 1


def test_the_migrations_make_the_very_table_that_the_queries_expect(
    url: str, engine: sa.Engine
) -> None:
    Store.open(url).close()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_opening_again_changes_nothing(url: str, engine: sa.Engine) -> None:
    first = Store.open(url)
    first.write([FULL])
    again = Store.open(url)
    assert again.recent(limit=2) == [FULL]
    assert revision(engine) == HEAD
    first.close()
    again.close()


@pytest.mark.parametrize("older", REVISIONS)
def test_every_older_ledger_is_brought_up_to_date(url: str, engine: sa.Engine, older: str) -> None:
    with engine.begin() as connection:
        migrate(connection, older)
    store = Store.open(url)
    assert revision(engine) == HEAD
    store.write([FULL])
    assert store.get(FULL.id) == FULL
    store.close()


def write_as_of_0001(engine: sa.Engine, receipts: list[Receipt]) -> None:
    """As the first Pointsman did: the very columns that its schema had."""
    table = sa.Table("receipts", sa.MetaData(), autoload_with=engine)
    assert "flip_from" not in table.c
    rows = []
    for one in receipts:
        row = {name: getattr(one, name) for name in FIELDS if name in table.c}
        row["started_at"] = round(one.started_at.timestamp() * 1000)
        row["cost_usd"] = None if one.cost_usd is None else int(one.cost_usd * 10**12)
        rows.append(row)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), rows)


def as_of_0001(one: Receipt) -> Receipt:
    """The receipt without the fields that the first Pointsman did not have."""
    fields = msgspec.structs.fields(Receipt)
    later = FIELDS[FIELDS.index("session") + 1 :]
    return replace(one, **{each.name: each.default for each in fields if each.name in later})


def test_what_an_older_ledger_holds_is_counted_as_if_written_today(
    url: str, engine: sa.Engine, tmp_path: Path
) -> None:
    receipts = [as_of_0001(one) for one in (FULL, *traffic(700, days=40))]
    with engine.begin() as connection:
        migrate(connection, "0001")
    write_as_of_0001(engine, receipts)
    upgraded = Store.open(url)
    fresh = Store.open(f"sqlite:///{tmp_path}/fresh.sqlite")
    for first in range(0, len(receipts), 100):
        fresh.write(receipts[first : first + 100])
    assert upgraded.written_after(0)[1] == fresh.written_after(0)[1]
    assert upgraded.stats(by=DIMENSIONS) == fresh.stats(by=DIMENSIONS)
    assert upgraded.stats().total.flips > 100
    part = Wanted(since=START + timedelta(days=3, minutes=5))  # an edge is counted by receipts
    assert upgraded.stats(by=DIMENSIONS, wanted=part) == fresh.stats(by=DIMENSIONS, wanted=part)
    more = traffic(20, days=1, seed=1, start=86_400 * 41)  # and so is what comes after
    for store in (upgraded, fresh):
        store.write(more)
    assert upgraded.stats(by=DIMENSIONS) == fresh.stats(by=DIMENSIONS)
    upgraded.close()
    fresh.close()


def test_an_older_ledger_without_sessions_is_counted_too(url: str, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        migrate(connection, "0001")
    write_as_of_0001(engine, [receipt(1), receipt(2)])
    store = Store.open(url)
    assert store.stats().total.requests == 2
    store.close()


def migrated_further(connection: sa.Connection, *, oldest: str) -> None:
    """What a later Pointsman does: a column, a table, a revision, and which programs may write."""
    connection.exec_driver_sql("ALTER TABLE receipts ADD COLUMN of_the_future TEXT")
    connection.exec_driver_sql("CREATE TABLE futures (id TEXT PRIMARY KEY)")
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    connection.exec_driver_sql(f"UPDATE ledger_format SET oldest = '{oldest}'")  # noqa: S608


@pytest.mark.parametrize("oldest", ["0004", HEAD])
def test_a_ledger_that_a_newer_pointsman_migrated_is_written_to_if_that_says_so(
    url: str, engine: sa.Engine, oldest: str
) -> None:
    """In a rolling update, programs that run and programs that start both go on writing."""
    first, second = receipt(1), receipt(2)
    running = Store.open(url)
    with engine.begin() as connection:
        migrated_further(connection, oldest=oldest)
    running.write([first])
    started = Store.open(url)
    started.write([second])
    assert started.recent(limit=9) == [second, first]
    assert started.stats().total.requests == 2
    assert revision(engine) == "9999"
    running.close()
    started.close()


def test_a_newer_ledger_that_does_not_say_who_may_write_is_refused(
    url: str, engine: sa.Engine
) -> None:
    Store.open(url).close()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.exec_driver_sql("DROP TABLE ledger_format")
    with pytest.raises(LedgerError, match="newer Pointsman"):
        Store.open(url)


def test_a_ledger_of_a_newer_pointsman_is_refused_and_left_alone(
    url: str, engine: sa.Engine
) -> None:
    Store.open(url).close()
    with engine.begin() as connection:
        migrated_further(connection, oldest="9999")
    with pytest.raises(LedgerError) as caught:
        Store.open(url)
    assert "written by a newer Pointsman (schema 9999" in str(caught.value)
    assert "upgrade Pointsman, or use another ledger" in str(caught.value)
    assert revision(engine) == "9999"


# Everything is loaded first, so that all go through the door at one moment.
OPEN_TOGETHER = """
import sys
import alembic.command, alembic.config, alembic.script
from app.ledger.receipt import FIELDS, Receipt
from app.ledger.stats import DIMENSIONS
from app.ledger.store import Store
print("ready", flush=True)
sys.stdin.readline()
Store.open(sys.argv[1]).close()
"""


def test_several_processes_may_open_an_empty_ledger_at_once(url: str, engine: sa.Engine) -> None:
    """Workers start together; each of them finds a ledger, and it was made once."""
    workers = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", OPEN_TOGETHER, url],
            env={"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    errors = [worker.communicate(timeout=60)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0], errors
    assert revision(engine) == HEAD


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_who_opens_a_ledger_while_another_makes_it_waits_for_it(
    tmp_path: Path, journal: str
) -> None:
    """SQLite itself does not wait where the journal's mode has to change."""
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    engine = sa.create_engine(url)
    opened: list[Store] = []
    opening = threading.Thread(target=lambda: opened.append(Store.open(url)))
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA journal_mode={journal}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        opening.start()
        time.sleep(0.3)
        assert opened == []
        migrate(connection, HEAD)
        connection.commit()
    opening.join(timeout=60)
    (store,) = opened
    assert store.recent(limit=1) == []
    store.close()
    engine.dispose()


def test_a_ledger_of_an_earlier_version_is_migrated_before_it_is_only_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        migrate(connection, "0008")
    assert not is_current(url)
    assert revision(engine) == "0008"  # to ask changes nothing
    store = Store.open(url, read_only=True)
    assert (store.recent(limit=1), revision(engine), is_current(url)) == ([], HEAD, True)
    store.close()
    engine.dispose()
