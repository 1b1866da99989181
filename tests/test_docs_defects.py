"""`docs/defects.md` has the table of defects that the code has, and its bounds."""

from pathlib import Path

from app.defects import budget, json_text, offered, repetition
from app.defects.table import DEFECTS
from app.record import defects
from app.wire import kept

PAGE = (Path(__file__).parent.parent / "docs" / "defects.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    table = PAGE.partition(heading)[2].partition("|---|")[2].partition("\n\n")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines]


def test_the_page_has_the_table_of_the_code() -> None:
    assert rows("## The table") == [
        [f"`{row.name}`", row.meaning, ", ".join(row.dialects), row.false_positives]
        for row in DEFECTS
    ]
    assert "looks for eleven such defects" in PAGE
    assert len(DEFECTS) == 11


def test_the_bounds_are_those_of_the_code() -> None:
    told = [cells[1] for cells in rows("## What is looked at")]
    assert told == [
        f"{kept.MOST_KEPT // 1000} kB",
        f"{kept.MOST_CALLS}",
        f"{offered.LARGEST // 1_000_000} MB",
        f"{json_text.MOST_VALUES:,}",
        f"{defects.MOST_HELD // 1_000_000} MB",
        f"{defects.PATIENCE_SECONDS:g} s",
        f"{repetition.TAIL:,} characters",
    ]
    assert f"may cost {budget.STEPS:,} steps" in PAGE
    assert f"may be {budget.DEEPEST} levels" in PAGE
