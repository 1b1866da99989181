"""Whose file it is."""

import re
from pathlib import Path

import pytest

from app.errors import ForeignFileError
from app.importing.recognise import FORMATS, recognise
from app.importing.source import read_source
from tests.importing.reading import imported
from tests.importing.sources import FILES, Wish


def known(text: str, name: str | None = None) -> str:
    return recognise(read_source("theirs", text)[0], name).name


@pytest.mark.parametrize("tool", sorted(FILES))
@pytest.mark.parametrize("wanted", [{}, {"a/b": Wish({}, {"zdr": True})}])
def test_a_file_is_known_by_what_is_in_it(tool: str, wanted: dict[str, Wish]) -> None:
    assert known(FILES[tool](wanted)) == tool
    assert known(FILES[tool](wanted), tool) == tool


def test_an_opencode_file_without_providers_is_known_by_its_schema() -> None:
    for site in ("https://opencode.ai", "https://app.kilo.ai"):
        assert known(f'{{"$schema": "{site}/config.json"}}') == "opencode"


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nrules: []\n",
        "just words",
        "[1, 2]",
        "[]",
        "{}",
        "peers: 5",
        "provider: x",
        "[[",
    ],
)
def test_any_other_file_is_an_error_that_names_every_format(text: str) -> None:
    with pytest.raises(ForeignFileError) as error:
        imported(text)
    for each in FORMATS:
        assert f"{each.name} ({each.title}" in str(error.value)
    assert {each.name for each in FORMATS} == {*FILES, "cline"}


def test_any_other_file_with_provider_settings_is_an_error_that_says_where() -> None:
    text = "plugins:\n  mine: {provider: {only: [novita]}}\n" + "".join(
        f"  no{number}: {{allowFallbacks: false}}\n" for number in range(6)
    )
    with pytest.raises(ForeignFileError) as error:
        imported(text)
    assert str(error.value).endswith(
        "; it seems to have provider settings in line 2 (plugins.mine.provider), "
        "line 3 (plugins.no0), line 4 (plugins.no1), line 5 (plugins.no2), line 6 (plugins.no3) "
        "and 2 more"
    )


BOTH = "model_list: []\nproviders: {}\n"


def test_a_file_that_could_be_of_two_tools_needs_to_be_told() -> None:
    with pytest.raises(ForeignFileError, match="litellm or pi; choose with --from"):
        known(BOTH)
    assert known(BOTH, "pi") == "pi"
    assert known(BOTH, "litellm") == "litellm"


def test_a_file_that_is_not_what_it_is_said_to_be_is_an_error() -> None:
    with pytest.raises(ForeignFileError, match="not a file of LiteLLM's proxy, which has a list"):
        known("providers: {}", "litellm")


def test_a_tool_that_is_not_known_is_an_error_that_names_every_format() -> None:
    with pytest.raises(ForeignFileError, match=r"--from codex: not one of litellm .*cline"):
        known(BOTH, "codex")


def test_the_documentation_has_a_row_for_each_format() -> None:
    docs = Path(__file__).parents[2] / "docs" / "import.md"
    rows = re.findall(
        r"^\| `([a-z][\w-]+)` \|", docs.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert rows == [each.name for each in FORMATS]
