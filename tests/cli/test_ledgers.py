"""A command that only reads makes no ledger."""

from pathlib import Path

import pytest

from app.cli.ledgers import to_read
from app.errors import SettingsError
from app.ledger.store import Store
from app.settings import Settings


def test_a_ledger_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    file = tmp_path / "none" / "ledger.db"
    with pytest.raises(
        SettingsError, match=r"create it with .* serve, or set another with --ledger"
    ):
        to_read(Settings.read(ledger_url=f"sqlite:///{file}"))
    assert not file.parent.exists()


def test_one_that_is_there_is_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Store.open(url).close()
    assert to_read(Settings.read(ledger_url=url)).recent(limit=1) == []
