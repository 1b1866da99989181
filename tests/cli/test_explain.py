"""`pointsman explain` at every width, and for machines."""

import json
from pathlib import Path

import pytest

from app.cli.explain import show_explanation
from app.errors import SettingsError
from app.settings import Settings

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
    assert "thecalleraskforit" in joined.replace("asks", "ask")
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
    assert "no rule speaks for it" in text
    assert "nothing is changed" in text


def test_machines_get_json(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = shown(settings, capsys, "quick", as_json=True)
    assert json.loads(text)["model_sent"] == "acme/sim-1"


@pytest.mark.parametrize("provider", ["[]", "{", "fp8"])
def test_a_provider_that_is_no_object_is_an_error(settings: Settings, provider: str) -> None:
    with pytest.raises(SettingsError, match="--provider"):
        show_explanation(
            settings, "quick", provider=provider, caller=None, user_agent="", as_json=False
        )
