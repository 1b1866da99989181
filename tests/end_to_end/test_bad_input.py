"""Bad input: a clear error in the caller's dialect, never a stack trace, and a receipt."""

import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from backports import zstd

from app.simulator import create_simulator
from tests.conftest import Proxy, StartProxy
from tests.running import running
from tests.scripted_upstream import Close, Pause, ScriptedUpstream, reply
from tests.waiting import until
from tests.warned import warned

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": []}
JSON = {"content-type": "application/json"}


async def post(proxy: Proxy, content: Any, headers: dict[str, str] = JSON) -> tuple[int, Any]:
    answer = await proxy.client.post(proxy.url + CHAT, content=content, headers=headers)
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"model":"a/b"} x', b"\xff\xfe", b'{"model":"a/b",}']
)
async def test_a_body_that_is_no_json_object_is_a_400(proxy: Proxy, body: bytes) -> None:
    status, error = await post(proxy, body)
    assert (status, error["code"]) == (400, "invalid_body")
    receipt = await proxy.only_receipt()
    assert (receipt["ending"], receipt["error_code"]) == ("refused", "invalid_body")
    assert receipt["verdict"] is None


async def test_a_body_without_a_model_is_a_400_that_says_so(proxy: Proxy) -> None:
    status, error = await post(proxy, b'{"messages":[]}')
    assert (status, error["code"]) == (400, "missing_model")
    assert "model" in error["message"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_t42_a_body_that_is_not_called_json_is_a_415(proxy: Proxy, kind: str) -> None:
    status, error = await post(proxy, b'{"model":"a/b"}', {"content-type": kind} if kind else {})
    assert (status, error["code"]) == (415, "unsupported_content")
    assert "application/json" in error["message"]


async def test_t30_a_compression_that_is_not_known_is_a_415(proxy: Proxy) -> None:
    headers = {**JSON, "content-encoding": "br"}
    answer = await proxy.client.post(proxy.url + CHAT, content=b"x", headers=headers)
    assert answer.status_code == 415
    assert "gzip, deflate, zstd" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstd.compress)]
)
async def test_t30_a_compressed_request_is_held_to_policy_and_sent_plain(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    encoding: str,
    compress: Callable[[bytes], bytes],
) -> None:
    policy = "version: 1\nrules:\n  - {name: r, models: ['*'], zdr: true}\n"
    proxy = start_proxy(policy, upstream_url=openrouter.url)
    openrouter.plays(reply(b"{}"))
    headers = {**JSON, "content-encoding": encoding}
    body = compress(b'{"model":"acme/sim-1","n":1.0}')
    await proxy.client.post(proxy.url + CHAT, content=body, headers=headers)
    sent = openrouter.only_request
    assert sent.body == b'{"model":"acme/sim-1","n":1.0,"provider":{"zdr":true}}'
    assert sent.header("content-encoding") is None


async def test_t31_a_body_over_the_limit_is_a_413_that_names_the_setting(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, max_body_mb=0.01)
    status, error = await post(proxy, b'{"model":"a/b","x":"%s"}' % (b"x" * 20_000))
    assert (status, error["code"]) == (413, "body_too_large")
    assert "POINTSMAN_MAX_BODY_MB" in error["message"]
    assert (await proxy.only_receipt())["status"] == 413


async def test_t32_a_chunked_body_over_the_limit_is_a_413_too(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, max_body_mb=0.01)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1000

    status, error = await post(proxy, pieces())
    assert (status, error["code"]) == (413, "body_too_large")


@pytest.mark.slow
async def test_t31_a_body_of_33_megabytes_passes(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    body = b'{"model":"acme/sim-1","messages":[],"x":"' + b"y" * 33_000_000 + b'"}'
    answer = await proxy.client.post(proxy.url + CHAT, content=body, headers=JSON)
    assert answer.status_code == 200
    assert openrouter.only_request.body == body


async def test_no_key_anywhere_is_a_401_that_names_both_ways_out(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, openrouter_api_key="")
    status, error = await post(proxy, b'{"model":"acme/sim-1"}')
    assert (status, error["code"]) == (401, "missing_key")
    assert "OPENROUTER_API_KEY" in error["message"]
    assert "Authorization" in error["message"]
    assert not openrouter.requests


async def test_an_unreachable_upstream_is_a_502_that_names_its_address(
    start_proxy: StartProxy,
) -> None:
    proxy = start_proxy(upstream_url="http://127.0.0.1:9/api/v1")
    status, error = await post(proxy, b'{"model":"acme/sim-1"}')
    assert (status, error["code"]) == (502, "upstream_unreachable")
    assert "127.0.0.1:9" in error["message"]
    receipt = await proxy.only_receipt()
    assert (receipt["ending"], receipt["status"]) == ("upstream_error", 502)


async def test_an_upstream_that_is_no_api_is_told_once_in_the_log(
    start_proxy: StartProxy, caplog: pytest.LogCaptureFixture
) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        proxy = start_proxy(upstream_url=openrouter.url)  # without /api/v1
        for _ in range(2):
            assert (await proxy.client.post(proxy.url + CHAT, json=ASK)).status_code == 404
        await until(lambda: warned(caplog))
    (told,) = warned(caplog)
    assert f"GET {openrouter.url}/models answers 404" in told
    assert "pointsman doctor" in told


async def test_an_upstream_that_hangs_up_without_a_word_is_a_502(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays((Close,))
    status, error = await post(proxy, b'{"model":"acme/sim-1"}')
    assert (status, error["code"]) == (502, "upstream_unreachable")


async def test_an_upstream_that_says_nothing_is_a_504_that_names_the_settings(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays((Pause(20),))
    proxy = start_proxy(upstream_url=openrouter.url, read_timeout=0.2)
    status, error = await post(proxy, b'{"model":"acme/sim-1"}')
    assert (status, error["code"]) == (504, "upstream_timeout")
    assert "POINTSMAN_READ_TIMEOUT" in error["message"]


async def test_errors_on_messages_wear_anthropics_shape(proxy: Proxy) -> None:
    answer = await proxy.client.post(proxy.url + "/v1/messages", content=b"{", headers=JSON)
    body = answer.json()
    assert answer.status_code == 400
    assert body["type"] == "error"
    assert body["error"]["type"] == "invalid_request_error"
    assert body["request_id"] == answer.headers["x-pointsman-receipt"]


@pytest.mark.parametrize("path", ["/chat/completions", "/responses", "/messages"])
async def test_a_name_that_no_model_can_have_is_answered_here(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, path: str
) -> None:
    policy = "version: 1\nrules: []\naliases:\n  quick: {model: a/b, preferences: {zdr: true}}\n"
    proxy = start_proxy(policy, upstream_url=openrouter.url)
    answer = await proxy.client.post(f"{proxy.url}/v1{path}", json={"model": "quickly"})
    assert answer.status_code == 404
    assert "did you mean quick?" in answer.json()["error"]["message"]
    assert not openrouter.requests
    receipt = await proxy.only_receipt()
    assert (receipt["error_code"], receipt["ending"]) == ("model_not_found", "refused")
