"""`pointsman explain` at every width, and for machines."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.commands import commands
from app.cli.explain import show_explanation
from app.errors import SettingsError
from app.settings import Settings
from app.simulator import create_simulator
from tests.running import running

POLICY = """\
version: 1
rules:
  - {name: everyone, models: ["acme/*"], quantization_floor: fp8}
aliases:
  quick: {model: acme/sim-1, preferences: {sort: throughput}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine.yaml").write_text(POLICY)
    return Settings.read(policies=tmp_path / "p")


def shown(  # what is printed, and the exit code
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    model: str,
    provider: str | None = None,
    *,
    as_json: bool = False,
) -> tuple[str, int]:
    code = show_explanation(
        settings, model, provider=provider, caller=None, user_agent="", as_json=as_json
    )
    return capsys.readouterr().out, code


@pytest.mark.parametrize("width", ["80", "140"])
def test_fields_are_shown_with_their_lines(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    width: str,
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    text, code = shown(settings, capsys, "quick", '{"zdr": true}')
    assert code == 0
    assert "quick  is sent as acme/sim-1" in text
    assert "provider.quantizations" in text
    joined = "".join(text.split())
    assert "mine.yaml:3)" in joined
    assert "therequestitself" in joined
    assert max(map(len, text.splitlines())) <= int(width)


def test_what_was_overruled_is_said(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    text, code = shown(settings, capsys, "quick", '{"sort": "price"}')
    assert code == 0
    assert 'overruled: provider.sort was "price", is "throughput"' in " ".join(text.split())


def test_a_refusal_has_an_exit_code_of_its_own(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    text, code = shown(settings, capsys, "quick", '{"quantizations": ["fp4"]}')
    assert code == 1
    assert "refused with 403 policy_conflict" in text


def test_without_a_rule_nothing_is_changed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    text, _ = shown(settings, capsys, "other/model")
    assert "no rule applies" in text
    assert "sent unchanged" in text


def test_machines_get_json(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = shown(settings, capsys, "quick", as_json=True)
    assert json.loads(text)["model_sent"] == "acme/sim-1"


@pytest.mark.parametrize("provider", ["[]", "{", "fp8"])
def test_a_provider_that_is_no_object_is_an_error(settings: Settings, provider: str) -> None:
    with pytest.raises(SettingsError, match="--provider"):
        show_explanation(
            settings, "quick", provider=provider, caller=None, user_agent="", as_json=False
        )


SUBAGENTS = """\
version: 1
rules:
  - {name: all, models: ["*"], zdr: true}
  - {name: sub, models: ["*"], headers: {x-openai-subagent: review}, strip_headers: [x-title]}
"""


@pytest.mark.parametrize(
    ("given", "applies"),
    [
        (["X-OpenAI-Subagent: Review"], True),
        (["x-a: b:c", "x-openai-subagent:review"], True),
        (["x-openai-subagent: compact"], False),
        ([], False),
    ],
)
def test_it_can_be_asked_with_headers(tmp_path: Path, given: list[str], *, applies: bool) -> None:
    (tmp_path / "mine.yaml").write_text(SUBAGENTS)
    options = [part for each in given for part in ("--header", each)]
    asked = ["explain", "a/b", "--policies", str(tmp_path), *options]
    result = CliRunner().invoke(commands, asked)
    assert result.exit_code == 0, result.output
    told = " ".join(result.output.split())
    assert ("rules: sub, all" in told) is applies
    assert ("headers not forwarded: x-title, because of" in told) is applies


@pytest.mark.parametrize("given", ["sk-canary", ": sk-canary", ""])
def test_a_header_without_a_name_or_a_value_is_an_error_that_repeats_nothing(
    settings: Settings, given: str
) -> None:
    with pytest.raises(SettingsError, match="--header requires a name and a value") as caught:
        show_explanation(
            settings,
            "quick",
            provider=None,
            caller=None,
            user_agent="",
            as_json=False,
            headers=[given],
        )
    assert "canary" not in str(caught.value)


KIMI = "moonshotai/kimi-k2"


@pytest.fixture
def kimi(tmp_path: Path) -> Settings:
    (tmp_path / "q").mkdir()
    rule = f"{{name: kimi, models: [{KIMI}], quantization_floor: fp8, zdr: true}}"
    (tmp_path / "q" / "mine.yaml").write_text(f"version: 1\nrules: [{rule}]")
    return Settings.read(policies=tmp_path / "q")


def foreseen(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    provider: str | None = None,
    *,
    as_json: bool = False,
    model: str = KIMI,
) -> str:
    show_explanation(
        settings,
        model,
        provider=provider,
        caller=None,
        user_agent="",
        as_json=as_json,
        catalog="simulated",
    )
    return capsys.readouterr().out


def test_with_a_catalog_the_funnel_says_who_is_left(
    kimi: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    text = " ".join(foreseen(kimi, capsys).split())
    assert "funnel: 8 -> fp8+ 3 -> zdr 3?" in text
    assert "may serve: moonshotai (fp8), novita/fp8 (fp8), together (fp8)" in text
    assert "? no listing shows which endpoints satisfy zdr" in text


def test_where_nobody_is_left_the_least_to_change_is_said(
    kimi: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    text = " ".join(
        foreseen(kimi, capsys, '{"only": ["groq"], "max_price": {"prompt": 2}}').split()
    )
    assert "funnel: 8 -> only 1 -> fp8+ 0 no endpoint is left; smallest change: " in text
    assert "provider.only in the request: add novita (or remove it)" in text


def test_machines_get_the_funnel_with_each_fall_and_its_line(
    kimi: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    (funnel,) = json.loads(foreseen(kimi, capsys, as_json=True))["funnel"]
    assert (funnel["model"], funnel["line"]) == (KIMI, "8 -> fp8+ 3 -> zdr 3?")
    (step,) = [step for step in funnel["steps"] if step["filter"] == "quantizations"]
    assert {drop["tag"] for drop in step["dropped"]} >= {"groq", "deepinfra/fp4"}
    assert "mine.yaml:2" in step["dropped"][0]["because"]


def test_a_refused_request_and_an_unknown_model_have_no_funnel(
    kimi: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = json.loads(foreseen(kimi, capsys, '{"quantizations": ["fp4"]}', as_json=True))
    unknown = json.loads(foreseen(kimi, capsys, as_json=True, model="acme/nothing"))
    assert (refused["funnel"], unknown["funnel"]) == ([], [])
    show_explanation(kimi, KIMI, provider=None, caller=None, user_agent="", as_json=True)
    assert "funnel" not in json.loads(capsys.readouterr().out)


def test_live_asks_upstream_for_the_model_that_would_be_sent(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(create_simulator(pace=0)) as upstream:
        (settings.policies or Path()).joinpath("mine.yaml").write_text(
            f"version: 1\naliases: {{quick: {{model: {KIMI}}}}}"
        )
        live = settings.model_copy(update={"upstream_url": f"{upstream.url}/api/v1"})
        show_explanation(
            live,
            "quick",
            provider=None,
            caller=None,
            user_agent="",
            as_json=True,
            catalog="live",
        )
    (funnel,) = json.loads(capsys.readouterr().out)["funnel"]
    assert (funnel["model"], funnel["endpoints"]) == (KIMI, 8)


def test_a_model_that_the_catalog_lacks_is_named_with_the_one_that_was_meant() -> None:
    asked = ["explain", "qwen/qwen3-codre", "--catalog", "simulated"]
    said = CliRunner().invoke(commands, asked, env={"COLUMNS": "200"}).output
    assert "qwen/qwen3-codre is not in the simulated catalog; did you mean qwen/qwen3-coder" in said


@pytest.mark.parametrize("keys", ["first_token: 30s, total: 15m", "total: 15m"])
def test_deadlines_are_shown_with_their_rule(
    settings: Settings, capsys: pytest.CaptureFixture[str], keys: str
) -> None:
    held = f'  - {{name: held, models: ["acme/*"], {keys}}}\naliases:'
    assert settings.policies is not None
    (settings.policies / "mine.yaml").write_text(POLICY.replace("aliases:", held))
    text, _ = shown(settings, capsys, "acme/sim-1")
    assert f"deadlines: {keys.replace(':', '')} in rule" in " ".join(text.split())
    told, _ = shown(settings, capsys, "acme/sim-1", as_json=True)
    found = {each["key"]: each["value"] for each in json.loads(told)["deadlines"]}
    assert found == dict(each.split(": ") for each in keys.split(", "))
    assert {each["rule"] for each in json.loads(told)["deadlines"]} == {"held"}
