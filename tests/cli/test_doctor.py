"""`pointsman doctor` tries what a request would use, and lies about nothing (T-36)."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from app import __version__
from app.cli.doctor import Diagnosis, doctor, examine
from app.cli.words import command
from app.ledger.notices import NewNotice
from app.ledger.store import Store
from app.main import create_app
from app.settings import Settings
from app.simulator import create_simulator
from tests.running import running

POLICY = "version: 1\nrules:\n  - {name: careful, models: ['*'], quantization_floor: fp8}\n"


def read(tmp_path: Path, **settings: Any) -> Settings:
    (tmp_path / "p").mkdir(exist_ok=True)
    (tmp_path / "p" / "p.yaml").write_text(POLICY)
    known = {"policies": tmp_path / "p", "state": tmp_path, "upstream_url": "http://127.0.0.1:9/v1"}
    return Settings.read(**{**known, **settings})


def found(settings: Settings) -> dict[str, Diagnosis]:
    return {each.what: each for each in asyncio.run(examine(settings))}


def test_t36_a_server_in_good_health_is_well_all_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        settings = read(
            tmp_path,
            upstream_url=f"{openrouter.url}/api/v1",
            openrouter_api_key="sk-or-v1-x",
            caller_keys="anna:key-of-anna",
        )
        with running(create_app(settings)) as proxy:
            there = settings.model_copy(update={"port": proxy.port})
            everything = found(there)
            assert {each.well for each in everything.values()} == {True}, everything
            assert "applies careful to qwen/qwen3-coder; receipts: " in everything["server"].told
            assert doctor(there) == 0
    out = capsys.readouterr().out
    assert out.count("OK ") == 7
    assert "key-of-anna" not in out


def test_t36_a_server_with_other_policies_is_not_well(tmp_path: Path) -> None:
    settings = read(tmp_path)
    app = create_app(settings)
    (tmp_path / "p" / "p.yaml").write_text(POLICY + "# changed\n")
    with running(app) as proxy:
        (tmp_path / "p" / "p.yaml").write_text("version: 1\nrules: [")
        there = settings.model_copy(update={"port": proxy.port})
        assert found(there)["policies"].well is False
        assert found(there)["server"].well is False


def test_what_can_not_be_tried_is_no_fault(tmp_path: Path) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        everything = found(read(tmp_path, port=1, upstream_url=f"{openrouter.url}/api/v1"))
    assert everything["upstream"].well is None
    assert everything["server"].well is None
    assert f"start it with {command()} serve" in everything["server"].told


def test_a_ledger_that_does_not_exist_is_tried_and_not_created(tmp_path: Path) -> None:
    """An empty ledger would hide the demo's from `pointsman log`."""
    folder = tmp_path / "state"
    url = f"sqlite:///{folder / 'ledger.db'}"
    assert found(read(tmp_path, port=1, ledger_url=url))["ledger"] == Diagnosis(
        "ledger", well=True, told=f"{url}: does not exist yet; the server creates it"
    )
    assert not folder.exists()


