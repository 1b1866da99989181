"""`on_violation: block`: a caller sees nothing of an answer that breaks the policy."""

import asyncio
import json
import os
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.openrouter.catalog_copies import CatalogCopies
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
        sse(COMMENT, frame("DeepInfra"), Pause(90), DONE)
        if streamed
        else reply(b'{"provider":"DeepInfra","choices":[],"text":"secret"}')
    )
    proxy = start_proxy(policy("block"), upstream_url=openrouter.url)
    began = time.monotonic()
    answer = await proxy.client.post(proxy.url + path, json={**ASK, "stream": streamed})
    assert time.monotonic() - began < 60
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
    await openrouter.was_asked()
    await asyncio.sleep(0.05)  # at once, it would be one that closes its own direction only
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


# --- what only the end of an answer tells -----------------------------------------------------


def a_rule(**wanted: Any) -> str:
    return json.dumps({"version": 1, "rules": [{"name": "r", "models": ["*"], **wanted}]})


def row(tag: str, provider: str, price: str, quantization: str = "fp8") -> dict[str, Any]:
    pricing = {"prompt": price, "completion": price}
    return {
        "tag": tag,
        "provider_name": provider,
        "quantization": quantization,
        "pricing": pricing,
    }


def last(**usage: Any) -> bytes:
    tokens = {"prompt_tokens": 100, "completion_tokens": 10}
    event = {"provider": "Together", "choices": [], "usage": {**tokens, **usage}}
    return b"data: %b\n\n" % json.dumps(event).encode()


STRICT = {"order": ["novita"], "allow_fallbacks": False}


