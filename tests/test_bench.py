"""The programs under bench/ measure what they say: their policies, ledgers and plots are sound."""

import importlib
import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from app.ledger.store import Store
from app.policy.file.parse import read_book

BENCH = Path(__file__).parent.parent / "bench"

pytestmark = pytest.mark.skipif(not BENCH.exists(), reason="a source distribution has no bench/")


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of bench/, which are programs and no package."""
    monkeypatch.syspath_prepend(str(BENCH))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


@pytest.mark.parametrize("rules", [1, 2, 10, 1000])
def test_a_policy_of_any_size_is_good_and_as_large_as_it_says(module: Any, rules: int) -> None:
    book = read_book({"bench.yaml": module("growing").policy_of(rules)})
    assert len(book.rules) == rules


def test_a_filled_ledger_is_whole(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is copied in bulk has ids and times of its own, is indexed, and adds up."""
    filled = module("filled")
    monkeypatch.setattr(filled, "MONTH", 200)
    filled.fill(tmp_path / "small.db", 200)
    filled.fill(tmp_path / "large.db", 600)

    store = Store.open(f"sqlite:///{tmp_path / 'large.db'}")
    newest = store.recent(limit=1000)
    assert len({receipt.id for receipt in newest}) == 600
    assert [receipt.id for receipt in newest] == sorted((r.id for r in newest), reverse=True)
    assert store.stats().total.requests == 600
    store.close()
    assert _indexes(tmp_path / "large.db") == _indexes(tmp_path / "small.db")


def _indexes(file: Path) -> set[str]:
    database = sqlite3.connect(file)
    names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    database.close()
    return names


def test_plots_are_drawn_of_what_there_is(module: Any) -> None:
    """Also of a target that can't do everything, and of a size of zero."""
    rows = [
        {"target": "nginx", "size": 0, "cpu_us": 20.0, "per_second": 900.0},
        {"target": "pointsman", "size": 0, "cpu_us": 90.0, "per_second": 300.0, "kb": 20.0},
        {"target": "pointsman", "size": 1000, "cpu_us": 91.0, "cpu_us_per_kb": 3.0},
    ]
    for plot in module("growth_plots").PLOTS.values():
        ET.fromstring(plot(rows))  # noqa: S314 - our own
    medians = {"nginx": {"short": 20.0}, "pointsman": {"short": 90.0}, "a<b": {}}
    text = module("run").plotted(medians)
    assert "4.5" in "".join(ET.fromstring(text).itertext())  # noqa: S314 - our own
