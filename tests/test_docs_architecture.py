"""`docs/architecture.md` draws the rooms that there are, and names only code that there is."""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest

from app.ledger.receipt import Ending, VerdictWord
from app.policy.channels import Handling
from app.policy.lint.finding import Severity
from app.policy.route import MERGES
from tests.test_layers import MAY_IMPORT, PURE

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")

REFERENCES = sorted(set(re.findall(r"`(\w[\w/]*\.py):([\w.]+)`", PAGE)))
NEXT_THINGS = re.findall(
    r"^### ([^\n]+): (\d+) files$\n(.*?)(?=^### |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL
)


# --- rooms ------------------------------------------------------------------------------------


def levels(may_import: dict[str, set[str]]) -> dict[str, int]:
    """Each room's level: one above the highest room that it may import."""
    found: dict[str, int] = {}

    def level(room: str) -> int:
        if room not in found:
            found[room] = 1 + max(map(level, may_import[room]), default=-1)
        return found[room]

    for room in may_import:
        level(room)
    return found


def drawn(text: str) -> list[tuple[str, int]]:
    """The rooms of the drawing, each with its level."""
    rows = re.findall(r"^(\d)  (.+)$", text, flags=re.MULTILINE)
    return [(room, int(number)) for number, rooms in rows for room in rooms.split()]


def drawing(found: dict[str, int]) -> str:
    """What `drawn` reads, of these levels; the rooms of a level in any order."""
    return "\n".join(
        f"{level}  {'  '.join(room for room, its in found.items() if its == level)}"
        for level in sorted(set(found.values()), reverse=True)
    )


def test_the_drawing_is_what_the_table_allows() -> None:
    rooms = [(room.rstrip("*"), level) for room, level in drawn(PAGE)]
    allowed = levels(MAY_IMPORT)
    assert sorted(rooms) == sorted(allowed.items()), f"draw it like this:\n{drawing(allowed)}"


def test_the_stars_are_on_the_pure_rooms() -> None:
    starred = {room.rstrip("*") for room, _ in drawn(PAGE) if room.endswith("*")}
    assert starred == {room for room in MAY_IMPORT if room.split(".")[0] in PURE}


def test_a_room_stands_above_all_that_it_may_import() -> None:
    assert levels({"c": {"a", "b"}, "b": {"a"}, "a": set()}) == {"a": 0, "b": 1, "c": 2}
    assert drawn("1  b*  c\n0  a\n") == [("b*", 1), ("c", 1), ("a", 0)]
    assert sorted(drawn(drawing(levels(MAY_IMPORT)))) == sorted(levels(MAY_IMPORT).items())


def test_every_room_is_described() -> None:
    table = PAGE.partition("| Room |")[2].partition("\n\n")[0]
    first_cells = re.findall(r"^\| (`.+?) \|", table, flags=re.MULTILINE)
    described = re.findall(r"`([\w.]+)`", " ".join(first_cells))
    assert sorted(described) == sorted(MAY_IMPORT)


# --- references -------------------------------------------------------------------------------


def defines(source: str, name: str) -> bool:
    """Whether a module defines `function`, `Class`, `Class.method` or `CONSTANT`."""
    body: list[ast.stmt] = ast.parse(source).body
    for part in name.split("."):
        found = [node for node in body if part in _names(node)]
        if not found:
            return False
        body = found[0].body if isinstance(found[0], ast.ClassDef) else []
    return True


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.AnnAssign):
        return {node.target.id} if isinstance(node.target, ast.Name) else set()
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return set()


@pytest.mark.parametrize(("file", "name"), REFERENCES, ids=[":".join(r) for r in REFERENCES])
def test_the_code_that_is_named_is_there(file: str, name: str) -> None:
    path = ROOT / file
    assert path.is_file(), f"docs/architecture.md names {file}, which is not there (any more)"
    assert defines(path.read_text(encoding="utf-8"), name), f"{file} defines no {name}"


def test_every_hop_names_code() -> None:
    hops = re.findall(r"^\d+\. \*\*.+?\*\*(.*?)(?=^\d+\. |^## )", PAGE, re.MULTILINE | re.DOTALL)
    assert len(hops) == 11
    assert all(re.search(r"`app/[\w/]+\.py:", hop) for hop in hops)


def test_what_a_module_defines_is_found() -> None:
    source = "X: int = 1\nY = 2\nclass A:\n    async def b(self): ...\ndef c(): ...\n"
    assert all(defines(source, name) for name in ("X", "Y", "A", "A.b", "c"))
    assert not any(defines(source, name) for name in ("Z", "A.c", "c.d", "b"))


# --- where the next thing goes ----------------------------------------------------------------


@pytest.mark.parametrize(("thing", "number", "text"), NEXT_THINGS, ids=[t[0] for t in NEXT_THINGS])
def test_the_files_that_one_touches_are_there_and_counted(
    thing: str, number: str, text: str
) -> None:
    steps = re.findall(r"^(\d+)\. (?:`([\w./]+)`|The module)", text, flags=re.MULTILINE)
    assert [int(step) for step, _ in steps] == list(range(1, int(number) + 1)), thing
    named = re.findall(r"`((?:app|docs|policies|tests)/[\w./]+)`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


_TABLES = re.findall(r"`(app/[\w./]+\.py)`:[^`]*?\b(?:in|of) `(_?[A-Z]\w*)`", PAGE)


@pytest.mark.parametrize(("file", "table"), _TABLES, ids=[":".join(each) for each in _TABLES])
def test_the_table_that_gets_a_row_is_there(file: str, table: str) -> None:
    assert defines((ROOT / file).read_text(encoding="utf-8"), table), f"{file} defines no {table}"


def test_each_thing_that_is_often_added_has_its_files() -> None:
    words = ("`provider`", "key", "path", "check", "figure", "event", "gauge", "listing", "receipt")
    assert len(NEXT_THINGS) == len(words)
    for (thing, _, _), word in zip(NEXT_THINGS, words, strict=True):
        assert word in thing


# --- the glossary -----------------------------------------------------------------------------


def entries() -> list[str]:
    return re.findall(r"^\*\*([\w ]+)\*\*", GLOSSARY, flags=re.MULTILINE)


def test_the_glossary_is_in_order() -> None:
    assert entries() == sorted(entries(), key=str.lower)
    assert len(entries()) == len(set(entries()))


@pytest.mark.parametrize(
    "word",
    [
        *get_args(Ending),
        *get_args(VerdictWord),
        *get_args(Handling),
        *get_args(Severity),
        *MERGES,
        *("router_metadata", "body.provider", "generation", "catalog", "cost"),  # as evidence
    ],
)
def test_a_word_that_is_one_of_a_few_is_explained(word: str) -> None:
    assert re.search(rf"[`*\s]{re.escape(word)}[`*\s,.:)]", GLOSSARY)


@pytest.mark.parametrize(
    "word",
    [
        *("alias", "caller", "clause", "dialect", "endpoint", "evidence", "flip", "floor"),
        *("funnel", "ledger", "listed as", "observation", "pin", "policy version", "precision"),
        *("receipt", "rule", "session", "tag", "upstream", "verdict"),
    ],
)
def test_a_word_that_pages_and_commands_use_has_its_entry(word: str) -> None:
    assert word in entries()


def test_links_of_the_glossary_lead_to_headings() -> None:
    for page, anchor in re.findall(r"\]\((\w+\.md)#([\w-]+)\)", GLOSSARY):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
        assert anchor in {
            re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles
        }
