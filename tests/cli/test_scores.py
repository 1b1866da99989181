"""`pointsman scores`: fetches from upstream, keeps a copy, shows it in a table that fits."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from app.cli.check import check
from app.cli.commands import commands
from app.cli.explain import show_explanation
from app.cli.prove import proofs_of
from app.cli.scores import fetch_scores, kept_scores, show_scores
from app.errors import SettingsError
from app.settings import Settings
from app.simulator import create_simulator
from tests.running import running

CODER = "qwen/qwen3-coder"
NOON = 1_795_262_400.0  # 2026-11-21


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with running(create_simulator(pace=0, clock=lambda: NOON)) as server:
        yield f"{server.url}/api/v1"


@pytest.fixture
def settings(upstream: str, tmp_path: Path) -> Settings:
    return Settings.read(upstream_url=upstream, state=tmp_path)


def shown(
    settings: Settings, capsys: pytest.CaptureFixture[str], model: str | None = CODER
) -> tuple[int, str]:
    capsys.readouterr()
    return show_scores(settings, model, as_json=False), capsys.readouterr().out


def test_what_was_kept_is_told(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch_scores(settings, None) == 0
    first, checksum, counts, source, licence = capsys.readouterr().out.splitlines()
    assert first == "kept the benchmark scores of 2026-11-21"
    assert len(checksum.removeprefix("sha256 ")) == 64
    assert counts.endswith("benchmarks: gpqa_diamond, tau2_bench_airline")
    assert source.startswith("Source: a simulated OpenRouter")
    assert licence.startswith("licence: CC BY 4.0; fetched 20")
    scores = kept_scores(settings)
    assert scores.snapshot is not None
    assert counts.startswith(f"{len(scores.snapshot.rows)} rows, {len(scores.snapshot.models)} mod")


def test_an_earlier_day_may_be_fetched_and_none_in_the_future(settings: Settings) -> None:
    fetch_scores(settings, "2026-11-01")
    scores = kept_scores(settings)
    assert scores.snapshot is not None
    assert scores.snapshot.date == "2026-11-01"
    for day in ("2026-12-01", "yesterday"):
        with pytest.raises(
            SettingsError, match=f"nothing was kept: .* no benchmark export of {day}"
        ):
            fetch_scores(settings, day)


def test_what_can_not_be_fetched_or_written_is_told(tmp_path: Path, upstream: str) -> None:
    nobody = Settings.read(upstream_url="http://127.0.0.1:9/api/v1", state=tmp_path)
    with pytest.raises(SettingsError, match="nothing was kept: no answer from"):
        fetch_scores(nobody, None)
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"can't be written: .*set POINTSMAN_STATE"):
        fetch_scores(Settings.read(upstream_url=upstream, state=tmp_path / "file"), None)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_table_fits_and_the_best_come_first(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    width: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    fetch_scores(settings, None)
    code, text = shown(settings, capsys)
    assert code == 0
    assert max(map(len, text.splitlines())) <= width
    assert f"{CODER}  qwen/qwen3-coder-480b-a35b-07-25" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("gpqa_diamond")]
    accuracies = [float(row[2]) for row in rows]
    assert len(rows) > 5
    assert accuracies == sorted(accuracies, reverse=True)
    assert "Source: a simulated OpenRouter" in text


def test_all_models_are_shown_and_an_unknown_one_is_suggested(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch_scores(settings, None)
    assert shown(settings, capsys, None)[1].count("benchmark  ") > 10
    code, text = shown(settings, capsys, "qwen/qwen3-codr")
    assert code == 1
    assert f"no provider has a score; did you mean {CODER}?" in text


def test_an_alias_is_its_model(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.yaml").write_text(f"version: 1\naliases: {{mine: {{model: {CODER}}}}}\n")
    named = settings.model_copy(update={"policies": tmp_path / "p"})
    fetch_scores(named, None)
    assert shown(named, capsys, "mine")[1] == shown(named, capsys, CODER)[1]


def test_without_kept_scores_the_way_to_some_is_told(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = shown(settings, capsys)
    assert (code, text) == (1, "no benchmark scores are kept; run `pointsman scores fetch`\n")
    assert show_scores(settings, None, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["why_none"] == "no benchmark scores are kept"


def test_the_command_fetches_and_shows_json(
    upstream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_STATE", str(tmp_path))
    monkeypatch.setenv("POINTSMAN_UPSTREAM_URL", upstream)
    run = CliRunner().invoke
    assert run(commands, ["scores", "fetch"]).exit_code == 0
    told = json.loads(run(commands, ["scores", CODER, "--json"]).stdout)
    assert (told["date"], told["licence"]) == ("2026-11-21", "CC BY 4.0")
    assert told["source"] == f"{upstream}/datasets/exports/benchmark-leaderboard/2026-11-21.json"
    assert told["scores"][0].keys() == {
        *("model", "provider", "benchmark", "accuracy", "std_dev", "runs")
    }
    for wrong in (["scores", "fetch", "--json"], ["scores", "--date", "2026-11-21"]):
        assert run(commands, wrong).exit_code == 2


# --- the other commands -----------------------------------------------------------------------

FLOOR = f"""\
version: 1
rules:
  - {{name: sound, models: [{CODER}], score_floor: {{gpqa_diamond: 0.4}}}}
"""


@pytest.fixture
def floored(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.yaml").write_text(FLOOR)
    key = SecretStr("sk-or-v1-simulatedpointsman")
    return settings.model_copy(update={"policies": tmp_path / "p", "openrouter_api_key": key})


def test_check_and_explain_go_by_the_kept_scores(
    floored: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    def explained() -> int:
        return show_explanation(
            floored, CODER, provider=None, caller=None, user_agent="", as_json=False
        )

    assert check(floored, catalog=None) == 0  # a warning
    assert "no benchmark scores are kept, so requests under this rule" in capsys.readouterr().out
    assert explained() == 1
    assert "requires benchmark scores: no benchmark scores" in capsys.readouterr().out
    fetch_scores(floored, None)
    capsys.readouterr()
    assert check(floored, catalog=None) == 0
    assert "no problems found" in capsys.readouterr().out
    assert explained() == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "score_floor in rule" in text
    assert "score_floor by the benchmark scores of 2026-11-21 (sha256 " in text


async def test_prove_tests_the_floor_as_the_list_that_it_becomes(floored: Settings) -> None:
    with pytest.raises(SettingsError, match=r"are refused here: .*no benchmark scores are kept"):
        await proofs_of(floored, CODER, positive=False)
    await asyncio.to_thread(fetch_scores, floored, None)
    (proof,) = await proofs_of(floored, CODER, positive=False)
    assert (proof.clause, proof.outcome) == ("only", "enforced")
    assert proof.because.startswith('rule "sound"')
