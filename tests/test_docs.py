"""The documentation is held to the code: every setting and every error code has its place."""

import re
from collections.abc import Iterator
from pathlib import Path

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
