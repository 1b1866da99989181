"""`docs/reliability.md` has each failure that is named anywhere, and files that test it."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reliability.md"

NAMED = re.compile(r"\bT-(\d\d)\b")
ROW = re.compile(r"^\| T-(\d\d) \|.*\| (.+) \|$", flags=re.MULTILINE)


def rows(text: str) -> list[tuple[str, list[str]]]:
    """Each row's number, and the files that it names below `tests/`."""
    return [(number, re.findall(r"`(\S+?\.py)`", files)) for number, files in ROW.findall(text)]


def numbers_in(name: str) -> set[str]:
    """`test_t06_t18_a_break` is a test of two failures."""
    found: set[str] = set()
    rest = name.removeprefix("test_")
    while match := re.match(r"t(\d\d)_", rest):
        found.add(match[1])
        rest = rest[4:]
    return found


def covered_by(path: Path) -> set[str]:
    """The failures that the names of a file's tests carry."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = [node.name for node in ast.walk(tree) if isinstance(node, functions)]
    return set().union(*(numbers_in(name) for name in names if name.startswith("test_")))


def naming() -> Iterator[Path]:
    """Files that may name a failure."""
    for folder in ("app", "bench", "docs", "tests"):
        for suffix in ("py", "md"):
            yield from sorted((ROOT / folder).rglob(f"*.{suffix}"))


ROWS = rows(PAGE.read_text(encoding="utf-8"))


def test_each_failure_has_one_row() -> None:
    counted = Counter(number for number, _ in ROWS)
    assert [number for number, times in counted.items() if times > 1] == []
    assert len(counted) > 60


def test_every_failure_that_is_named_has_its_row() -> None:
    known = {number for number, _ in ROWS}
    for path in naming():
        named = set(NAMED.findall(path.read_text(encoding="utf-8")))
        covered = covered_by(path) if path.suffix == ".py" else set()
        assert named | covered <= known, path


@pytest.mark.parametrize(("number", "files"), ROWS, ids=[f"T-{number}" for number, _ in ROWS])
def test_every_row_names_files_that_test_it(number: str, files: list[str]) -> None:
    assert files, f"T-{number} names no test"
    for file in files:
        assert number in covered_by(ROOT / "tests" / file), f"{file} has no test_t{number}_..."


def test_numbers_are_read_from_names_rows_and_files() -> None:
    assert numbers_in("test_t06_t18_upstreams_that_break") == {"06", "18"}
    assert numbers_in("test_the_t06_row") == set()
    table = "| T-06 | a | b | `wire/test_sse.py`, `test_x.py` |\n| T-07 | a | b | none |\n"
    assert rows(table) == [("06", ["wire/test_sse.py", "test_x.py"]), ("07", [])]