@pytest.mark.parametrize(
    ("what", "settings"),
    [
        ("settings", {"host": "0.0.0.0"}),  # noqa: S104 - refused
        ("ledger", {"ledger_url": "sqlite:////proc/nothing/here.db"}),
        ("upstream", {"openrouter_api_key": "k"}),
        ("upstream", {}),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, what: str, settings: dict[str, Any]) -> None:
    diagnosis = found(read(tmp_path, port=1, **settings))[what]
    assert diagnosis.well is False
    assert diagnosis.told
    assert doctor(read(tmp_path, port=1, **settings)) == 1


def test_notifications_that_are_not_delivered_are_said_without_the_url(tmp_path: Path) -> None:
    hook = "http://127.0.0.1:9/canary"
    with_hook = {"port": 1, "notify_url": hook, "notify_secret": "canary"}
    assert found(read(tmp_path, port=1))["notices"].told.startswith("none are sent")
    assert found(read(tmp_path, **with_hook))["notices"].well
    store = Store.open(read(tmp_path).ledger())
    assert found(read(tmp_path, **with_hook))["notices"] == Diagnosis(
        "notices", well=True, told="format json, signed; all of the last day are delivered"
    )
    now = datetime.now(UTC)
    store.put_notice(NewNotice("broken", "a", "b", "{}"), now)
    (taken,) = store.take_notices(now, most=1)
    store.notice_failed(taken, "HTTP 404", None)
    store.close()
    told = found(read(tmp_path, **with_hook))["notices"]
    assert told.well is False
    assert "1 notification of the last day not delivered, the last error: HTTP 404" in told.told
    assert "canary" not in told.told


def test_a_wrong_key_and_an_empty_folder_are_said(tmp_path: Path) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        settings = read(
            tmp_path, upstream_url=f"{openrouter.url}/api/v1", openrouter_api_key="wrong"
        )
        (tmp_path / "p" / "p.yaml").unlink()
        everything = found(settings)
    assert " ms; check the key" in everything["upstream"].told
    assert "requests pass through unchanged" in everything["policies"].told


@pytest.mark.parametrize("path", ["", "/v1", "/api", "/api/v1/v1"])
@pytest.mark.parametrize("key", ["sk-or-v1-x", ""])
def test_an_address_that_is_not_the_apis_is_said_with_the_one_to_set(
    tmp_path: Path, path: str, key: str
) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        url = openrouter.url + path
        diagnosis = found(read(tmp_path, port=1, upstream_url=url, openrouter_api_key=key))
    told = diagnosis["upstream"]
    assert told.well is False
    assert told.told == (
        f"GET {url}/models answers 404; set POINTSMAN_UPSTREAM_URL={openrouter.url}/api/v1"
    )


def test_a_web_page_in_place_of_an_api_is_said(tmp_path: Path) -> None:
    page = Starlette(
        routes=[Route("/{path:path}", lambda _: HTMLResponse("<!DOCTYPE html><h1>Models</h1>"))]
    )
    with running(page) as site:
        told = found(read(tmp_path, port=1, upstream_url=f"{site.url}/api/v1"))["upstream"]
    assert told.well is False
    assert "a web page" in told.told
    assert "https://openrouter.ai/api/v1" in told.told


# --- for machines -----------------------------------------------------------------------------


def test_as_json_each_check_has_a_code_a_status_a_message_and_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shape is documented, and stays: reports of faults are read by it."""
    with running(create_simulator(pace=0)) as openrouter:
        settings = read(tmp_path, port=1, upstream_url=f"{openrouter.url}/api/v1", host="0.0.0.0")  # noqa: S104 - refused
        assert doctor(settings, as_json=True) == 1
        told = json.loads(capsys.readouterr().out)
        people = found(settings)
    assert list(told) == ["version", "python", "platform", "checks"]
    assert told["version"] == __version__
    checks = {each["code"]: each for each in told["checks"]}
    assert list(checks) == [
        *("settings", "policies", "ledger", "upstream", "account", "notices", "server"),
    ]
    assert {each["status"] for each in checks.values()} == {"ok", "warning", "fail"}
    for code, each in checks.items():
        assert list(each) == ["code", "status", "message", "remedy"]
        if each["remedy"] is None:
            assert each["message"] == people[code].told
        else:
            assert people[code].told in {
                f"{each['message']}{joint} {each['remedy']}" for joint in (";", ",")
            }
    assert checks["settings"]["message"].endswith("other machines could spend your key")
    assert checks["settings"]["remedy"].startswith("set POINTSMAN_CALLER_KEYS=name:key")
    assert checks["server"]["remedy"] == f"start it with {command()} serve"


def test_an_error_of_several_lines_has_no_remedy_of_its_own(tmp_path: Path) -> None:
    settings = read(tmp_path, port=1)
    (tmp_path / "p" / "p.yaml").write_text("version: 2\nrule: 1\n")
    (tmp_path / "p" / "q.yaml").write_text("version: 1; x\n")
    assert "\n" in found(settings)["policies"].told
    assert found(settings)["policies"].remedy is None


@pytest.mark.parametrize("before", [0, 160, 170, 180, 190])
def test_what_another_program_echoes_is_shown_without_our_keys(tmp_path: Path, before: int) -> None:
    """A program on Pointsman's port may answer with the headers that it got.

    What is quoted is cut; that must not leave the first part of a key.
    """

    async def echo(request: Request) -> JSONResponse:
        return JSONResponse({"x" * before: request.headers["authorization"]})

    with running(Starlette(routes=[Route("/{path:path}", echo, methods=["POST"])])) as other:
        settings = read(
            tmp_path,
            port=other.port,
            openrouter_api_key="sk-or-v1-x",
            caller_keys="anna:canary-key-of-anna",
        )
        told = found(settings)["server"].told
    assert before or "Bearer [removed]" in told
    assert "can" not in told
