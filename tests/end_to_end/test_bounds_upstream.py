"""Nothing that upstream sends stalls, swells or fools the proxy."""

import json
import logging
import time
from typing import Any

import pytest

from tests.conftest import Proxy
from tests.scripted_upstream import ScriptedUpstream, reply, sse

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": []}
NUMBERS = ["1e-999999999", "0e-999999999", "1e999999999", "9e15", "-1", "9" * 5000, "0." + "1" * 60]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
async def test_t61_a_cost_beyond_reason_is_not_a_cost(
    proxy: Proxy, openrouter: ScriptedUpstream, caplog: pytest.LogCaptureFixture, number: str
) -> None:
    """Written out, the first one took 4 GB, 16 seconds of the loop, and a log line of 1 GB."""
    caplog.set_level(logging.INFO)
    body = '{"provider":"A","usage":{"completion_tokens":7,"cost":%s}}' % number
    for script in (reply(body.encode()), sse(f"data: {body}\n\n".encode(), b"data: [DONE]\n\n")):
        openrouter.plays(script)
        began = time.perf_counter()
        answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
        assert time.perf_counter() - began < 2
        assert number.encode() in answer.content
    for receipt in await proxy.receipts(2):
        assert (receipt["cost_usd"], receipt["completion_tokens"]) == (None, 7)
    stats = (await proxy.client.get(f"{proxy.url}/pointsman/stats")).json()["total"]
    assert (stats["requests"], stats["cost_usd"]) == (2, 0)
    assert (await proxy.client.get(f"{proxy.url}/metrics")).status_code == 200
    assert max(len(record.getMessage()) for record in caplog.records) < 2000


async def test_t61_the_dearest_answer_is_stored_shown_and_added_up(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    usage = {"prompt_tokens": 2**53 - 1, "completion_tokens": 2**53 - 1, "cost": 999999.999999}
    openrouter.plays(reply(json.dumps({"provider": "A", "usage": usage}).encode()))
    for _ in range(12):  # together they are more than a column of the ledger takes
        await proxy.client.post(proxy.url + CHAT, json=ASK)
    receipts = await proxy.receipts(12)
    assert {receipt["cost_usd"] for receipt in receipts} == {999999.999999}
    answer = await proxy.client.get(f"{proxy.url}/pointsman/stats")
    assert answer.json()["total"]["requests"] == 12
    for path in ("/metrics", "/dashboard", "/dashboard/money"):
        shown = await proxy.client.get(proxy.url + path)
        assert shown.status_code in {200, 404}, path
        assert len(shown.content) < 200_000
