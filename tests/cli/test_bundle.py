"""`pointsman bundle` has what a report needs, says what is in it, and has no name or secret."""

import json
import stat
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as changed

from app import __version__
from app.cli.bundle import SHOWN, shown_settings, write_bundle
from app.cli.bundle_receipts import KEPT, LEFT_OUT, NUMBERED, without_names
from app.ledger.receipt import FIELDS
from app.ledger.store import Store
from app.main import create_app
from app.settings import Settings
from tests.ledger.receipts import receipt
from tests.running import running

POLICY = "version: 1\nrules:\n  - {name: careful, models: ['*'], zdr: true}  # a comment\n"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def members(file: Path) -> dict[str, str]:
    with zipfile.ZipFile(file) as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


def read(tmp_path: Path, **settings: Any) -> Settings:
    (tmp_path / "p").mkdir(exist_ok=True)
    (tmp_path / "p" / "p.yaml").write_text(POLICY)
    known = {"policies": tmp_path / "p", "state": tmp_path, "upstream_url": "http://127.0.0.1:9/v1"}
    return Settings.read(**{**known, "port": 1, **settings})


def written(settings: Settings, file: Path, **options: Any) -> dict[str, str]:
    write_bundle(settings, file, **{"receipts": 50, "with_policies": True, **options})
    return members(file)