@pytest.mark.parametrize(
    ("on_violation", "is_byok", "status", "verdict"),
    [
        ("block", False, 502, "broken"),
        ("block", True, 200, "unproven"),
        ("block", None, 200, "unproven"),
        ("block_unproven", False, 502, "broken"),
        ("block_unproven", True, 502, "unproven"),
    ],
)
async def test_t48_an_answer_from_outside_of_a_strict_order_waits_for_the_key_it_was_made_with(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    on_violation: str,
    status: int,
    verdict: str,
    *,
    is_byok: bool | None,
) -> None:
    end = last() if is_byok is None else last(is_byok=is_byok)
    pieces = (COMMENT, frame("Together"), frame("Together"), end, DONE)
    openrouter.plays(sse(*pieces))
    proxy = start_proxy(a_rule(**STRICT, on_violation=on_violation), upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": True})
    assert answer.status_code == status
    assert ("secret" in answer.text) == (status == 200)
    if status == 200:
        assert answer.content == b"".join(pieces)
    assert (await proxy.only_receipt())["verdict"] == verdict


@pytest.mark.parametrize(
    ("price", "status", "verdict"), [("0.000001", 200, "kept"), ("0.000003", 502, "broken")]
)
async def test_a_price_that_only_the_bill_shows_is_waited_for(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, price: str, status: int, verdict: str
) -> None:
    openrouter.lists(
        "acme/sim-1",
        [row("together", "Together", "0.000001"), row("together/fast", "Together", "0.000003")],
    )
    costs = {
        "upstream_inference_prompt_cost": float(Decimal(price) * 100),
        "upstream_inference_completions_cost": float(Decimal(price) * 10),
    }
    pieces = (frame("Together"), last(is_byok=False, cost_details=costs), DONE)
    openrouter.plays(sse(*pieces))
    policy = a_rule(max_price={"prompt": 2, "completion": 2}, on_violation="block")
    proxy = start_proxy(policy, upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": True})
    assert (answer.status_code, "secret" in answer.text) == (status, status == 200)
    assert (await proxy.only_receipt())["verdict"] == verdict


async def test_an_answer_that_needs_no_bill_is_not_kept_to_its_end(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.lists("acme/sim-1", [row("novita", "Novita", "0.000001")])
    openrouter.plays(sse(frame("Novita"), Pause(90), DONE))
    policy = a_rule(max_price={"prompt": 2, "completion": 2}, on_violation="block")
    proxy = start_proxy(policy, upstream_url=openrouter.url)
    ask = {**ASK, "stream": True}
    began = time.monotonic()
    async with proxy.client.stream("POST", proxy.url + CHAT, json=ask) as answer:
        async for _ in answer.aiter_raw():
            break
    assert time.monotonic() - began < 60


IN_A_200 = {
    CHAT: (
        b'{"error": {"code": 429, "message": "slow down"}, "user_id": "u"}',
        b'data: {"error": {"code": 429, "message": "slow down"}}\n\n',
    ),
    RESPONSES: (
        b'{"id": "gen-1", "status": "failed", "error": {"code": "server_error", "message": "x"}}',
        b'data: {"type": "response.failed", "response": {"error": {"code": "server_error"}}}\n\n',
    ),
    MESSAGES: (
        b'{"type": "error", "error": {"type": "overloaded_error", "message": "slow down"}}',
        b'event: error\ndata: {"type": "error", "error": {"type": "api_error"}}\n\n',
    ),
}


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("path", IN_A_200)
async def test_t51_an_error_inside_a_200_passes_as_it_came(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, path: str, *, streamed: bool
) -> None:
    body, event = IN_A_200[path]
    openrouter.plays(sse(COMMENT, event, DONE) if streamed else reply(body))
    proxy = start_proxy(policy("block_unproven"), upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + path, json={**ASK, "stream": streamed})
    assert answer.status_code == 200
    assert answer.content == (COMMENT + event + DONE if streamed else body)
    receipt = await proxy.only_receipt()
    assert (receipt["verdict"], receipt["ending"]) == (None, "upstream_error")
    assert receipt["error_code"] in {"429", "server_error", "overloaded_error", "api_error"}


# --- a listing that has changed ---------------------------------------------------------------


def remember(state: Path, upstream: str, rows: list[dict[str, Any]], *, age: float) -> None:
    """A listing that an earlier run has fetched."""
    copies = CatalogCopies(state / "catalog", upstream)
    copies.write("/models/acme/sim-1/endpoints", json.dumps({"data": {"endpoints": rows}}).encode())
    for file in state.rglob("catalog/*/*.json"):
        os.utime(file, (time.time() - age, time.time() - age))


@pytest.mark.parametrize(
    ("now_listed", "on_violation", "status", "verdict"),
    [
        ("fp8", "block", 200, "kept"),
        ("int4", "block", 502, "broken"),
        (None, "block", 200, "unproven"),
        ("fp8", "log", 200, "kept"),
        ("int4", "log", 200, "broken"),
        (None, "log", 200, "unproven"),
    ],
)
async def test_a_label_is_looked_up_again_before_anybody_is_accused_by_it(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    tmp_path: Path,
    *,
    now_listed: str | None,
    on_violation: str,
    status: int,
    verdict: str,
) -> None:
    remember(tmp_path, openrouter.url, [row("novita", "Novita", "1", "fp4")], age=600)
    if now_listed is not None:
        openrouter.lists("acme/sim-1", [row("novita", "Novita", "1", now_listed)])
    openrouter.plays(reply(b'{"provider": "Novita", "choices": []}'))
    rule = a_rule(quantization_floor="fp8", on_violation=on_violation)
    proxy = start_proxy(rule, upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert answer.status_code == status
    receipt = await proxy.only_receipt()
    assert receipt["verdict"] == verdict
    if verdict == "unproven":
        assert (
            "the listing is older than the request and could not be refreshed" in receipt["reason"]
        )


async def test_t51_an_answer_behind_an_error_is_held_back_like_any_other(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    error = b'data: {"provider":"Chutes","error":{"code":502,"message":"x"},"choices":[]}\n\n'
    openrouter.plays(sse(error, Pause(0.05), frame("Chutes"), DONE))
    proxy = start_proxy(policy("block"), upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": True})
    assert (answer.status_code, b"secret" in answer.content) == (502, False)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (CHAT, b'"choices":[{"message":{"content":"secret"}}]'),
        (RESPONSES, b'"output":[{"type":"message","content":[{"text":"secret"}]}]'),
        (MESSAGES, b'"content":[{"type":"text","text":"secret"}]'),
    ],
)
async def test_t51_content_beside_an_error_in_a_body_is_an_answer(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, path: str, content: bytes
) -> None:
    error = b'"error":{"code":502,"message":"x"}'
    openrouter.plays(reply(b'{"provider":"Chutes",%b,%b}' % (error, content)))
    proxy = start_proxy(policy("block"), upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + path, json=ASK)
    assert (answer.status_code, b"secret" in answer.content) == (502, False)
