"""Commands go by the audits on the ledger that a server with these settings would use."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.cli.audit_plan import subject_of
from app.cli.check import check
from app.cli.explain import show_explanation
from app.cli.facts import kept_audits
from app.cli.prove import proofs_of
from app.cli.which_ledger import demo_ledger
from app.errors import SettingsError
from app.ledger.store import Store
from app.settings import Settings
from app.simulator import create_simulator
from tests.audits import MODEL, compared, kept, result
from tests.running import running

POLICY = f"""\
version: 1
rules:
  - {{name: sure, models: [{MODEL}], audited: {{verdict: same, max_age: 30d}}}}
"""
LOOSE = f"version: 1\nrules:\n  - {{name: any, models: [{MODEL}], sort: price}}\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "a.yaml").write_text(POLICY)
    return Settings.read(policies=folder, state=tmp_path / "state")


def test_the_demos_audits_count_as_long_as_there_is_no_other_ledger(settings: Settings) -> None:
    demo = settings.model_copy(
        update={"ledger_url": SecretStr(f"sqlite:///{demo_ledger(settings)}")}
    )
    demo_ledger(settings).parent.mkdir()
    audit(demo)
    assert kept_audits(settings).of(MODEL).of("novita/fp8") is not None
    Store.open(settings.ledger()).close()
    assert kept_audits(settings).of(MODEL).audits == ()


def audit(settings: Settings, *, days: int = 0) -> None:
    store = Store.open(settings.ledger())
    found = result(compared("novita/fp8", "same"), compared("chutes/fp8", "different"))
    kept(store, found, at=datetime.now(UTC) - timedelta(days=days))
    store.close()


def explained(settings: Settings, catalog: str | None = None) -> int:
    return show_explanation(
        settings,
        MODEL,
        provider=None,
        caller=None,
        user_agent="",
        as_json=False,
        catalog=catalog,
    )


def test_without_a_ledger_there_are_none_and_none_is_made(settings: Settings) -> None:
    assert kept_audits(settings).of(MODEL).audits == ()
    assert not (settings.state).exists()


def test_a_ledger_that_can_not_be_read_is_the_reason(settings: Settings, tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no ledger" * 4096)
    read = settings.model_copy(update={"ledger_url": SecretStr(f"sqlite:///{broken}")})
    assert "ledger" in kept_audits(read).of(MODEL).why_none


def test_check_and_explain_go_by_the_audits(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(settings, catalog=None) == 0  # a warning
    said = " ".join(capsys.readouterr().out.split())
    assert f"no endpoint of {MODEL} has been audited, so requests for {MODEL} are refused" in said
    assert explained(settings) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert f"run `pointsman audit {MODEL}`" in said
    audit(settings)
    assert check(settings, catalog=None) == 0
    assert "no problems found" in capsys.readouterr().out
    assert explained(settings, "simulated") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "audited by aud_1 of 20" in said
    assert "may serve: novita/fp8 (fp8; audit of 20" in said
    assert "): same" not in said


def test_an_audit_that_is_too_old_counts_as_none(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    audit(settings, days=31)
    assert explained(settings) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert f"the last audit of {MODEL} is 31 days old, over 30d" in said


def test_check_warns_of_an_endpoint_that_was_found_different(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    audit(settings)
    (Path(settings.policies or "") / "a.yaml").write_text(LOOSE)
    assert check(settings, catalog="simulated") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"chutes/fp8 may serve {MODEL}, but was different in the audit of 20" in said
    assert "part from the reference's sooner (ratio 0.54, 95 % 0.44 to 0.64)" in said
    assert "[audited-different]" in said


def test_a_rule_that_requires_an_audit_does_not_keep_endpoints_from_being_audited(
    settings: Settings,
) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        url = f"{openrouter.url}/api/v1"
        subject = subject_of(settings.model_copy(update={"upstream_url": url}), MODEL)
    assert len(subject.endpoints) > 2
    assert subject.shut_out == frozenset()


async def test_prove_tests_the_list_that_it_becomes(settings: Settings) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        keyed = settings.model_copy(
            update={
                "upstream_url": f"{openrouter.url}/api/v1",
                "openrouter_api_key": SecretStr("sk-or-v1-simulatedpointsman"),
            }
        )
        with pytest.raises(SettingsError, match=r"are refused here: .*has been audited"):
            await proofs_of(keyed, MODEL, positive=False)
        audit(keyed)
        (proof,) = await proofs_of(keyed, MODEL, positive=False)
        assert (proof.clause, proof.outcome) == ("only", "enforced")
        assert proof.because.startswith('rule "sure"')
