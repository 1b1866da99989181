"""Every decision in `docs/adr` has a number, a status, and says what a later one changed of it."""

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parent.parent / "docs" / "adr").glob("[0-9]*.md"))
NUMBERS = [page.name[:4] for page in PAGES]

STATUS = re.compile(
    r"Status: (?:accepted, \d{4}-\d\d-\d\d|superseded by (?P<successor>\d{4}))\."
    r"(?P<amended>(?: Amended by \d{4}\.)*)"
)


def heads(page: Path) -> tuple[str, str]:
    """A page's title and the line of its status."""
    title, _, status = page.read_text(encoding="utf-8").split("\n")[:3]
    return title, status


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [f"{number:04}" for number in range(1, len(PAGES) + 1)] == NUMBERS


@pytest.mark.parametrize("page", PAGES, ids=NUMBERS)
def test_a_decision_has_its_number_and_a_status(page: Path) -> None:
    title, status = heads(page)
    assert title.startswith(f"# {int(page.name[:4])}. ")
    assert STATUS.fullmatch(status), f"{page.name}: {status!r} is not a status"


@pytest.mark.parametrize("page", PAGES, ids=NUMBERS)
def test_what_a_later_decision_changed_is_told_and_the_later_one_is_there(page: Path) -> None:
    status = STATUS.fullmatch(heads(page)[1])
    assert status is not None
    amended = re.findall(r"\d{4}", status["amended"])
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## Amended by (\d{4})$", text, flags=re.MULTILINE) == amended
    later = amended + ([status["successor"]] if status["successor"] else [])
    assert all(number in NUMBERS and number > page.name[:4] for number in later)


def test_the_first_decision_says_that_the_transport_is_no_longer_httpx() -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    assert "Amended by 0007." in text.split("\n")[2]
    assert "`lean.py` by default" in text


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Status: draft.",
        "Status: accepted.",
        "Status: superseded by 0007",
        "Accepted, 2026-11-21.",
    ],
)
def test_anything_else_is_not_a_status(line: str) -> None:
    assert STATUS.fullmatch(line) is None
