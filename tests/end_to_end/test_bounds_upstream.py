"""Nothing that upstream sends stalls, swells or fools the proxy."""

import json
import logging
import time
from typing import Any

import pytest

from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import Close, ScriptedUpstream, reply, sse

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": []}
NUMBERS = ["1e-999999999", "0e-999999999", "1e999999999", "9e15", "-1", "9" * 5000, "0." + "1" * 60]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
async def test_t61_a_cost_beyond_reason_is_not_a_cost(
    proxy: Proxy, openrouter: ScriptedUpstream, caplog: pytest.LogCaptureFixture, number: str
) -> None:
    """Written out, the first one took 4 GB, 16 seconds of the loop, and a log line of 1 GB."""
    caplog.set_level(logging.INFO)
    body = f'{{"provider":"A","usage":{{"completion_tokens":7,"cost":{number}}}}}'
    for script in (reply(body.encode()), sse(f"data: {body}\n\n".encode(), b"data: [DONE]\n\n")):
        openrouter.plays(script)
        began = time.process_time()
        answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
        assert time.process_time() - began < 2
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
    for path in ("/metrics", "/dashboard", "/dashboard/money", "/dashboard/who"):
        shown = await proxy.client.get(proxy.url + path)
        assert shown.status_code == 200, path
        assert len(shown.content) < 200_000


ODD_ANSWERS = {
    "204 with a length": (b"HTTP/1.1 204 X\r\nContent-Length: 9\r\n\r\n", 204, b""),
    "204 with a body": (b"HTTP/1.1 204 X\r\nContent-Length: 2\r\n\r\nok", 204, b""),
    "204 with chunks": (
        b"HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        204,
        b"",
    ),
    "304 with a length": (b"HTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n", 304, b""),
    "205 with a body": (b"HTTP/1.1 205 X\r\nContent-Length: 2\r\n\r\nok", 205, b"ok"),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "a status without a name": (b"HTTP/1.1 299 X\r\nContent-Length: 2\r\n\r\nok", 299, b"ok"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "headers of odd bytes": (
        b"HTTP/1.1 200 OK\r\nX-Odd: \xff\xe9\r\nContent-Type: \xff\r\nContent-Length: 2\r\n\r\nok",
        200,
        b"ok",
    ),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
        502,
        None,
    ),
    **{
        f"status {status}": (f"HTTP/1.1 {status} X\r\n\r\nok".encode(), 502, None)
        for status in ("099", "101", "600", "999", "1000")
    },
    "a folded header": (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", 502, None),
    "a control character": (b"HTTP/1.1 200 OK\r\nX: \x07\r\n\r\n", 502, None),
    "interim answers without end": (b"HTTP/1.1 103 X\r\n\r\n" * 1000, 502, None),
    "a page of a web server": (b"<html>400 Bad Request: speak TLS</html>", 502, None),
}


@pytest.mark.parametrize("transport", ["lean", "httpx"])
@pytest.mark.parametrize("odd", ODD_ANSWERS)
async def test_an_odd_answer_is_passed_on_or_a_502_that_says_why(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    caplog: pytest.LogCaptureFixture,
    odd: str,
    transport: str,
) -> None:
    script, status, body = ODD_ANSWERS[odd]
    proxy = start_proxy(upstream_url=openrouter.url, transport=transport)
    for path, method in ((CHAT, "POST"), ("/v1/files", "GET")):
        openrouter.plays((script, Close))
        answer = await proxy.client.request(method, proxy.url + path, json=ASK)
        assert answer.status_code == status
        if body is None:
            assert answer.json()["error"]["code"] == "upstream_garbage"
        else:
            assert answer.content == body
    receipt = await proxy.only_receipt()
    assert receipt["status"] == status
    assert receipt["error_code"] in {None, "upstream_garbage"}
    assert not [record for record in caplog.records if record.exc_info]


async def test_upstream_can_not_speak_for_us(proxy: Proxy, openrouter: ScriptedUpstream) -> None:
    openrouter.plays(reply(b"{}", X_Pointsman_Receipt="rcp_forged", X_Pointsman_Book="forged"))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
    receipt = await proxy.only_receipt()
    assert answer.headers.get_list("x-pointsman-receipt") == [receipt["id"]]
    assert answer.headers.get_list("x-pointsman-book") == [receipt["book"]]


async def test_the_headers_we_add_stay_short(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    """Many clients refuse an answer whose headers have more than 8 kB, or one of 4 kB."""
    caplog.set_level(logging.INFO)
    rules = "".join(
        f"  - {{name: 'rule № {number}', models: ['*'], set: {{f{number}: 1}}}}\n"
        for number in range(800)
    )
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(f"version: 1\nrules:\n{rules}", upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
    named = answer.headers["x-pointsman-rule"]
    assert named.startswith("rule ? 799, rule ? 798, ")
    assert named.endswith("more")
    assert len(named) < 1050
    assert len((await proxy.only_receipt())["rules"]) == 800  # a budget counts for each of them
    assert max(len(record.getMessage()) for record in caplog.records) < 2000
