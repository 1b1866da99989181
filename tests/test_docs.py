"""The documentation is held to the code: every setting and every error code has its place."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from app import errors
from app.cli.commands import commands
from app.settings import Settings

DOCS = Path(__file__).parent.parent / "docs"


def test_every_setting_has_its_heading_and_every_heading_its_setting() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^## (\w+)$", text, flags=re.MULTILINE))
    names = {
        str(field.validation_alias or f"POINTSMAN_{name.upper()}")
        for name, field in Settings.model_fields.items()
    }
    assert headings == names


def test_every_error_code_is_listed_with_its_status() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    listed = {
        code: int(status)
        for status, code in re.findall(r"^\| (\d+) \| `(\w+)` \|", text, flags=re.MULTILINE)
    }
    codes = {kind.code: kind.status for kind in _leaves(errors.RequestError)}
    assert codes.pop("upstream_cut")
    assert listed == codes


def _leaves(kind: type[errors.RequestError]) -> Iterator[type[errors.RequestError]]:
    children = kind.__subclasses__()
    if not children:
        yield kind
    for child in children:
        yield from _leaves(child)


def test_every_link_in_the_docs_leads_somewhere() -> None:
    pages = [DOCS.parent / "README.md", *DOCS.glob("**/*.md")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_names_every_command() -> None:
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    for command in commands.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        assert name == "version" or f"`{name}`" in readme or f"pointsman {name}" in readme, name


def test_every_page_is_in_the_index_and_the_readme_links_to_it() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    linked = re.findall(r"^- \[[^]]+\]\(([a-z]+\.md)\): .+", index, flags=re.MULTILINE)
    assert sorted(linked) == sorted({page.name for page in DOCS.glob("*.md")} - {"index.md"})
    assert "](docs/index.md)" in (DOCS.parent / "README.md").read_text(encoding="utf-8")


def test_every_link_to_a_part_of_a_page_finds_its_heading() -> None:
    pages = [DOCS.parent / "README.md", *DOCS.glob("*.md"), *DOCS.glob("adr/*.md")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)]+)\)", text):
            there = (page.parent / target).resolve() if target else page
            assert anchor in _anchors(there.read_text(encoding="utf-8")), f"{page.name}: {anchor}"


def _anchors(text: str) -> set[str]:
    """What a link can name of a page, as GitHub makes it of headings."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", ["operate", "deploy", "http", "cookbook", "faq"])
def test_a_long_page_begins_with_the_list_of_its_parts(page: str) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    contents, *sections = text.split("\n## ")
    for section in sections:
        (anchor,) = _anchors(f"## {section.splitlines()[0]}")
        assert f"(#{anchor})" in contents


@pytest.mark.parametrize("page", ["operate", "deploy", "http", "cookbook", "faq", "index"])
def test_every_command_that_a_page_names_is_one(page: str) -> None:
    known = typer.main.get_command(commands).commands  # type: ignore[attr-defined]
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    for name, rest in re.findall(r"(?:`|bin/)pointsman ([a-z]+)([^`\n]*)", text):
        assert name in known, name
        options = {option for each in known[name].params for option in each.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= options, name
