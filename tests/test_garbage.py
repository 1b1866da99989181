"""How often garbage is looked for, and among what."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

OPEN = """
import gc, sys
import app.__main__
from app.ledger.lazy_store import LazyStore
{first}
before = gc.get_freeze_count()
LazyStore("sqlite://").open().close()
print(gc.get_threshold()[0], gc.get_freeze_count() > before)
"""


@pytest.mark.parametrize(("first", "grew"), [("gc.freeze()", "True"), ("", "False")])
def test_what_the_ledger_loads_is_frozen_where_the_start_was(first: str, grew: str) -> None:
    """A full collection would go through all of SQLAlchemy, and streams would wait for it."""
    code = OPEN.format(first=first)
    told = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT)  # noqa: S603
    assert told.split() == ["5000", grew]
