"""Whose file it is."""

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
    assert known('{"$schema": "https://opencode.ai/config.json"}') == "opencode"


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
def test_any_other_file_is_an_error_that_names_all_five(text: str) -> None:
    with pytest.raises(ForeignFileError) as error:
        imported(text)
    for name in ("litellm", "llama-swap", "pi", "aider", "opencode"):
        assert name in str(error.value)
    assert {each.name for each in FORMATS} == set(FILES)


BOTH = "model_list: []\nproviders: {}\n"


def test_a_file_that_could_be_of_two_tools_needs_to_be_told() -> None:
    with pytest.raises(ForeignFileError, match="litellm or pi; say which with --from"):
        known(BOTH)
    assert known(BOTH, "pi") == "pi"
    assert known(BOTH, "litellm") == "litellm"


def test_a_file_that_is_not_what_it_is_said_to_be_is_an_error() -> None:
    with pytest.raises(ForeignFileError, match="no file of LiteLLM's proxy, which has a list"):
        known("providers: {}", "litellm")


def test_a_tool_that_nobody_knows_is_an_error_that_names_all_five() -> None:
    with pytest.raises(ForeignFileError, match=r"--from cline: that is none of litellm .*opencode"):
        known(BOTH, "cline")
