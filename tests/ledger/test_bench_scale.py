"""The ledgers that `make bench-scale` measures are whole, and partitions change no answer."""

from contextlib import closing

import pytest
import sqlalchemy as sa

from app.ledger.spender import Question
from app.ledger.stats import DIMENSIONS
from app.ledger.store import Store
from tests.ledger.postgres import Admin
from tests.ledger.receipts import receipt


@pytest.fixture
def filled(postgres: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A ledger of 600 receipts, three times 200."""
    scaled = pytest.importorskip("bench.scaled")
    monkeypatch.setattr(scaled, "BASE", 200)
    with closing(Admin(f"{postgres}/ledger")) as admin:
        admin.run("DROP SCHEMA public CASCADE")
        admin.run("CREATE SCHEMA public")
    url = f"{postgres}/ledger"
    scaled.fill(url, 600)
    return url


def test_what_is_repeated_in_the_database_adds_up(filled: str) -> None:
    with closing(Store.open(filled)) as store:
        newest = store.recent(limit=1000)
        in_order = store.written_after(0, limit=1000)[1]
        assert len({one.id for one in newest}) == len(in_order) == 600
        assert [one.id for one in newest] == sorted((one.id for one in newest), reverse=True)
        assert store.stats().total.requests == 600
        (spent,) = store.spent([Question("base", "rule", 0, 10**7)], ["base"], 10**7).answers
        assert spent[0][1].requests > 400


def test_a_ledger_with_partitions_is_written_and_read_as_before(filled: str) -> None:
    """A program that knows nothing of partitions goes on: ADR 0022 rests on what this costs."""
    split = pytest.importorskip("bench.partitioned").split
    with closing(Store.open(filled)) as store:
        before = store.stats(by=DIMENSIONS)
        page = store.recent(limit=700)
        split(filled, 5)
        assert store.stats(by=DIMENSIONS) == before
        assert store.recent(limit=700) == page
        assert {one.id for one in store.written_after(0, limit=700)[1]} == {one.id for one in page}
        one = receipt()
        assert store.write([one]) == store.write([one]) == 0
        assert store.stats().total.requests == 601
        assert store.get(one.id) == one
    engine = sa.create_engine(filled)
    with engine.connect() as connection:
        parts = connection.exec_driver_sql("SELECT count(DISTINCT tableoid) FROM receipts").scalar()
    engine.dispose()
    assert parts == 5
