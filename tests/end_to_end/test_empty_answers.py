"""A 200 that is no answer passes as it came, and is filed as the failure that it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Proxy
from tests.scripted_upstream import ScriptedUpstream, reply, sse

ADDITIONS = Path(__file__).parent.parent / "fixtures/openrouter/additions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": [{"role": "user", "content": "hi"}]}
CHAT = "/v1/chat/completions"


async def failures(proxy: Proxy) -> int:
    answer = await proxy.client.get(f"{proxy.url}/pointsman/receipts?failed=true")
    return len(answer.json()["receipts"])


@pytest.mark.parametrize("name", ["network_error", "billed_reasoning_only"])
async def test_t66_an_empty_stream_passes_as_it_came_and_counts_as_failed(
    proxy: Proxy, openrouter: ScriptedUpstream, name: str
) -> None:
    stream = (ADDITIONS / f"empty_success_{name}.COMPOSED.sse").read_bytes()
    openrouter.plays(sse(stream))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK | {"stream": True})
    assert (answer.status_code, answer.content) == (200, stream)
    receipt = await proxy.only_receipt()
    assert (receipt["ending"], receipt["status"], receipt["tool_calls"]) == ("empty", 200, 0)
    assert receipt["native_finish_reason"] in {"network_error", "stop"}
    assert await failures(proxy) == 1


async def test_t66_an_empty_body_passes_as_it_came_and_counts_as_failed(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    cases = json.loads((ADDITIONS / "empty_success_nonstream.COMPOSED.json").read_bytes())["cases"]
    body = json.dumps(cases[0]["body"]).encode()
    openrouter.plays(reply(body))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert (answer.status_code, answer.content) == (200, body)
    assert (await proxy.only_receipt())["ending"] == "empty"
    assert await failures(proxy) == 1


async def test_t68_a_stream_without_its_last_word_counts_as_failed(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    event = b'data: {"id":"gen-1","choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'
    openrouter.plays(sse(event))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK | {"stream": True})
    assert (answer.status_code, answer.content) == (200, event)
    assert (await proxy.only_receipt())["ending"] == "unfinished"
    assert await failures(proxy) == 1
