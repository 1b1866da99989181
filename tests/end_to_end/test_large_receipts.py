"""However much clients and upstream send, a receipt and its line in the log stay small."""

import json
from logging import INFO

import pytest

from app.ledger.bounds import LONGEST_TEXT, MOST_JSON, is_cut
from tests.conftest import StartProxy
from tests.scripted_upstream import ScriptedUpstream, reply
from tests.waiting import until

POLICY = """\
version: 1
rules:
  - {name: mine, models: ["*"], sort: throughput, options: {novita: {key-1: 1}}}
"""
LONG = "x" * 50_000


async def test_a_receipt_is_small_whatever_was_asked_for(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = start_proxy(POLICY, upstream_url=openrouter.url)
    openrouter.plays(
        reply(json.dumps({"error": {"code": 400, "message": LONG}}).encode(), status=400)
    )
    wide = {f"key-{number}": LONG[:100] for number in range(900)}
    body = {
        "model": "a/b",
        "messages": [],
        "provider": {"options": {"novita": wide, "groq": wide}, "sort": "price"},
    }
    with caplog.at_level(INFO, logger="pointsman"):
        answer = await proxy.client.post(
            f"{proxy.url}/v1/chat/completions",
            content=json.dumps(body),
            headers={"content-type": "application/json", "user-agent": LONG[:5000]},
        )
        assert answer.status_code == 400
        receipt = await proxy.only_receipt()
        await until(lambda: receipt["id"] in caplog.text)  # its line is written a little later
    assert openrouter.only_request.json["provider"]["options"]["groq"] == wide  # sent as it came
    assert len(json.dumps(receipt)) < 4 * MOST_JSON
    assert receipt["error_message"] == LONG[: len(receipt["error_message"])]
    assert len(receipt["error_message"]) <= LONGEST_TEXT
    assert is_cut(receipt["preferences_sent"])
    assert is_cut(receipt["overruled"])
    assert max(len(record.getMessage()) for record in caplog.records) < 2_000
