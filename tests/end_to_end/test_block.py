"""`on_violation: block`: a caller sees nothing of an answer that breaks the policy."""

import asyncio
import time
from typing import Any

import pytest

from tests.conftest import StartProxy
from tests.scripted_upstream import Close, Pause, ScriptedUpstream, reply, sse

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": [{"role": "user", "content": "hi"}]}
COMMENT = b": OPENROUTER PROCESSING\n\n"
DONE = b"data: [DONE]\n\n"


def policy(on_violation: str, only: str = "novita") -> str:
    rule = f"{{name: r, models: ['*'], only: [{only}], on_violation: {on_violation}}}"
    return f"version: 1\nrules:\n  - {rule}\n"


def frame(provider: str | None, text: str = "secret") -> bytes:
    named = f'"provider":"{provider}",' if provider else ""
    return b'data: {%b"choices":[{"delta":{"content":"%b"}}]}\n\n' % (named.encode(), text.encode())


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_who_is_outside_the_policy_is_not_heard(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, path: str, *, streamed: bool
) -> None:
    openrouter.plays(
        sse(COMMENT, frame("DeepInfra"), Pause(5), DONE)
        if streamed
        else reply(b'{"provider":"DeepInfra","choices":[],"text":"secret"}')
    )
    proxy = start_proxy(policy("block"), upstream_url=openrouter.url)
    began = time.monotonic()
    answer = await proxy.client.post(proxy.url + path, json={**ASK, "stream": streamed})
    assert time.monotonic() - began < 2
    assert answer.status_code == 502
    error = answer.json()["error"]
    assert error["code"] == "policy_broken"
    assert "test.yaml:3" in error["message"]
    assert "DeepInfra" in error["message"]
    assert ("request_id" in answer.json()) is (path == MESSAGES)
    assert "secret" not in answer.text
    receipt = await proxy.only_receipt()
    assert (receipt["verdict"], receipt["ending"], receipt["status"]) == ("broken", "refused", 502)
    if streamed:
        assert await openrouter.saw_hangup()


@pytest.mark.parametrize("on_violation", ["block", "block_unproven"])
async def test_who_is_inside_is_passed_on_byte_for_byte(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, on_violation: str
) -> None:
    pieces = (COMMENT, frame("Novita"), Pause(0.05), frame("Novita", "more"), COMMENT, DONE)
    openrouter.plays(sse(*pieces), reply(b'{"provider": "Novita", "n": 1.0}'))
    proxy = start_proxy(policy(on_violation), upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": True})
    assert answer.content == b"".join(piece for piece in pieces if isinstance(piece, bytes))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert answer.content == b'{"provider": "Novita", "n": 1.0}'
    assert {receipt["verdict"] for receipt in await proxy.receipts(2)} == {"kept"}


async def test_nothing_comes_before_it_is_known_who_serves(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(COMMENT, Pause(0.4), frame("Novita"), Pause(0.4), DONE))
    proxy = start_proxy(policy("block"), upstream_url=openrouter.url)
    began, arrivals = time.monotonic(), []
    ask = {**ASK, "stream": True}
    async with proxy.client.stream("POST", proxy.url + CHAT, json=ask) as answer:
        head = time.monotonic() - began
        async for _ in answer.aiter_raw():
            arrivals.append(time.monotonic() - began)  # noqa: PERF401 - the moments are the point
    assert 0.35 < head < 0.75
    assert 0.35 < arrivals[0] < 0.75 < arrivals[-1]


@pytest.mark.parametrize(("on_violation", "status"), [("block", 200), ("block_unproven", 502)])
@pytest.mark.parametrize("streamed", [True, False])
async def test_what_can_not_be_proven_is_held_back_only_where_proof_is_asked_for(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    on_violation: str,
    status: int,
    *,
    streamed: bool,
) -> None:
    openrouter.plays(sse(frame(None), DONE) if streamed else reply(b'{"choices":[]}'))
    proxy = start_proxy(policy(on_violation), upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": streamed})
    assert answer.status_code == status
    if status == 502:
        assert answer.json()["error"]["code"] == "policy_unproven"
    assert (await proxy.only_receipt())["verdict"] == "unproven"


async def test_upstreams_own_errors_pass(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    body = b'{"error": {"message": "slow down", "code": 429}}'
    openrouter.plays(reply(body, status=429, Retry_After="7"))
    proxy = start_proxy(policy("block_unproven"), upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert (answer.status_code, answer.content) == (429, body)
    assert answer.headers["retry-after"] == "7"


async def test_an_answer_that_is_cut_before_it_is_known_is_a_502(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(COMMENT, Pause(0.05), Close))
    proxy = start_proxy(policy("block"), upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": True})
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_cut")
    assert (await proxy.only_receipt())["ending"] == "upstream_cut"


async def test_a_caller_who_leaves_while_nothing_has_come_ends_the_request(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(COMMENT, Pause(5), frame("Novita"), DONE))
    proxy = start_proxy(policy("block"), upstream_url=openrouter.url)
    asking = asyncio.create_task(proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": True}))
    await asyncio.sleep(0.2)
    asking.cancel()
    assert await openrouter.saw_hangup()
    assert (await proxy.only_receipt())["ending"] == "caller_left"


async def test_an_answer_too_large_to_be_held_is_not_passed(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(*[frame(None, "x" * 5_000)] * 10, DONE))
    proxy = start_proxy(policy("block"), upstream_url=openrouter.url, max_body_mb=0.02)
    answer = await proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": True})
    assert answer.status_code == 502
    assert "POINTSMAN_MAX_BODY_MB" in answer.json()["error"]["message"]
