"""`pointsman verify` judges by OpenRouter's record of what it did."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from app.cli.verify import verify
from app.errors import SettingsError
from app.ledger.bounds import bounded
from app.ledger.store import Store
from app.main import create_app
from app.settings import Settings
from app.simulator import create_simulator
from app.simulator.switches import Switches
from tests.ledger.receipts import receipt
from tests.running import running

POLICY = "version: 1\nrules:\n  - {name: r, models: ['*'], quantization_floor: fp8}\n"
CODER = "qwen/qwen3-coder"
Asked = tuple[Settings, str]


def asked(tmp_path: Path, switches: Switches, then: Callable[[Settings, str], None]) -> None:
    """Send one request through the proxy, then do something with its receipt."""
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "p.yaml").write_text(POLICY)
    with running(create_simulator(switches=switches, pace=0)) as openrouter:
        settings = Settings.read(
            policies=tmp_path / "p",
            state=tmp_path,
            upstream_url=f"{openrouter.url}/api/v1",
            openrouter_api_key="sk-or-v1-x",
        )
        ask = {"model": CODER, "messages": [{"role": "user", "content": "hi"}]}
        with running(create_app(settings)) as proxy:
            url = f"{proxy.url}/v1/chat/completions"
            answer = httpx2.post(url, json=ask, trust_env=False)
        then(settings, answer.headers["x-pointsman-receipt"])


def test_the_record_proves_what_the_answer_left_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def then(settings: Settings, receipt: str) -> None:
        assert verify(settings, receipt, wait=0, today=False, as_json=True) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["receipt"], told["now"]["verdict"]) == (receipt, "kept")
        assert "generation" in told["now"]["evidence"]
        assert verify(settings, receipt, wait=0, today=False, as_json=False) == 0
        assert "listed as" in " ".join(capsys.readouterr().out.split())

    asked(tmp_path, Switches(provider_field="missing", generation_delay=0.0), then)


def test_a_record_that_names_an_outsider_is_broken(tmp_path: Path) -> None:
    def then(settings: Settings, receipt: str) -> None:
        assert verify(settings, receipt, wait=0, today=False, as_json=False) == 1

    asked(tmp_path, Switches(disobey=True, generation_delay=0.0), then)


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def relisted() -> Switches:
    """Every endpoint is listed as fp4 once its listing has been read for the first time."""
    return Switches(relisted=dict.fromkeys(_every_tag(), "fp4"), generation_delay=0.0)


def test_a_receipt_is_judged_by_what_was_listed_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The policy was kept; by today's labels, it would not have been."""

    def then(settings: Settings, receipt: str) -> None:
        assert verify(settings, receipt, wait=0, today=False, as_json=False) == 0
        told = shown(capsys)
        assert "Judged by the listing as it was then: listed 20" in told
        assert "today" not in told
        assert verify(settings, receipt, wait=0, today=True, as_json=False) == 0
        told = shown(capsys)
        assert "listed as fp8" in told
        assert "today broken" in told
        assert "outside the policy" in told
        assert "same verdict" not in told
        assert verify(settings, receipt, wait=0, today=True, as_json=True) == 0
        found = json.loads(capsys.readouterr().out)
        store = Store.open(settings.ledger())
        kept = store.get(receipt)
        store.close()
        assert kept is not None
        assert found["listing"]["digest"] == kept.listing
        assert (found["now"]["verdict"], found["today"]["verdict"]) == ("kept", "broken")
        assert found["before"] == {"verdict": "kept", "reason": kept.reason}

    asked(tmp_path, relisted(), then)


def test_a_listing_that_is_still_the_same_is_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def then(settings: Settings, receipt: str) -> None:
        assert verify(settings, receipt, wait=0, today=True, as_json=False) == 0
        assert "Today's listing gives the same verdict." in shown(capsys)

    asked(tmp_path, Switches(generation_delay=0.0), then)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM listings", "the one of then is no longer kept"),
        ("DELETE FROM listing_spans", "the one of then is no longer kept"),
        ("UPDATE receipts SET listing = NULL", "the one of then was not kept"),
    ],
)
def test_without_the_listing_of_then_todays_decides_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], statement: str, told: str
) -> None:
    def then(settings: Settings, receipt: str) -> None:
        change(settings, statement)
        assert verify(settings, receipt, wait=0, today=False, as_json=False) == 1
        assert f"Judged by today's listing: {told}." in shown(capsys)
        assert verify(settings, receipt, wait=0, today=False, as_json=True) == 1
        found = json.loads(capsys.readouterr().out)
        assert found["listing"] is None
        assert "today" not in found

    asked(tmp_path, relisted(), then)


