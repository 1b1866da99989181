"""The policies that ship have nothing seriously wrong, by the simulator's catalog."""

from pathlib import Path

import pytest

from app.cli.catalogs import simulated_snapshot
from app.policy.file.parse import read_book
from app.policy.lint.checks import lint

FILES = sorted((Path(__file__).parent.parent / "policies").rglob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_shipped_policy_has_no_error_and_without_a_catalog_no_warning(file: Path) -> None:
    book = read_book({file.name: file.read_text(encoding="utf-8")})
    assert {each.severity for each in lint(book)} <= {"note"}
    found = lint(book, simulated_snapshot().catalog(0.0))
    assert [str(each) for each in found if each.severity == "error"] == []
