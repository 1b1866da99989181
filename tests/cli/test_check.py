"""`pointsman check`: what is printed for people, programs and reviewers, and the exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from app.catalog.snapshot import written
from app.cli.catalogs import simulated_snapshot
from app.cli.check import Output, check, output_of
from app.cli.commands import commands
from app.errors import PolicyFileError, SettingsError
from app.settings import Settings

KIMI = "moonshotai/kimi-k2"
FINE = f"{{name: mine, models: [{KIMI}], quantization_floor: fp8}}"
NOBODY = f"{{name: mine, models: [{KIMI}], quantization_floor: bf16}}"
DOUBTFUL = f"{{name: mine, models: [{KIMI}], only: [novta, novita, together]}}"
NOTED = f"{{name: mine, models: [{KIMI}], order: [novita]}}"


def settings(folder: Path, *rules: str) -> Settings:
    lines = ["version: 1", "rules:", *(f"  - {rule}" for rule in rules)]
    (folder / "p").mkdir()
    (folder / "p" / "mine.yaml").write_text("\n".join(lines))
    return Settings.read(policies=folder / "p")


def checked(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *rules: str,
    output: Output = "json",
    catalog: str | None = "simulated",
    strict: bool = False,
) -> tuple[int, Any]:
    code = check(settings(folder, *rules), catalog=catalog, output=output, strict=strict)
    text = capsys.readouterr().out
    return code, text if output == "text" else json.loads(text)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("rule", "severities"),
    [(FINE, []), (NOTED, ["note"]), (DOUBTFUL, ["error"]), (NOBODY, ["error"])],
)
def test_errors_have_an_exit_code_and_notes_have_none(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rule: str,
    severities: list[str],
    *,
    strict: bool,
) -> None:
    code, told = checked(tmp_path, capsys, rule, strict=strict)
    assert [each["severity"] for each in told["findings"]] == severities
    assert code == ("error" in severities)


def test_warnings_fail_under_strict_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, strict in (("a", False), ("b", True)):
        (tmp_path / folder).mkdir()
        got, told = checked(tmp_path / folder, capsys, DOUBTFUL, strict=strict, catalog=None)
        assert (got, told["warnings"], told["catalog"]) == (int(strict), 1, None)


def test_people_read_the_place_first_then_what_was_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "40")  # a finding is one line all the same: editors read it
    _, text = checked(Path(), capsys, NOBODY, output="text")
    finding, held, seen, count = text.splitlines()
    assert finding.startswith(
        "p/mine.yaml:3: error: rules.mine.quantization_floor: no endpoint is left"
    )
    assert finding.endswith("[empty-funnel]")
    assert held.startswith("p: 1 rule and 0 aliases, policy version ")
    assert seen.startswith("catalog simulated of 20")
    assert count == "1 error"


def test_without_a_catalog_the_way_to_one_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = checked(tmp_path, capsys, FINE, output="text", catalog=None)
    assert code == 0
    assert "--catalog live" in text
    assert text.splitlines()[-1] == "no problems found"


def test_programs_get_every_finding_and_what_was_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, told = checked(tmp_path, capsys, NOBODY)
    (finding,) = told["findings"]
    assert finding.keys() == {"severity", "code", "file", "line", "where", "message"}
    assert (told["rules"], told["aliases"], told["errors"], told["notes"]) == (1, 0, 1, 0)
    assert told["catalog"]["source"] == "simulated"
    assert told["catalog"]["models_looked_at"] == len(simulated_snapshot().endpoints)
    assert told["catalog"]["models_left_out"] == 0


def test_reviewers_get_sarif_with_files_relative_to_where_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, told = checked(tmp_path, capsys, NOBODY, output="sarif")
    (run,) = told["runs"]
    (result,) = run["results"]
    assert (code, told["version"], result["level"]) == (1, "2.1.0", "error")
    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "p/mine.yaml"}, "region": {"startLine": 3}}
    assert result["ruleId"] in {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert result["message"]["text"].startswith("rules.mine.quantization_floor: no endpoint")


def test_sarif_of_files_elsewhere_has_their_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    _, told = checked(tmp_path, capsys, NOTED, output="sarif")
    (result,) = told["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (result["level"], uri) == ("note", (tmp_path / "p" / "mine.yaml").as_uri())


@pytest.mark.parametrize("output", ["json", "sarif"])
def test_files_that_cannot_be_used_are_findings_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], output: Output
) -> None:
    code, told = checked(tmp_path, capsys, "{name: mine, zrd: true}", output=output)
    assert code == 2
    if output == "json":
        assert {each["code"] for each in told["findings"]} == {"policy-file"}
        assert "did you mean zdr" in told["findings"][0]["message"]
    else:
        (run,) = told["runs"]
        assert {each["ruleId"] for each in run["results"]} == {"policy-file"}
        assert "policy-file" in {rule["id"] for rule in run["tool"]["driver"]["rules"]}


def test_files_that_cannot_be_used_are_the_usual_error_for_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PolicyFileError, match="did you mean zdr"):
        checked(tmp_path, capsys, "{name: mine, zrd: true}", output="text")


def test_one_output_at_a_time() -> None:
    assert output_of(as_json=False, as_sarif=False) == "text"
    assert output_of(as_json=True, as_sarif=False) == "json"
    assert output_of(as_json=False, as_sarif=True) == "sarif"
    with pytest.raises(SettingsError, match="choose one"):
        output_of(as_json=True, as_sarif=True)


def test_what_has_drifted_since_a_saved_catalog_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = simulated_snapshot()
    before = [{**row, "quantization": "fp8"} for row in now.endpoints[KIMI]]
    saved = tmp_path / "before.json"
    saved.write_bytes(written(replace(now, endpoints={**now.endpoints, KIMI: before})))
    read = settings(tmp_path, FINE)
    code = check(read, catalog="simulated", since=saved, output="json")
    told = json.loads(capsys.readouterr().out)
    drift = [finding for finding in told["findings"] if finding["code"] == "drift"]
    assert (code, len(drift)) == (0, 1)
    assert "gone deepinfra/fp4" in drift[0]["message"]
    assert drift[0]["file"].endswith("mine.yaml")
    assert check(read, catalog="simulated", since=saved, output="json", strict=True) == 1


def test_the_folder_may_be_an_argument_and_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\nrules:\n  - {name: a, models: ['*'], zdr: 1}\n")
    found = CliRunner().invoke(commands, ["check", str(tmp_path)])
    assert found.exit_code != 0
    assert "zdr: 1 is not a boolean" in f"{found.output}{found.exception}"
    both = CliRunner().invoke(commands, ["check", str(tmp_path), "--policies", str(tmp_path)])
    assert both.exit_code == 2
    assert "name the folder once" in both.output
