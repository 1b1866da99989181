"""What newcomers and reporters are told: pages and forms name what there is."""

import re
from pathlib import Path

import pytest
import typer

from app.cli.commands import commands
from tests.releasing.scripts import CI, ROOT
from tests.releasing.workflows import files, misshapen, read
from tests.test_docs import DOCS, _anchors

GITHUB = ROOT / ".github"
PAGES = [*sorted(GITHUB.glob("*.md")), DOCS / "releasing.md"]
FORMS = sorted(file for file in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if file.stem != "config")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
OPERATE = (DOCS / "operate.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", text):
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in _anchors(there.read_text(encoding="utf-8")), f"{page.name}: {anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_of_make_and_of_ci_is_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), f"{page.name}: make {target}"
    for name in re.findall(r"(?<![\w/])\.ci/([\w.-]+\b)(?!\*)", text):
        assert (CI / name).is_file(), f"{page.name}: .ci/{name}"


def test_the_page_has_every_workflow_with_each_of_its_commands() -> None:
    page = (DOCS / "releasing.md").read_text(encoding="utf-8")
    for file in files():
        assert f"../.github/workflows/{file.name})" in page
        for job in read(file.read_text(encoding="utf-8"))["jobs"].values():
            for step in job.get("steps", ()):
                words = step.get("run", "").partition(' "')[0].partition(" REPOSITORY")[0]
                assert words in page, f"{file.name}: {words}"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_a_form_has_githubs_shape_and_names_commands_that_there_are(form: Path) -> None:
    text = form.read_text(encoding="utf-8")
    content = read(text)
    assert misshapen("github-issue-forms", content) == []
    assert misshapen("github-issue-forms", content | {"body": []})
    known = typer.main.get_command(commands).commands  # type: ignore[attr-defined]
    assert set(re.findall(r"`pointsman ([a-z]+)", text)) <= known.keys()


def test_the_form_for_a_fault_asks_for_the_diagnosis_and_a_receipt() -> None:
    body = read((GITHUB / "ISSUE_TEMPLATE" / "fault.yml").read_text(encoding="utf-8"))["body"]
    asked = {each["id"]: each for each in body if "id" in each}
    assert "pointsman doctor --json" in asked["doctor"]["attributes"]["label"]
    assert "pointsman log last --json" in asked["receipt"]["attributes"]["description"]
    assert asked["doctor"]["validations"] == asked["receipt"]["validations"] == {"required": True}


def test_each_extra_is_in_the_table_and_each_way_of_installing_says_how_to_get_one() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = project.split("[project.optional-dependencies]")[1].split("\n[")[0]
    extras = set(re.findall(r"^(\w+) = ", block, re.MULTILINE))
    rows = OPERATE.split("| Extra | Adds |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE)) == extras
    ways = OPERATE.split("| With | Install or start it | With extras |")[1].split("\n\n")[0]
    for way in ("pipx", "uv tool", "uvx", "pip install", "Docker"):
        assert way in ways
    for named in re.findall(r"whl\[([\w,]+)\]", ways):
        assert set(named.split(",")) <= extras
