"""A starter policy is sound whatever was named, and never overwrites anything."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.cli.init import init, starter
from app.cli.words import command
from app.errors import SettingsError
from app.policy.file.parse import read_book
from app.policy_folder import read_folder
from app.tools.table import TOOLS

slugs = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,9}/[a-z0-9][a-z0-9._-]{0,9}(:free)?", fullmatch=True)


@given(st.lists(slugs, unique_by=lambda slug: slug.replace("/", "-").replace(":", "-"), max_size=4))
def test_a_starter_has_a_rule_for_each_model_and_can_be_read(models: list[str]) -> None:
    book = read_book({"mine.yaml": starter(models, TOOLS)})
    patterns = {pattern.text for rule in book.rules for pattern in rule.models}
    assert set(models) <= patterns


def test_what_is_commented_out_can_be_read_too() -> None:
    """Whoever takes a comment sign away must not meet an error."""
    text = starter(["qwen/qwen3-coder"], ["codex"])
    lines = [
        re.sub(r"^  # - |^  #   |^    # ", lambda sign: sign[0].replace("# ", ""), line)
        for line in text.splitlines()
    ]
    book = read_book({"mine.yaml": "\n".join(lines)})
    assert [rule.name for rule in book.rules][-2:] == ["qwen-qwen3-coder", "codex"]
    assert yaml.safe_load("\n".join(lines))["rules"][-2]["pin"] == ["novita/fp8", "deepinfra"]


def test_the_file_and_its_schema_are_written_and_the_tools_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new" / "mine.yaml"
    init(["qwen/qwen3-coder"], ["codex", "aider"], file)
    assert len(read_folder(file.parent).rules) == 3
    assert (file.parent / "schema.json").is_file()
    out = capsys.readouterr().out
    assert f"{command()} explain qwen/qwen3-coder" in out
    assert "aider: --openai-api-base http://127.0.0.1:4477/v1" in out


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("mine")
    with pytest.raises(SettingsError, match="exists"):
        init([], [], file)
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("models", "tools", "told"),
    [
        (["Qwen/Qwen3-Coder"], [], "did you mean qwen/qwen3-coder"),
        (["gpt-4"], [], "author/model"),
        ([], ["quen-code"], "did you mean qwen-code"),
        ([], ["emacs"], "known ones are"),
    ],
)
def test_a_name_that_is_none_is_an_error_with_a_way_out(
    tmp_path: Path, models: list[str], tools: list[str], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        init(models, tools, tmp_path / "mine.yaml")
    assert not (tmp_path / "mine.yaml").exists()


def test_it_fits_in_beside_policies_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "default.yaml").write_text(starter(["qwen/qwen3-coder"], []))
    init(["qwen/qwen3-coder", "acme/sim-1"], ["codex"], tmp_path / "mine.yaml")
    names = [rule.name for rule in read_folder(tmp_path).rules]
    assert names.count("careful") == 1
    assert names[-2:] == ["qwen-qwen3-coder-2", "acme-sim-1"]
    init([], [], tmp_path / "empty.yaml")
    assert len(read_folder(tmp_path).rules) == len(names)


def test_policies_that_are_broken_have_to_be_mended_first(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("version: 9\n")
    with pytest.raises(SettingsError, match=r"broken\.yaml:1"):
        init([], [], tmp_path / "mine.yaml")


def test_a_schema_of_somebody_elses_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "schema.json").write_text('{"my": "own"}')
    init([], [], tmp_path / "mine.yaml")
    assert (tmp_path / "schema.json").read_text() == '{"my": "own"}'
    assert "was kept; editors" in capsys.readouterr().out
    (tmp_path / "schema.json").unlink()
    init([], [], tmp_path / "second.yaml")
    init([], [], tmp_path / "third.yaml")
    assert "Pointsman policy" in (tmp_path / "schema.json").read_text()


def test_a_file_that_would_not_be_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"must end in \.yaml"):
        init([], [], tmp_path / "mine.txt")
