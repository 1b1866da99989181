"""A ledger's URL on each engine: SQLite in a file, PostgreSQL if Debian's packages are here.

PostgreSQL is a real one, in a folder of its own, on a free port, without a password.
"""

import importlib.util
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.ledger.store import Store
from tests.ledger.postgres import Admin, Postgres, programs


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a running server, without a database's name."""
    found = programs()
    if found is None or importlib.util.find_spec("psycopg") is None:
        pytest.skip("no PostgreSQL: it takes apt install postgresql, pip install psycopg[binary]")
    folder = Path(tempfile.mkdtemp(prefix="pointsman-postgres-"))
    try:
        with Postgres(found, folder) as server:
            yield server.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty ledger's URL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite"
    server: str = request.getfixturevalue("postgres")
    with closing(Admin(f"{server}/ledger")) as admin:
        admin.run("DROP SCHEMA public CASCADE")
        admin.run("CREATE SCHEMA public")
    return f"{server}/ledger"


@pytest.fixture
def open_store(url: str) -> Iterator[Callable[[], Store]]:
    """Opens the ledger as often as a test likes."""
    stores: list[Store] = []

    def open_one() -> Store:
        stores.append(Store.open(url))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    """An open ledger with nothing in it."""
    return open_store()


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    """The engine behind the store, to look at what it did or to spoil it."""
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()
