"""A cap of one request's cost in front of the simulated OpenRouter."""

import json
from decimal import Decimal
from typing import Any

import pytest

from app.simulator import create_simulator
from tests.conftest import StartProxy
from tests.running import running

CODER = "qwen/qwen3-coder"
HELLO = [{"role": "user", "content": "hi"}]


def policy(cap: str, more: str = "") -> str:
    return f"""\
version: 1
rules:
  - name: frugal
    models: ["*"]
    max_request_usd: {cap}
{more}"""


PATHS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("/v1/chat/completions", {"messages": HELLO}, "max_tokens"),
    ("/v1/responses", {"input": "hi"}, "max_output_tokens"),
    ("/v1/messages", {"messages": HELLO}, "max_tokens"),
)


@pytest.mark.parametrize(("path", "asks", "word"), PATHS)
async def test_a_dear_request_is_refused_before_anything_is_sent(
    start_proxy: StartProxy, path: str, asks: dict[str, Any], word: str
) -> None:
    app = create_simulator(pace=0)
    with running(app) as openrouter:
        proxy = start_proxy(policy("0.01"), upstream_url=f"{openrouter.url}/api/v1")
        body = {"model": CODER, **asks, word: 30_000}
        reply = await proxy.client.post(proxy.url + path, json=body)
        assert reply.status_code == 402
        error = reply.json()["error"]
        assert error["code"] == "request_too_expensive"
        if path == "/v1/messages":
            assert (reply.json()["type"], error["type"]) == ("error", "billing_error")
        assert 'rule "frugal" (' in error["message"]
        assert ":5) allows $0.01 for one request" in error["message"]
        assert f"set `{word}` to " in error["message"]
        assert list(app.state.router.requests) == []
        (receipt,) = await proxy.receipts(1)
        assert (receipt["ending"], receipt["error_code"]) == ("refused", "request_too_expensive")


@pytest.mark.parametrize(("path", "asks", "word"), PATHS)
async def test_clamp_limits_the_answer_and_the_receipt_says_so(
    start_proxy: StartProxy, path: str, asks: dict[str, Any], word: str
) -> None:
    app = create_simulator(pace=0)
    with running(app) as openrouter:
        proxy = start_proxy(
            policy("{usd: 0.01, clamp: true}"), upstream_url=f"{openrouter.url}/api/v1"
        )
        body = {"model": CODER, **asks, word: 30_000}
        reply = await proxy.client.post(proxy.url + path, json=body)
        assert reply.status_code == 200
        ((_, _, raw),) = app.state.router.requests
        arrived = json.loads(raw)
        assert 100 < arrived[word] < 30_000
        assert {**arrived, word: 30_000} == body
        (receipt,) = await proxy.receipts(1)
        (lost,) = receipt["overruled"]
        assert (lost["field"], lost["asked"], lost["sent"]) == (word, 30_000, arrived[word])
        assert lost["rule"] == "frugal"
        assert Decimal(str(receipt["cost_usd"])) <= Decimal("0.01")


async def test_a_dry_run_shows_the_figures(start_proxy: StartProxy) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        proxy = start_proxy(
            policy("{usd: 0.01, clamp: true}"), upstream_url=f"{openrouter.url}/api/v1"
        )
        url, asked = f"{proxy.url}/v1/chat/completions", {"model": CODER, "messages": HELLO}
        dry = {"x-pointsman-dry-run": "1"}
        told = (await proxy.client.post(url, json=asked, headers=dry)).json()
        within = told["max_request"]
        assert (within["usd"], within["clamp"], within["from"]["line"]) == (0.01, True, 5)
        assert within["at_most"]["usd"] <= 0.01
        assert within["limit"] == within["at_most"]["output_tokens"]
        assert [each["field"] for each in told["overruled"]] == ["max_tokens"]
        (field,) = [each for each in told["fields"] if each["field"] == "max_tokens"]
        assert field["from"][0]["key"] == "max_request_usd"
        told = (await proxy.client.post(url, json={**asked, "n": 99_999}, headers=dry)).json()
        assert told["refused"]["code"] == "request_too_expensive"
        assert told["max_request"]["at_most"] is None


async def test_what_has_no_price_is_refused(start_proxy: StartProxy) -> None:
    app = create_simulator(pace=0)
    with running(app) as openrouter:
        proxy = start_proxy(policy("5"), upstream_url=f"{openrouter.url}/api/v1")
        for model in ("openrouter/auto", "acme/no-such-model"):
            asked = {"model": model, "messages": HELLO}
            reply = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=asked)
            assert reply.status_code == 402
            assert reply.json()["error"]["code"] == "request_cost_unknown"
        asked = {"model": CODER, "messages": HELLO, "tools": [{"type": "openrouter:web_search"}]}
        reply = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=asked)
        assert "stop_server_tools_when" in reply.json()["error"]["message"]
        assert list(app.state.router.requests) == []


async def test_a_bound_for_tools_in_the_rule_reaches_openrouter(start_proxy: StartProxy) -> None:
    app = create_simulator(pace=0)
    more = "    set: {stop_server_tools_when: [{type: max_cost, max_cost_in_dollars: 0.5}]}\n"
    with running(app) as openrouter:
        proxy = start_proxy(policy("2", more), upstream_url=f"{openrouter.url}/api/v1")
        asked = {"model": CODER, "messages": HELLO, "tools": [{"type": "openrouter:web_search"}]}
        reply = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=asked)
        assert reply.status_code == 200
        ((_, _, raw),) = app.state.router.requests
        stop = [{"type": "max_cost", "max_cost_in_dollars": 0.5}]
        assert json.loads(raw)["stop_server_tools_when"] == stop
