"""`pointsman explain RECEIPT`: what the policies make of a recorded request today."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.catalog.snapshot import FORMAT
from app.cli.commands import commands
from app.errors import SettingsError
from app.ledger.store import Store
from app.policy_folder import read_folder
from tests.ledger.receipts import receipt

KIMI = "moonshotai/kimi-k2"
POLICY = """\
version: 1
rules:
  - {name: everyone, models: ["*"], data_collection: deny}
  - {name: ci, models: ["*"], callers: [ci], ignore: [groq]}
  - {name: aider, models: ["*"], user_agents: ["aider/*"], zdr: true}
aliases:
  quick: {model: qwen/qwen3-coder}
  quick5678: {model: qwen/qwen3-coder}
"""


@pytest.fixture
def version(tmp_path: Path) -> str:
    """The version of the policies in force."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "mine.yaml").write_text(POLICY)
    return read_folder(tmp_path / "policies").revision


def filed(tmp_path: Path, *receipts: dict[str, Any]) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    store.write([receipt(at, **{"dialect": "chat", **each}) for at, each in enumerate(receipts)])
    store.close()


def explained(*arguments: str) -> Result:
    asked = ["explain", *arguments, "--ledger", "ledger.db"]
    return CliRunner().invoke(commands, asked, env={"COLUMNS": "100"})


def as_json(*arguments: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(explained(*arguments, "--json").stdout)
    return told


@pytest.mark.usefixtures("version")
@pytest.mark.parametrize("name", ["last", "rcp_0b0000000000tt5678", "tt5678"])
def test_a_receipt_is_named_as_in_log(tmp_path: Path, name: str) -> None:
    older = {"id": "rcp_0a0000000000ss5678", "model_asked": "qwen/qwen3-coder"}
    filed(tmp_path, older, {"id": "rcp_0b0000000000tt5678", "model_asked": KIMI})
    told = as_json(name)
    assert (told["model_asked"], told["receipt"]["id"]) == (KIMI, "rcp_0b0000000000tt5678")


@pytest.mark.usefixtures("version")
def test_its_caller_and_tool_select_the_rules_unless_others_are_given(tmp_path: Path) -> None:
    filed(tmp_path, {"model_asked": KIMI, "caller": "ci", "user_agent": "aider/0.90"})
    assert set(as_json("last")["rules"]) == {"everyone", "ci", "aider"}
    assert set(as_json("last", "--caller", "me")["rules"]) == {"everyone", "aider"}
    assert set(as_json("last", "--user-agent", "curl/8")["rules"]) == {"everyone", "ci"}


def test_the_version_it_was_judged_under_is_compared_with_the_present_one(
    tmp_path: Path, version: str
) -> None:
    now = {"id": "rcp_now1", "book": version, "rules": ("everyone",), "verdict": "kept"}
    then = {"id": "rcp_then", "book": "3f9a1c", "rules": ("old",), "verdict": "broken"}
    filed(tmp_path, {"model_asked": KIMI, **now}, {"model_asked": KIMI, **then})
    same, differs = as_json("rcp_now1")["receipt"], as_json("rcp_then")["receipt"]
    assert (same["book"], same["same_book"]) == (version, True)
    assert (differs["book"], differs["same_book"]) == ("3f9a1c", False)
    text = " ".join(explained("rcp_now1").stdout.split())
    assert f"verdict kept judged under policy version {version} now the same policy version" in text
    assert "rules then" not in text
    text = " ".join(explained("rcp_then").stdout.split())
    assert f"judged under policy version 3f9a1c now policy version {version} rules then old" in text


@pytest.mark.usefixtures("version")
def test_a_path_that_accepts_a_part_of_the_policy_refuses_the_rest(tmp_path: Path) -> None:
    path = {"path": "/v1/videos", "dialect": "videos"}
    filed(tmp_path, {"id": "rcp_chat", "model_asked": KIMI})
    assert explained("rcp_chat").exit_code == 0
    filed(tmp_path, {"id": "rcp_film", "model_asked": KIMI, **path})
    said = explained("rcp_film")
    assert said.exit_code == 1
    assert "refused with 403 policy_refused" in said.stdout
    assert "POST /videos accepts only" in " ".join(said.stdout.split())


@pytest.mark.usefixtures("version")
def test_a_model_s_name_wins_over_a_receipt_s(tmp_path: Path) -> None:
    filed(tmp_path, {"id": "rcp_0a00000quick5678", "model_asked": KIMI})
    assert "receipt" not in as_json("quick5678")
    assert as_json("k5678")["receipt"]["id"] == "rcp_0a00000quick5678"


def test_a_name_that_only_the_catalog_lists_wins_too(tmp_path: Path) -> None:
    listed = {"models": [{"id": "bare", "canonical_slug": "bare"}], "endpoints": {"bare": []}}
    (tmp_path / "c.json").write_text(
        json.dumps(
            {"format": FORMAT, "fetched_at": "2026-11-21T09:30:00+00:00", "providers": [], **listed}
        )
    )
    filed(tmp_path, {"id": "rcp_0a000000000bare", "model_asked": KIMI})
    assert as_json("bare")["model_asked"] == KIMI
    told = as_json("bare", "--catalog", "c.json")
    assert (told["model_asked"], "receipt" in told) == ("bare", False)


@pytest.mark.usefixtures("version")
def test_with_a_catalog_the_funnel_is_that_of_the_receipt_s_model(tmp_path: Path) -> None:
    filed(tmp_path, {"model_asked": "quick"})
    (funnel,) = as_json("last", "--catalog", "simulated")["funnel"]
    assert (funnel["model"], funnel["endpoints"] > 0) == ("qwen/qwen3-coder", True)


@pytest.mark.usefixtures("version")
@pytest.mark.parametrize(
    ("known", "name", "message"),
    [
        ({"model_asked": KIMI}, "rcp_nothere", "has no receipt rcp_nothere"),
        ({"model_asked": KIMI}, "kimi9", "The ledger has no receipt of this name either"),
        (
            {"path": "/v1/files", "dialect": None},
            "last",
            "names no model: the request to /v1/files",
        ),
        ({"model_asked": "gone"}, "last", '"gone" is neither an alias in the policies nor a model'),
    ],
)
def test_what_can_not_be_explained_says_why(
    tmp_path: Path, known: dict[str, Any], name: str, message: str
) -> None:
    filed(tmp_path, known)
    error = explained(name).exception
    assert isinstance(error, SettingsError)
    assert message in str(error)


def test_without_a_ledger_a_mistyped_model_is_told_as_one() -> None:
    assert "neither an alias" in str(explained("kimi9").exception)
    assert "no ledger at" in str(explained("last").exception)


def test_a_model_s_name_opens_no_ledger(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom app.cli.commands import commands\n"
        f"commands(['explain', {KIMI!r}], standalone_mode=False)\n"
        "sys.exit('sqlalchemy' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path), "XDG_STATE_HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert KIMI in done.stdout
