"""A read replica of PostgreSQL answers and exports like the server that is written to."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from app.errors import LedgerError
from app.ledger.store import Store
from tests.ledger.postgres import Postgres, as_unprivileged, programs
from tests.ledger.receipts import receipt
from tests.ledger.test_followed_export import following, ids_in, jsonl
from tests.waiting import wait_until


class Pair(NamedTuple):
    """The ledger's address at the server that is written to, and at its replica."""

    primary: str
    replica: str


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    found, copies = programs(), shutil.which("pg_basebackup")
    if found is None or copies is None:
        pytest.skip("no PostgreSQL: it takes apt install postgresql, pip install psycopg[binary]")
    folders = [Path(tempfile.mkdtemp(prefix="pointsman-postgres-")) for _ in range(2)]
    try:
        with Postgres(found, folders[0]) as primary:
            Store.open(f"{primary.url}/ledger").close()
            copy: list[str | Path] = [copies, "-D", folders[1] / "data", "-R"]
            copy += ["-h", "127.0.0.1", "-p", str(sa.make_url(primary.url).port)]
            copy += ["-U", "pointsman", "-c", "fast"]
            as_whom = as_unprivileged(folders[1])
            subprocess.run(copy, check=True, capture_output=True, cwd=folders[1], **as_whom)  # noqa: S603
            replica = Postgres(found, folders[1])
            replica.start()
            try:
                wait_until(lambda: is_up(f"{replica.url}/ledger"))
                yield Pair(f"{primary.url}/ledger", f"{replica.url}/ledger")
            finally:
                replica.stop()
    finally:
        for each in folders:
            shutil.rmtree(each, ignore_errors=True)


def is_up(url: str) -> bool:
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            return bool(connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar())
    except OperationalError:
        return False
    finally:
        engine.dispose()


def test_it_can_be_asked_and_not_written_to(pair: Pair) -> None:
    with closing(Store.open(pair.primary)) as primary, closing(Store.open(pair.replica)) as replica:
        one = receipt(provider="novita")
        primary.write([one])
        wait_until(lambda: replica.get(one.id) == one)
        assert replica.stats(by=("provider",)) == primary.stats(by=("provider",))
        assert replica.newest_position() == primary.newest_position()
        assert replica.has_position(primary.newest_position())
        with pytest.raises(LedgerError, match="read-only"):
            replica.write([receipt()])


def test_it_can_be_followed(pair: Pair, tmp_path: Path) -> None:
    """Commits arrive there in their order, so nothing is skipped either."""
    output, state = tmp_path / "out.jsonl", tmp_path / "state"
    with (
        closing(Store.open(pair.primary)) as primary,
        following(pair.replica, *jsonl(output, "--state", str(state))),
    ):
        for _ in range(20):
            primary.write([receipt() for _ in range(5)])
        last = primary.newest_position()
        wait_until(lambda: state.exists() and json.loads(state.read_bytes())["seq"] == last.seq)
        in_order = [one.id for one in primary.written_after(0)[1]]
    assert ids_in(output) == in_order
