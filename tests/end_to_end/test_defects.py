"""Defects of answers are named on receipts, in every dialect; nothing else is kept of an answer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.simulator import create_simulator
from tests.conftest import Proxy, StartProxy
from tests.running import running

TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SAYS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "messages": [{"role": "user", "content": "the weather in Paris"}],
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": TOOL}}],
    },
    "/v1/responses": {
        "input": "the weather in Paris",
        "tools": [{"type": "function", "name": "weather", "parameters": TOOL}],
    },
    "/v1/messages": {
        "messages": [{"role": "user", "content": "the weather in Paris"}],
        "tools": [{"name": "weather", "input_schema": TOOL}],
        "max_tokens": 500,
    },
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with running(create_simulator(pace=0.0, seed=1)) as server:
        yield f"{server.url}/api/v1"


async def defects_of(
    proxy: Proxy,
    path: str,
    flaw: str | None,
    *,
    stream: bool,
    count: int = 1,
    tools: bool = True,
) -> dict[str, Any]:
    headers = {"x-openrouter-simulate": json.dumps({"defects": [flaw] if flaw else []})}
    body = {"model": "qwen/qwen3-coder", "stream": stream, **SAYS[path]}
    if not tools:
        del body["tools"]
    answer = await proxy.client.post(proxy.url + path, json=body, headers=headers)
    assert answer.status_code == 200
    return (await proxy.receipts(count))[0]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", SAYS)
@pytest.mark.parametrize(
    "flaw",
    [
        "tool_call_not_json",
        "tool_call_unknown_tool",
        "tool_call_off_schema",
        "tool_call_as_text",
        "empty",
    ],
)
async def test_a_defect_is_named_on_the_receipt(
    start_proxy: StartProxy, upstream: str, path: str, flaw: str, stream: object
) -> None:
    proxy = start_proxy(upstream_url=upstream)
    receipt = await defects_of(proxy, path, flaw, stream=bool(stream))
    assert receipt["defects"] == [flaw]
    clean = await defects_of(proxy, path, None, stream=bool(stream), count=2)
    assert clean["defects"] == []


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", SAYS)
@pytest.mark.parametrize("flaw", ["undecoded_bytes", "reasoning_as_text", "repetition"])
async def test_a_defect_of_a_text_is_named_on_the_receipt(
    start_proxy: StartProxy, upstream: str, path: str, flaw: str, stream: object
) -> None:
    proxy = start_proxy(upstream_url=upstream)
    receipt = await defects_of(proxy, path, flaw, stream=bool(stream), tools=False)
    assert flaw in receipt["defects"]
    assert receipt["tool_calls"] == 0


async def test_defects_can_be_switched_off(start_proxy: StartProxy, upstream: str) -> None:
    proxy = start_proxy(upstream_url=upstream, defects=False)
    receipt = await defects_of(proxy, "/v1/chat/completions", "tool_call_not_json", stream=True)
    assert receipt["defects"] == []