def test_a_listing_that_is_damaged_is_not_judged_by(tmp_path: Path) -> None:
    def then(settings: Settings, receipt: str) -> None:
        change(settings, "UPDATE listings SET body = x'00'")
        with pytest.raises(SettingsError, match="can't be read: not a kept listing"):
            verify(settings, receipt, wait=0, today=False, as_json=False)

    asked(tmp_path, Switches(generation_delay=0.0), then)


def test_a_listing_that_was_a_day_old_then_proves_no_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which is what was said then, too; today's age of it makes no difference."""

    def then(settings: Settings, receipt: str) -> None:
        change(settings, "UPDATE receipts SET started_at = started_at + 90000000")
        assert verify(settings, receipt, wait=0, today=False, as_json=True) == 0
        now = json.loads(capsys.readouterr().out)["now"]
        assert now["verdict"] == "unproven"
        assert "the listing of the endpoints is 25 hours old" in now["reason"]

    asked(tmp_path, Switches(generation_delay=0.0), then)


def test_a_fallback_model_is_judged_by_its_own_listing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The receipt names the model that was sent first; the listing says which one answered."""

    def then(settings: Settings, receipt: str) -> None:
        change(settings, "UPDATE receipts SET model_sent = 'other/model'")
        assert verify(settings, receipt, wait=0, today=True, as_json=True) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["now"]["verdict"], found["today"]["verdict"]) == ("kept", "unproven")

    asked(tmp_path, Switches(generation_delay=0.0), then)


def change(settings: Settings, statement: str) -> None:
    with sa.create_engine(settings.ledger()).begin() as connection:
        connection.exec_driver_sql(statement)


def test_a_record_that_is_not_written_yet_is_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def then(settings: Settings, receipt: str) -> None:
        with pytest.raises(SettingsError, match="ten seconds"):
            verify(settings, receipt, wait=0, today=False, as_json=True)
        assert verify(settings, receipt, wait=10, today=False, as_json=True) == 0
        assert "kept" in capsys.readouterr().out

    asked(tmp_path, Switches(generation_delay=1.5), then)


def test_a_receipt_without_a_generation_says_so(tmp_path: Path) -> None:
    def then(settings: Settings, receipt: str) -> None:
        with pytest.raises(SettingsError, match="no receipt rcp_none"):
            verify(settings, "rcp_none", wait=0, today=False, as_json=False)
        with pytest.raises(SettingsError, match="no generation"):
            verify(settings, receipt, wait=0, today=False, as_json=False)

    asked(tmp_path, Switches(fail=dict.fromkeys(_every_tag(), 500)), then)


def test_a_receipt_whose_preferences_were_cut_is_not_judged_by_what_is_left(
    tmp_path: Path,
) -> None:
    """A provider that served could be among those that are missing."""
    settings = Settings.read(state=tmp_path, openrouter_api_key="sk-or-v1-x")
    store = Store.open(settings.ledger())
    wide = {"only": [f"provider-{number}" for number in range(10_000)]}
    store.write([bounded(one := receipt(preferences_sent=wide, generation_id="gen-1"))])
    store.close()
    with pytest.raises(SettingsError, match=f"preferences of {one.id} were too long"):
        verify(settings, one.id, wait=0, today=False, as_json=False)


def _every_tag() -> list[str]:
    transport = httpx2.ASGITransport(create_simulator(pace=0))

    async def tags() -> list[str]:
        async with httpx2.AsyncClient(transport=transport, base_url="http://openrouter") as client:
            answer = await client.get(f"/api/v1/models/{CODER}/endpoints")
            return [row["tag"] for row in answer.json()["data"]["endpoints"]]

    return asyncio.run(tags())


def test_a_key_that_is_not_accepted_is_said_at_once(tmp_path: Path) -> None:
    def then(settings: Settings, receipt: str) -> None:
        wrong = settings.model_copy(update={"openrouter_api_key": SecretStr("wrong")})
        with pytest.raises(SettingsError, match="rejects the key \\(status 401\\)"):
            verify(wrong, receipt, wait=60, today=False, as_json=True)

    asked(tmp_path, Switches(generation_delay=0.0), then)
