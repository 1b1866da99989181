"""`/metrics`, as a Prometheus on a real socket scrapes it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.openrouter.catalog_feed import CatalogFeed
from app.record.conversations import Conversations
from app.record.exchange import Asked
from app.record.recorder import Recorder
from app.server.process import Traffic
from app.telemetry.tallies import Tallies
from app.telemetry.telemetry import Telemetry
from tests.budget.accounts import NO_BUDGETS
from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import Pause, ScriptedUpstream, reply, sse
from tests.telemetry.exposed import values

CHAT = "/v1/chat/completions"
POLICY = """\
version: 1
rules:
  - {name: r, models: ["acme/sim-1"], ignore: [deepinfra]}
aliases:
  fast: {model: acme/sim-1}
"""
ANSWER = (
    b'{"id":"g","model":"acme/sim-1","provider":"Novita",'
    b'"choices":[{"message":{"content":"x"}}],"usage":{"cost":0.5}}'
)


def ask(model: str = "acme/sim-1") -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "hi"}]}


async def scrape(proxy: Proxy) -> dict[str, dict[tuple[str, ...], float]]:
    """Values by name and then by the values of their labels, in the labels' order."""
    answer = await proxy.client.get(f"{proxy.url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for (name, labels), value in values(answer.text).items():
        told = tuple(label for _, label in sorted(labels))
        found.setdefault(name, {})[told] = value
    return found


async def test_what_was_served_is_scraped_a_moment_later(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(POLICY, upstream_url=openrouter.url)
    openrouter.plays(reply(ANSWER))
    for model in ("acme/sim-1", "fast", "Acme/Sim-1:nitro", "somebody/else"):
        await proxy.client.post(proxy.url + CHAT, json=ask(model))
    await proxy.client.post(proxy.url + CHAT, json={**ask(), "provider": {"only": ["deepinfra"]}})
    await proxy.receipts(5)
    found = await scrape(proxy)
    assert found["pointsman_requests_total"] == {
        ("chat", "complete", "acme/sim-1", "novita", "2xx", "kept"): 3,
        ("chat", "complete", "other", "novita", "2xx", "none"): 1,
        ("chat", "refused", "acme/sim-1", "none", "4xx", "none"): 1,
    }
    assert found["pointsman_cost_usd_total"]["acme/sim-1", "novita"] == 1.5
    assert found["pointsman_verdicts_total"] == {("r", "kept"): 3}
    assert found["pointsman_refusals_total"] == {("policy_conflict",): 1}
    assert found["pointsman_request_duration_seconds_count"]["acme/sim-1", "novita"] == 3
    assert found["pointsman_open_requests"] == {(): 0}
    assert found["pointsman_ledger_up"] == {(): 1}
    assert found["pointsman_book_rules"] == {(): 1}


async def test_a_stream_is_open_until_its_caller_has_left(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(POLICY, upstream_url=openrouter.url)
    token = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
    openrouter.plays(sse(token, Pause(30), b"data: [DONE]\n\n"))
    body = {**ask(), "stream": True}
    async with proxy.client.stream("POST", proxy.url + CHAT, json=body) as answer:
        chunks = answer.aiter_raw()
        await anext(chunks)
        during = await scrape(proxy)
    assert during["pointsman_open_streams"] == {(): 1}
    assert during["pointsman_open_requests"] == {(): 1}
    await proxy.receipts(1)
    after = await scrape(proxy)
    assert after["pointsman_open_streams"] == {(): 0}
    assert after["pointsman_time_to_first_token_seconds_count"]["acme/sim-1", "none"] == 1


async def test_policies_that_can_not_be_used_are_counted(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    proxy = start_proxy(POLICY, upstream_url=openrouter.url)
    before = found = await scrape(proxy)
    (tmp_path / "policies" / "test.yaml").write_text("version: 2\n", encoding="utf-8")
    for _ in range(100):
        found = await scrape(proxy)
        if found["pointsman_book_reload_failures_total"][()]:
            break
        await asyncio.sleep(0.05)
    assert found["pointsman_book_reload_failures_total"] == {(): 1}
    assert found["pointsman_book_problems"][()] >= 1
    assert found["pointsman_book_info"] == before["pointsman_book_info"]


async def test_with_caller_keys_set_a_scrape_shows_one(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, caller_keys="prometheus:s3cret")
    url = f"{proxy.url}/metrics"
    assert (await proxy.client.get(url)).status_code == 401
    shown = await proxy.client.get(url, headers={"authorization": "Bearer s3cret"})
    assert shown.status_code == 200
    assert "s3cret" not in shown.text
    assert (await proxy.client.post(url, headers={"x-api-key": "s3cret"})).status_code == 405


async def test_no_caller_can_make_the_metrics_grow(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(POLICY, upstream_url=openrouter.url)
    openrouter.plays(reply(b'{"error":{"message":"no","code":400}}', status=400))
    for number in range(30):
        agent = {"user-agent": f"agent-{number}", "x-session-id": f"session-{number}"}
        await proxy.client.post(proxy.url + CHAT, json=ask(f"a{number}/b"), headers=agent)
    await proxy.receipts(30)
    assert (await scrape(proxy))["pointsman_requests_total"] == {
        ("chat", "upstream_error", "other", "none", "4xx", "none"): 30
    }


async def test_metrics_in_trouble_cost_no_receipt(caplog: pytest.LogCaptureFixture) -> None:
    def trouble(_: str) -> str | None:
        raise RuntimeError("no label")

    async def nobody(_: str) -> tuple[int, bytes]:
        return 404, b""

    filed: list[Any] = []
    telemetry = Telemetry(Tallies(trouble))
    recorder = Recorder(
        feed=CatalogFeed(nobody),
        submit=lambda receipt, _: filed.append(receipt),
        telemetry=telemetry,
        traffic=Traffic(),
        conversations=Conversations(idle=600.0),
        accounts=NO_BUDGETS,
    )
    scope = {"type": "http", "path": "/v1/files", "headers": []}

    async def send(_: object) -> None:
        raise AssertionError("nothing is answered here")

    async with recorder.exchange(scope, send, None) as exchange:
        exchange.asked = Asked(model="acme/sim-1")
    await recorder.close()
    assert [receipt.model_asked for receipt in filed] == ["acme/sim-1"]
    assert "missing from the metrics" in caplog.text
