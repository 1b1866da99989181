"""References to `docs/openrouter.md` lead to a section, and each fact there says how sure it is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "openrouter.md"

SECTION = re.compile(r"§(A?\d+(?:\.\d+)?)")
STEP = re.compile(r"§(A?\d+(?:\.\d+)?) step (\d+)")
SURE = re.compile(r"documented|seen live|inferred|not known|no counter-example|nothing said")


def sections(text: str) -> set[str]:
    return set(re.findall(r"^##+ §(A?\d+(?:\.\d+)?) ", text, flags=re.MULTILINE))


def part(text: str, section: str) -> str:
    """The text of one section, up to the next heading."""
    _, after = re.split(rf"^##+ §{re.escape(section)} .*$", text, maxsplit=1, flags=re.MULTILINE)
    return re.split(r"^##", after, maxsplit=1, flags=re.MULTILINE)[0]


def dangling(text: str, page: str) -> set[str]:
    """The references in a text that the page has no section or no step for."""
    missing = {f"§{name}" for name in SECTION.findall(text) if name not in sections(page)}
    for name, step in STEP.findall(text):
        steps = part(page, name) if name in sections(page) else ""
        if not re.search(rf"^{step}\. ", steps, flags=re.MULTILINE):
            missing.add(f"§{name} step {step}")
    return missing


def referring() -> Iterator[Path]:
    """Files that may refer to a section."""
    for folder in ("app", "bench", "docs", "tests"):
        for suffix in ("py", "md"):
            yield from sorted((ROOT / folder).rglob(f"*.{suffix}"))


@pytest.mark.parametrize(
    "path",
    [path for path in referring() if "§" in path.read_text(encoding="utf-8")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_reference_leads_to_a_section(path: Path) -> None:
    if path == Path(__file__):
        return  # it has references that lead nowhere, on purpose
    text = path.read_text(encoding="utf-8")
    assert dangling(text, PAGE.read_text(encoding="utf-8")) == set()
    assert path == PAGE or "openrouter.md §" in text, "say of which page the section is"


def test_a_reference_that_leads_nowhere_is_found() -> None:
    page = "## §7 The order\n1. First.\n## §A8 Others\n"
    assert dangling("openrouter.md §7 step 1, §A8", page) == set()
    assert dangling("openrouter.md §8, §A8.1", page) == {"§8", "§A8.1"}
    assert dangling("openrouter.md §7 step 2, §A8 step 1", page) == {"§7 step 2", "§A8 step 1"}


def test_no_reference_is_to_a_page_that_is_not_here() -> None:
    for path in referring():
        if path != Path(__file__):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\b[Cc]ontract (?:additions|§|A\d)|\b[Dd]esign §", text), path


def test_no_section_is_there_twice() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^##+ §(\S+) ", text, flags=re.MULTILINE)
    assert len(found) == len(sections(text))


def test_every_row_says_how_sure_it_is() -> None:
    rows = [
        line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and not line.endswith("| Sure |")
    ]
    unsure = [row for row in rows if not SURE.search(row) and "§A8" not in row]
    assert len(rows) > 80
    assert unsure == []
