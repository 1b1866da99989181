"""`pointsman catalog`: a model's endpoints in a table that fits, and in a file."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.catalog.snapshot import FORMAT
from app.cli.catalog import show_catalog
from app.cli.commands import commands
from app.errors import SettingsError
from app.settings import Settings
from app.simulator import create_simulator
from tests.running import running

CODER = "qwen/qwen3-coder"


def shown(
    capsys: pytest.CaptureFixture[str],
    *models: str,
    catalog: str = "simulated",
    save: Path | None = None,
) -> tuple[int, str]:
    code = show_catalog(Settings.read(), models, catalog=catalog, save=save)
    return code, capsys.readouterr().out


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_with_a_line_for_each_endpoint(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    code, text = shown(capsys, CODER)
    title, heading, *lines = text.splitlines()
    assert (code, title, len(lines)) == (0, CODER, 15)
    assert max(map(len, text.splitlines())) <= width
    assert ("provider" in heading) is (width > 100)
    (novita,) = [line.split() for line in lines if "novita/fp8" in line]
    assert novita[-8:] == ["novita/fp8", "fp8", "0.29", "1.2", "131k", "32k", "99.7%", "18"]


def test_the_cheapest_come_first_and_what_is_not_listed_is_a_dash(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    price = {"prompt": "0.000002", "completion": "0.000002"}
    rows = [
        {"tag": "dear", "provider_name": "Dear", "pricing": price, "context_length": 2_000_000},
        {"tag": "bare", "provider_name": "Bare", "max_completion_tokens": 512},
    ]
    whole = {"format": FORMAT, "fetched_at": "2026-11-21", "models": [], "endpoints": {"a/b": rows}}
    (tmp_path / "c.json").write_text(json.dumps(whole))
    _, text = shown(capsys, "a/b", catalog=str(tmp_path / "c.json"))
    assert [line.split() for line in text.splitlines()[2:]] == [
        ["Bare", "bare", "-", "-", "-", "-", "512", "-", "0"],
        ["Dear", "dear", "-", "2", "2", "2M", "-", "-", "0"],
    ]


def test_a_model_that_nobody_lists_gets_the_one_that_may_be_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, text = shown(capsys, "qwen/qwen3-codr", "qqqq")
    assert code == 1
    assert "did you mean qwen/qwen3-coder?" in text
    assert "qqqq: no such model is listed; a model slug has the form author/model" in text


def test_what_is_saved_is_a_catalog_to_come_back_to(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "catalog.json"
    code, text = shown(capsys, CODER, save=file)
    assert (code, f"wrote {file}" in "".join(text.split("\n"))) == (0, True)
    _, again = shown(capsys, CODER, catalog=str(file))
    assert again.splitlines() == text.splitlines()[: len(again.splitlines())]


def test_without_a_model_those_of_the_policies_are_fetched_and_saved(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine.yaml").write_text(
        f"version: 1\nrules: [{{name: mine, models: ['{CODER}'], zdr: true}}]"
    )
    file = tmp_path / "catalog.json"
    with running(create_simulator(pace=0)) as upstream:
        settings = Settings.read(policies=tmp_path / "p", upstream_url=f"{upstream.url}/api/v1")
        assert show_catalog(settings, (), catalog="live", save=file) == 0
        assert capsys.readouterr().out.startswith("wrote")
        assert list(json.loads(file.read_text())["endpoints"]) == [CODER]
        assert show_catalog(settings, ["z-ai/glm-4.6"], catalog="live", save=file) == 0
    assert list(json.loads(file.read_text())["endpoints"]) == ["z-ai/glm-4.6"]


def test_nothing_to_show_and_nowhere_to_save_is_a_question(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="name a model"):
        shown(capsys)
    with pytest.raises(SettingsError, match="can't write"):
        shown(capsys, CODER, save=tmp_path / "missing" / "catalog.json")


def test_an_alias_is_the_model_that_it_stands_for(tmp_path: Path) -> None:
    alias = "Quick: {model: qwen/qwen3-coder, preferences: {zdr: true}}"
    (tmp_path / "p.yaml").write_text(f"version: 1\nrules: []\naliases:\n  {alias}\n")
    asked = ["catalog", "quick", "--catalog", "simulated", "--policies", str(tmp_path)]
    said = CliRunner().invoke(commands, asked)
    assert (said.exit_code, said.output.splitlines()[0]) == (0, "qwen/qwen3-coder")
    (tmp_path / "p.yaml").write_text("version: 9\n")  # models can be looked at all the same
    asked[1] = "qwen/qwen3-coder"
    assert CliRunner().invoke(commands, asked).exit_code == 0
