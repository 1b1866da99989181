"""Asking what would be sent sends nothing, and leaves no receipt."""

import asyncio
from typing import Any

import pytest

from app.simulator import create_simulator
from tests.conftest import Proxy, StartProxy
from tests.running import running
from tests.scripted_upstream import ScriptedUpstream

POLICY = """\
version: 1
rules:
  - {name: everyone, models: ["*"], quantization_floor: fp8}
  - {name: helpers, models: ["*"], callers: [background], sort: price}
  - {name: aider, models: ["*"], user_agents: ["aider/*"], zdr: true}
  - name: review
    models: ["*"]
    headers: {x-openai-subagent: review}
    data_collection: deny
    strip_headers: [X-Stainless-*]
"""
ASK = {"model": "acme/sim-1", "messages": [{"role": "user", "content": "hi"}]}
DRY = {"x-pointsman-dry-run": "1"}


@pytest.fixture
def proxy(start_proxy: StartProxy, openrouter: ScriptedUpstream) -> Proxy:
    return start_proxy(POLICY, upstream_url=openrouter.url)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
async def test_a_dry_run_tells_what_would_be_sent(
    proxy: Proxy, openrouter: ScriptedUpstream, path: str
) -> None:
    answer = await proxy.client.post(proxy.url + path, json=ASK, headers=DRY)
    told = answer.json()
    assert answer.status_code == 200
    assert told["rules"] == ["everyone"]
    assert told["provider"]["quantizations"][0] == "fp8"
    assert not openrouter.requests
    assert not await proxy.receipts(0)


async def test_it_can_be_asked_on_behalf_of_others(proxy: Proxy) -> None:
    url = f"{proxy.url}/pointsman/explain?caller=background&user_agent=aider/1.0"
    told = (await proxy.client.post(url, json=ASK)).json()
    assert told["rules"] == ["helpers", "aider", "everyone"]
    assert (told["provider"]["sort"], told["provider"]["zdr"]) == ("price", True)


async def test_a_tool_that_asks_itself_is_taken_for_itself(proxy: Proxy) -> None:
    url, headers = f"{proxy.url}/pointsman/explain", {"user-agent": "aider/1.0"}
    told = (await proxy.client.post(url, json=ASK, headers=headers)).json()
    assert told["rules"] == ["aider", "everyone"]


@pytest.mark.parametrize(
    ("query", "own", "applies"),
    [
        ("?header=x-openai-subagent:review", "", True),
        ("?header=X-OpenAI-Subagent:%20Review&header=x-a:b:c", "compact", True),
        ("?header=x-openai-subagent:compact", "review", False),
        ("?header=x-openai-subagent", "review", False),
        ("?header=%ff%00:%ff", "review", False),
        ("", "review", True),
        ("", "compact", False),
    ],
)
async def test_it_can_be_asked_for_other_headers(
    proxy: Proxy,
    query: str,
    own: str,
    applies: bool,  # noqa: FBT001
) -> None:
    url, headers = f"{proxy.url}/pointsman/explain{query}", {"x-openai-subagent": own}
    told = (await proxy.client.post(url, json=ASK, headers=headers)).json()
    assert told["rules"] == (["review", "everyone"] if applies else ["everyone"])
    entries = [(each["header"], each["from"]["rule"]) for each in told["strip_headers"]]
    assert entries == ([("x-stainless-*", "review")] if applies else [])


async def test_a_dry_run_counts_the_requests_own_headers(proxy: Proxy) -> None:
    headers = {**DRY, "x-openai-subagent": "review"}
    answer = await proxy.client.post(f"{proxy.url}/v1/messages", json=ASK, headers=headers)
    assert answer.json()["rules"] == ["review", "everyone"]


async def test_a_refusal_is_told_and_not_enacted(proxy: Proxy) -> None:
    body = {**ASK, "provider": {"quantizations": ["fp4"]}}
    answer = await proxy.client.post(f"{proxy.url}/pointsman/explain", json=body)
    assert answer.status_code == 200
    assert answer.json()["refused"]["code"] == "policy_conflict"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [(b"{", "application/json", 400), (b"{}", "application/json", 400), (b"{}", "text/plain", 415)],
)
async def test_what_can_not_be_read_is_a_clear_error(
    proxy: Proxy, content: bytes, kind: str, status: int
) -> None:
    url, headers = f"{proxy.url}/pointsman/explain", {"content-type": kind}
    answer = await proxy.client.post(url, content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


async def test_the_funnel_is_told_where_the_endpoints_are_known(start_proxy: StartProxy) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        proxy = start_proxy(POLICY, upstream_url=f"{openrouter.url}/api/v1")
        url, ask = f"{proxy.url}/pointsman/explain", {"model": "qwen/qwen3-coder"}
        told: dict[str, Any] = {}
        for _ in range(50):
            told = (await proxy.client.post(url, json=ask)).json()
            if told["funnel"]:
                break
            await asyncio.sleep(0.05)
    (funnel,) = told["funnel"]
    assert funnel["line"].startswith(f"{funnel['endpoints']} -> fp8+ ")
    assert "novita/fp8" in funnel["survivors"]
    assert "deepinfra/fp4" not in funnel["survivors"]
