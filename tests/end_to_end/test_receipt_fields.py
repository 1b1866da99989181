"""What an answer and its request say is on the receipt, over real sockets."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Proxy
from tests.scripted_upstream import ScriptedUpstream, reply

ADDITIONS = Path(__file__).parent.parent / "fixtures/openrouter/additions"
USAGES = json.loads((ADDITIONS / "usage_all_fields.COMPOSED.json").read_bytes())
TOOLS = [{"type": "function", "function": {"name": "read"}}] * 3
CALLS = [{"id": "a", "function": {"name": "read"}}, {"id": "b", "function": {"name": "read"}}]


async def filed(
    proxy: Proxy, openrouter: ScriptedUpstream, path: str, ask: dict[str, Any], answer: Any
) -> dict[str, Any]:
    openrouter.plays(reply(json.dumps(answer).encode()))
    ask = {"model": "acme/sim-1", **ask}
    assert (await proxy.client.post(f"{proxy.url}/v1/{path}", json=ask)).status_code == 200
    return await proxy.only_receipt()


async def test_what_chat_says_and_was_asked_is_filed(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    answer = {
        "provider": "Novita",
        "service_tier": "priority",
        "choices": [
            {
                "message": {"content": None, "tool_calls": CALLS},
                "finish_reason": "tool_calls",
                "native_finish_reason": "tool_use",
            }
        ],
        "usage": USAGES["chat_byok"] | {"prompt_tokens_details": {"cache_write_tokens": 200}},
        "openrouter_metadata": {"region": "iad", "strategy": "direct"},
    }
    ask = {
        "messages": [{"role": "user", "content": "x" * 1000}],
        "tools": TOOLS,
        "max_completion_tokens": 4096,
        "response_format": {"type": "json_schema", "json_schema": {}},
        "modalities": ["text", "image"],
    }
    receipt = await filed(proxy, openrouter, "chat/completions", ask, answer)
    shown = {
        "native_finish_reason": "tool_use",
        "service_tier": "priority",
        "region": "iad",
        "cache_write_tokens": 200,
        "is_byok": True,
        "cost_usd": 0.0001,
        "upstream_cost_usd": 0.0021,
        "unread": None,
        "tool_calls": 2,
        "defects": ["tool_call_not_json"],
        "max_tokens_asked": 4096,
        "tools_offered": 3,
        "response_format": "json_schema",
        "modalities": ["text", "image"],
        "ending": "complete",
    }
    assert {name: receipt[name] for name in shown} == shown
    assert 250 < receipt["context_tokens"] < 350


@pytest.mark.parametrize(
    ("path", "name", "answer"),
    [
        ("responses", "responses", {"status": "completed", "output": [{"type": "function_call"}]}),
        ("messages", "messages", {"stop_reason": "tool_use", "content": [{"type": "tool_use"}]}),
    ],
)
async def test_what_the_other_dialects_say_is_filed(
    proxy: Proxy, openrouter: ScriptedUpstream, path: str, name: str, answer: dict[str, Any]
) -> None:
    limit = {"responses": "max_output_tokens", "messages": "max_tokens"}[name]
    ask = {limit: 77, "input": "x", "messages": []}
    receipt = await filed(proxy, openrouter, path, ask, answer | {"usage": USAGES[name]})
    shown = {
        "cache_write_tokens": 200,
        "cached_tokens": 800,
        "reasoning_tokens": 120,
        "is_byok": False,
        "upstream_cost_usd": 0.0021,
        "tool_calls": 1,
        "max_tokens_asked": 77,
        "ending": "complete",
    }
    assert {name: receipt[name] for name in shown} == shown


async def test_why_a_part_of_an_answer_was_not_read_is_filed(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"<html>", content_type="text/html"))
    await proxy.client.post(f"{proxy.url}/v1/chat/completions", json={"model": "acme/sim-1"})
    assert (await proxy.only_receipt())["unread"] == "the answer is not JSON"
