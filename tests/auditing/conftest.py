"""The ledger's fixtures, on SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.ledger.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open ledger with nothing in it."""
    found = Store.open(f"sqlite:///{tmp_path}/ledger.sqlite")
    yield found
    found.close()
