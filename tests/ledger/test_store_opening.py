"""Opening a ledger: safe files, and errors that say what is wrong without the password."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from app.errors import LedgerError
from app.ledger.audits import Audit
from app.ledger.store import Store
from tests.ledger.receipts import FULL


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_sqlite_ledger_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "some" / "where" / "ledger.sqlite"
    before = os.umask(0)
    try:
        store = Store.open(f"sqlite:///{file}")
        store.write([FULL])
        assert {mode(one) for one in file.parent.iterdir()} == {0o600}
    finally:
        os.umask(before)
    assert mode(file.parent) == 0o700
    store.close()


def test_sqlite_readers_do_not_wait_for_the_writer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    store = Store.open(url)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        assert store.recent(limit=1) == []
    engine.dispose()
    store.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ledger.sqlite", "not a ledger URL; use sqlite:///FILE or postgresql+psycopg://"),
        ("", "(an unreadable URL) is not a ledger URL"),
        ("mysql://host/name?password=geheim", "name?password=PASSWORD is not a ledger URL"),
        ("mysql://me:geheim@host/name", "mysql://me:PASSWORD@host/name is not a ledger URL"),
        ("oracle://me:geheim@host/name", "is not a ledger URL"),
        ("postgresql+nonesuch://me:geheim@host/name", "is not a ledger URL"),
        ("nonsense://me:geheim@host", "nonsense://me:PASSWORD@host is not a ledger URL"),
        ("postgresql+pg8000://me:geheim@host/n", "requires the driver pg8000; pip install"),
        ("postgresql+psycopg://me:geheim@127.0.0.1:1/n", "can't open the ledger postgresql+psyc"),
        ("postgresql+psycopg://me@h:1x/n?password=geheim", "is not a ledger URL"),
        ("postgresql+psycopg://me@127.0.0.1:1/n?password=geheim", "1/n?password=PASSWORD: conn"),
        ("sqlite:////proc/nowhere/ledger.sqlite", "can't open the ledger sqlite:////proc"),
    ],
)
def test_a_url_that_leads_nowhere_is_explained_without_its_password(url: str, says: str) -> None:
    with pytest.raises(LedgerError) as caught:
        Store.open(url)
    assert says in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_file_that_is_no_ledger_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database at all, but long enough to be looked at\n" * 40)
    before = file.read_bytes()
    with pytest.raises(LedgerError, match=r"can't open the ledger .*notes\.txt"):
        Store.open(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_a_ledger_in_memory_is_one_too() -> None:
    store = Store.open("sqlite://")
    store.write([FULL])
    assert store.recent(limit=2) == [FULL]
    store.close()


def test_a_ledger_that_is_current_opens_without_loading_the_migrations(tmp_path: Path) -> None:
    """Alembic costs a tenth of a second and ten megabytes, once in a ledger's life."""
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    Store.open(url).close()
    code = (
        "import sys; from app.ledger.store import Store; Store.open(sys.argv[1]); "
        "sys.exit('alembic' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, url], env={"PYTHONPATH": str(root)}, check=False
    )
    assert run.returncode == 0


def test_of_several_servers_in_the_address_the_one_that_can_be_written_to_is_used(
    postgres: str,
) -> None:
    """As docs/scale.md has it: here the first server is gone."""
    port = postgres.rpartition(":")[2]
    hosts = f"host=127.0.0.1:1&host=127.0.0.1:{port}&target_session_attrs=read-write"
    store = Store.open(f"postgresql+psycopg://pointsman@/ledger?{hosts}")
    store.write([FULL])
    assert store.get(FULL.id) is not None
    store.close()


def test_a_server_that_can_only_be_read_is_passed_over(postgres: str) -> None:
    port = postgres.rpartition(":")[2]
    only = "options=-c%20default_transaction_read_only%3Don&target_session_attrs=read-write"
    with pytest.raises(LedgerError, match="session is read-only"):
        Store.open(f"postgresql+psycopg://pointsman@/ledger?host=127.0.0.1:{port}&{only}")


def test_a_ledger_opened_to_be_read_is_not_touched_and_can_not_be_written(
    url: str, tmp_path: Path
) -> None:
    writer = Store.open(url)
    writer.write([FULL])
    writer.close()
    files = [file for file in tmp_path.iterdir() if url.startswith("sqlite")]
    before = [(file.read_bytes(), file.stat().st_mtime_ns) for file in files]
    reader = Store.open(url, read_only=True)
    assert reader.recent(limit=2) == [FULL]
    with pytest.raises(LedgerError, match=r"read-?only"):
        reader.keep_audit(Audit(id="aud_1", model="a/b", started_at=FULL.started_at, plan={}))
    with pytest.raises(LedgerError, match=r"read-?only"):
        reader.write([replace(FULL, id="rcp_other")])
    assert reader.recent(limit=2) == [FULL]
    reader.close()
    assert [(file.read_bytes(), file.stat().st_mtime_ns) for file in files] == before


def test_opening_a_ledger_to_be_read_creates_none(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"no ledger at .*none\.sqlite"):
        Store.open(f"sqlite:///{tmp_path}/none.sqlite", read_only=True)
    assert not list(tmp_path.glob("*.sqlite"))
