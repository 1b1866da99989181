"""Audits on the ledger decide which endpoints a request may use, in every worker."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from app.ledger.store import Store
from app.settings import Settings
from app.simulator import create_simulator
from tests.audits import MODEL as CODER
from tests.audits import compared, kept, result
from tests.conftest import StartProxy
from tests.end_to_end.test_workers import ASK, CHAT, serving
from tests.running import running
from tests.scripted_upstream import ScriptedUpstream, reply
from tests.waiting import until_seen

MODEL = "acme/sim-1"
POLICY = """\
version: 1
rules:
  - {name: sure, models: [acme/*], audited: {verdict: same, max_age: 30d}}
"""
ANSWER = {"id": "gen-1", "model": MODEL, "provider": "Novita", "choices": []}


def ledger_in(folder: Path) -> Store:
    return Store.open(Settings.read(state=folder).ledger())


def only(upstream: ScriptedUpstream) -> Any:
    """The `only` of the last request that arrived."""
    return json.loads(upstream.requests[-1].body)["provider"]["only"]


async def test_an_audit_is_in_force_within_two_seconds_and_the_receipt_names_it(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays(reply(json.dumps(ANSWER).encode()))
    ledger = ledger_in(tmp_path)
    proxy = start_proxy(POLICY, upstream_url=openrouter.url)
    refused = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ASK)
    assert refused.status_code == 403
    assert f"no endpoint of {MODEL} has been audited; run `pointsman audit {MODEL}`" in refused.text

    async def sends(*tags: str) -> bool:
        came = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ASK)
        return came.status_code == 200 and sorted(only(openrouter)) == sorted(tags)

    found = result(compared("novita/fp8", "same"), compared("groq", "same"), model=MODEL)
    kept(ledger, found, "aud_1")
    began = time.monotonic()
    await until_seen(lambda: sends("alibaba", "groq", "novita/fp8"))
    assert time.monotonic() - began < 20

    async def receipt_names_it() -> bool:
        answer = await proxy.client.get(f"{proxy.url}/pointsman/receipts?limit=1")
        (newest,) = answer.json()["receipts"]
        return any(each.startswith("audits aud_1 of 20") for each in newest["evidence"])

    await until_seen(receipt_names_it)
    drifted = result(compared("novita/fp8", "same"), compared("groq", "different"), model=MODEL)
    kept(ledger, drifted, "aud_2")
    await until_seen(lambda: sends("alibaba", "novita/fp8"))
    ledger.close()


async def test_what_is_explained_shows_the_audit_of_each_endpoint_also_without_such_a_rule(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    ledger = ledger_in(tmp_path)
    kept(ledger, result(compared("deepinfra/fp4", "different")))
    ledger.close()
    ask = {**ASK, "model": CODER}
    with running(create_simulator(pace=0)) as openrouter:
        proxy = start_proxy(upstream_url=f"{openrouter.url}/api/v1")

        async def explained() -> Any:
            answer = await proxy.client.post(f"{proxy.url}/pointsman/explain", json=ask)
            return answer.json()["funnel"]

        await until_seen(explained)
        (funnel,) = await explained()
        audits = {each["tag"]: each["verdict"] for each in funnel["audits"]}
        assert audits["deepinfra/fp4"] == "different"
        assert audits.keys() <= {*funnel["survivors"]}


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes in /proc")
async def test_another_worker_follows_as_soon(openrouter: ScriptedUpstream, tmp_path: Path) -> None:
    openrouter.plays(reply(json.dumps(ANSWER).encode()))
    async with serving(tmp_path, openrouter) as served, served.to_each() as clients:
        (tmp_path / "policies" / "test.yaml").write_text(POLICY, encoding="utf-8")

        async def status_of_all(status: int) -> bool:
            return {(await c.post(CHAT, json=ASK)).status_code for c in clients.values()} == {
                status
            }

        await until_seen(lambda: status_of_all(403))
        ledger = ledger_in(tmp_path)
        kept(ledger, result(compared("groq", "same"), model=MODEL))
        ledger.close()
        await until_seen(lambda: status_of_all(200))
        assert only(openrouter) == ["alibaba", "groq"]