def test_a_bundle_has_everything_that_its_readme_names_and_is_for_its_user_alone(
    tmp_path: Path,
) -> None:
    settings = read(tmp_path)
    with running(create_app(settings)) as proxy:
        there = settings.model_copy(update={"port": proxy.port})
        file = tmp_path / "b.zip"
        found = written(there, file)
    assert sorted(found) == [
        *("README.txt", "doctor.json", "metrics.txt", "policies/p.yaml", "ready.json"),
        *("receipts.jsonl", "settings.json", "versions.json"),
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert found["policies/p.yaml"] == POLICY
    assert json.loads(found["versions.json"])["pointsman"] == __version__
    assert json.loads(found["ready.json"])["version"] == __version__
    assert "pointsman_requests_total" in found["metrics.txt"]
    assert json.loads(found["doctor.json"])["checks"]
    assert "Missing:" not in found["README.txt"]
    assert "your policy files AS THEY ARE" in found["README.txt"]
    for name in {each.partition("/")[0] for each in found} - {"README.txt"}:
        assert f"  {name}" in found["README.txt"]


def test_what_is_missing_is_said_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = written(read(tmp_path), tmp_path / "b.zip", with_policies=False)
    assert not [name for name in found if name.startswith("policies/")]
    missing = found["README.txt"].partition("Missing:\n")[2]
    assert "policies/: left out as asked" in missing
    assert "receipts.jsonl: no ledger at" in missing
    assert "metrics.txt: no Pointsman at http://127.0.0.1:1 answers" in missing
    assert "AS THEY ARE" not in found["README.txt"]
    out = capsys.readouterr().out
    assert "not in it: policies/ (left out as asked)" in out
    assert "versions.json: " in out


def test_a_policy_that_is_broken_is_in_it_and_one_that_can_not_be_read_is_named(
    tmp_path: Path,
) -> None:
    settings = read(tmp_path)
    (tmp_path / "p" / "broken.yaml").write_text("version: [")
    (tmp_path / "p" / "rubbish.yaml").write_bytes(b"\xff")
    found = written(settings, tmp_path / "b.zip", receipts=0)
    assert found["policies/broken.yaml"] == "version: ["
    assert "policies/rubbish.yaml: can't be read" in found["README.txt"]
    assert "receipts.jsonl: left out as asked" in found["README.txt"]


def test_the_same_content_makes_the_same_bytes(tmp_path: Path) -> None:
    settings, file = read(tmp_path, openrouter_api_key=""), tmp_path / "b.zip"
    first, second = (written(settings, file) and file.read_bytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["home", "home of anna"])
def test_the_home_folder_is_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    home = tmp_path / name
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    found = written(read(home), tmp_path / "b.zip")
    assert str(home) not in "".join(found.values())
    assert json.loads(found["settings.json"])["policies"] == "~/p"


# --- secrets ----------------------------------------------------------------------------------


def test_no_secret_of_any_setting_is_in_it(tmp_path: Path) -> None:
    secrets = {
        "openrouter_api_key": "canary-key-of-openrouter",
        "caller_keys": "canary-name:canary-key-of-a-caller",
        "operators": "canary-name",
        "allowed_hosts": "canary-host.example",
        "allowed_origins": "https://canary-origin.example",
        "notify_url": "https://hooks.example/canary-of-the-url",
        "notify_secret": "canary-of-the-signature",
        "shared_secret": "canary-shared-secret-of-32-letters",
        "ledger_url": "postgresql+psycopg://me:canary-1@127.0.0.1:9/d?sslpassword=canary-2",
    }
    found = written(read(tmp_path, **secrets), tmp_path / "b.zip")
    assert [name for name, text in found.items() if "canary" in text] == []
    shown = json.loads(found["settings.json"])
    assert shown["caller_keys"] == {"number": 1}
    assert shown["notify_url"] == "set"
    assert shown["ledger"] == "postgresql+psycopg"


def test_a_secret_in_a_policys_comment_is_removed(tmp_path: Path) -> None:
    settings = read(tmp_path, openrouter_api_key="canary-key-of-openrouter")
    (tmp_path / "p" / "p.yaml").write_text(f"# canary-key-of-openrouter\n{POLICY}")
    found = written(settings, tmp_path / "b.zip")
    assert found["policies/p.yaml"] == f"# [removed]\n{POLICY}"


def test_a_setting_is_shown_only_if_it_is_listed_as_harmless(tmp_path: Path) -> None:
    shown = shown_settings(read(tmp_path, forward_headers="x-foo"))
    assert Settings.model_fields.keys() >= SHOWN
    hidden = Settings.model_fields.keys() - SHOWN
    assert hidden == {
        *("openrouter_api_key", "ledger_url", "caller_keys", "operators", "allowed_hosts"),
        *("allowed_origins", "notify_url", "notify_secret", "shared_secret"),
    }
    for name in hidden:
        assert shown[name] in ("not set", {"number": 0})
    assert shown["forward_headers"] == ["x-foo"]


# --- receipts ---------------------------------------------------------------------------------


def numbered(*known: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(without_names(receipt(**each) for each in known))


def test_each_field_of_a_receipt_is_kept_numbered_or_left_out() -> None:
    """A field that is new is in none of them, so this fails until it is decided."""
    assert sorted([*KEPT, *NUMBERED, *LEFT_OUT]) == sorted(FIELDS)


def test_names_have_numbers_the_same_in_all_receipts() -> None:
    anna = {"caller": "anna", "session": "9f2c", "user_agent": "aider/1", "subagent": "77aa"}
    found = numbered(anna, {**anna, "caller": "bob"}, anna, {"caller": None})
    assert [each["caller"] for each in found] == ["caller-1", "caller-2", "caller-1", None]
    assert {each["session"] for each in found[:3]} == {"session-1"}
    assert {each["user_agent"] for each in found[:3]} == {"tool-1"}
    assert {each["subagent"] for each in found[:3]} == {"subagent-1"}
    assert not {"path", "generation_id", "audit"} & found[0].keys()


def test_names_in_texts_are_replaced_and_parts_of_words_are_not() -> None:
    (found,) = numbered(
        {
            "caller": "anna",
            "user_agent": "anna-cli/1",
            "error_message": "the budget of anna is spent; ask anna-cli/1, annals",
            "overruled": ({"field": "sort", "why": "of anna", "asked": ["anna"]},),
        }
    )
    assert found["error_message"] == "the budget of caller-1 is spent; ask tool-1, annals"
    assert found["overruled"] == [{"field": "sort", "why": "of caller-1", "asked": ["caller-1"]}]


def test_the_newest_receipts_are_in_it_oldest_first(tmp_path: Path) -> None:
    store = Store.open(read(tmp_path).ledger())
    ids = [f"rcp_01m7yq1whx0000000000000{number}" for number in range(4)]
    store.write([changed(receipt(caller="anna"), id=each, started_at=NOW) for each in ids])
    store.close()
    found = written(read(tmp_path), tmp_path / "b.zip", receipts=3)
    lines = [json.loads(line) for line in found["receipts.jsonl"].splitlines()]
    assert [each["id"] for each in lines] == ids[1:]
    assert "anna" not in found["receipts.jsonl"]
