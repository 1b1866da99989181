"""Routing errors, explained over real sockets, and left alone when that is wished."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from app.policy_folder import shipped_policies
from app.simulator import create_simulator
from tests.conftest import Proxy, StartProxy
from tests.running import running
from tests.scripted_upstream import ScriptedUpstream, reply

FIXTURES = Path(__file__).parent.parent / "fixtures/openrouter/errors/error_bodies.json"
POLICY = """\
version: 1
rules:
  - {name: dear, models: ["*"], max_price: {prompt: 0.0002}}
"""
ASK: dict[str, Any] = {"model": "qwen/qwen3-coder", "messages": [{"role": "user", "content": "x"}]}
BODY = b'{"error": {"message": "No endpoints found for x.", "code": 404},  "user_id": "u"}'


@pytest.mark.parametrize("path", ["chat/completions", "messages", "responses"])
@pytest.mark.parametrize("stream", [True, False])
async def test_t13_t15_a_routing_error_names_the_line_in_every_dialect(
    start_proxy: StartProxy, path: str, *, stream: bool
) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        proxy = start_proxy(POLICY, upstream_url=f"{openrouter.url}/api/v1")
        ask = {**ASK, "input": "x", "stream": stream}
        answer = await proxy.client.post(f"{proxy.url}/v1/{path}", json=ask)
        assert answer.status_code == 404
        assert int(answer.headers["content-length"]) == len(answer.content)
        first, second = answer.json()["error"]["message"].split("\n\n", 1)
        assert first == "No endpoints found that satisfy the max price for this request"
        assert 'rule "dear"' in second
        assert "test.yaml:3) removed" in second
        assert "max_price.prompt: 0.0002 -> " in second
        receipt = await proxy.only_receipt()
    assert (receipt["ending"], receipt["status"]) == ("upstream_error", 404)
    assert receipt["error_message"] == first
    kept = receipt["explanation"]
    assert kept["step"] == "Filter by Max Price"
    assert second == f"Pointsman: {' '.join(kept['told'])}"
    assert receipt["bytes_out"] == len(answer.content)


async def asked(proxy: Proxy) -> bytes:
    answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ASK)
    assert answer.status_code == 404
    return answer.content


BODIES: list[dict[str, Any]] = json.loads(FIXTURES.read_text(encoding="utf-8"))


async def test_t12_t13_every_recorded_error_passes_byte_for_byte_when_switched_off(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(POLICY, upstream_url=openrouter.url, explain_errors=False)
    for case in BODIES:
        body = json.dumps(case["body"], indent=1).encode()
        openrouter.plays(reply(body, status=case["http_status"], Retry_After="9"))
        answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ASK)
        assert (answer.status_code, answer.content) == (case["http_status"], body), case["id"]
        assert answer.headers["retry-after"] == "9"


async def test_t12_t13_of_every_recorded_error_only_routing_404s_are_touched(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(POLICY, upstream_url=openrouter.url)
    for case in BODIES:
        body = json.dumps(case["body"], indent=1).encode()
        openrouter.plays(reply(body, status=case["http_status"]))
        answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ASK)
        assert answer.status_code == case["http_status"]
        if answer.content == body:
            assert case["http_status"] != 404 or case["id"].endswith("model_deprecated")
            continue
        told, before = answer.json(), case["body"]
        assert told["error"]["message"].startswith(before["error"]["message"] + "\n\nPointsman: ")
        told["error"]["message"] = before["error"]["message"]
        assert told == before


async def test_t13_switched_off_the_body_passes_byte_for_byte(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(BODY, status=404))
    proxy = start_proxy(POLICY, upstream_url=openrouter.url, explain_errors=False)
    assert await asked(proxy) == BODY
    assert (await proxy.only_receipt())["explanation"] is None


async def test_t13_without_a_rule_the_body_passes_byte_for_byte(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(BODY, status=404))
    assert await asked(proxy) == BODY


async def test_t13_other_404s_and_compressed_ones_pass_byte_for_byte(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    html = b"<html>not found</html>"
    long = json.dumps({"error": {"message": "No endpoints found", "x": "y" * 1_200_000}}).encode()
    openrouter.plays(
        reply(html, status=404),
        reply(b"\x1f\x8b", status=404, Content_Encoding="gzip"),
        reply(long, status=404),
        reply(BODY, status=404),
    )
    proxy = start_proxy(POLICY, upstream_url=openrouter.url)
    assert await asked(proxy) == html
    request = proxy.client.build_request("POST", f"{proxy.url}/v1/chat/completions", json=ASK)
    answer = await proxy.client.send(request, stream=True)
    assert b"".join([chunk async for chunk in answer.aiter_raw()]) == b"\x1f\x8b"
    assert await asked(proxy) == long
    assert b"Pointsman: " in await asked(proxy)


SHIPPED = (shipped_policies() / "default.yaml").read_text(encoding="utf-8")


async def told(proxy: Proxy, **fields: Any) -> str:
    """The second paragraph of the refusal, which comes once the listing is known."""
    ask = {**ASK, **fields}
    answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ask)
    assert answer.status_code == 404, answer.text
    message: str = answer.json()["error"]["message"]
    return message.split("\n\n", 1)[1]


async def test_t52_the_shipped_policy_is_not_blamed_for_the_requests_own_list(
    start_proxy: StartProxy,
) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        proxy = start_proxy(SHIPPED, upstream_url=f"{openrouter.url}/api/v1")
        model = "anthropic/claude-sonnet-4.6"
        text = await told(proxy, model=model, provider={"quantizations": ["fp8", "bf16", "fp16"]})
        assert 'rule "careful"' not in text
        assert "the request itself removed anthropic, google-vertex" in text
        assert "provider.quantizations in the request: add unknown (or remove it)" in text
        done = {"quantizations": ["fp8", "bf16", "fp16", "unknown"]}
        ask = {**ASK, "model": model, "provider": done}
        answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ask)
        assert answer.status_code == 200


async def test_t53_the_step_that_upstream_names_comes_first_and_done_as_told_it_is_served(
    start_proxy: StartProxy,
) -> None:
    model = "qwen/qwen3-coder:free"
    with running(create_simulator(pace=0)) as openrouter:
        proxy = start_proxy(SHIPPED, upstream_url=f"{openrouter.url}/api/v1")
        text = await told(proxy, model=model)
        first = (
            'Pointsman: OpenRouter\'s step "Filter by Data Policy" left no endpoint: rule "careful"'
        )
        assert text.startswith(first)
        assert "requires data_collection: deny." in text
        assert (
            "Smallest change: data_collection: deny -> allow and "
            "unknown_quantization: auto -> allow (allows chutes)."
        ) in text
        done = SHIPPED.replace("data_collection: deny", "data_collection: allow")
        done = done.replace("unknown_quantization: auto", "unknown_quantization: allow")
        proxy = start_proxy(done, upstream_url=f"{openrouter.url}/api/v1")
        ask = {**ASK, "model": model}
        answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ask)
        assert answer.status_code == 200


async def test_where_only_what_is_free_may_serve_the_free_variant_is_told(
    start_proxy: StartProxy,
) -> None:
    policy = SHIPPED.replace("quantization_floor: fp8", "max_price: {prompt: 0, completion: 0}")
    policy = policy.replace("data_collection: deny", "data_collection: allow")
    policy = policy.replace("unknown_quantization: auto", "unknown_quantization: allow")
    with running(create_simulator(pace=0)) as openrouter:
        proxy = start_proxy(policy, upstream_url=f"{openrouter.url}/api/v1")
        way_out = "Smallest change: use qwen/qwen3-coder:free, which is free"
        for _ in range(50):  # until the list of models is known
            if way_out in await told(proxy):
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("the free variant was never told")
