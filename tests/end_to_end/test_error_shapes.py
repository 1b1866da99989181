"""Errors of ours have Anthropic's shape for every client that speaks Anthropic's API."""

from typing import Any

import pytest

from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import ScriptedUpstream, reply

COUNT = "/v1/messages/count_tokens"
JSON = {"content-type": "application/json"}
KEY = {**JSON, "x-api-key": "key-of-anna"}
ANTHROPIC = {"anthropic-version": "2023-06-01"}
INVALID, DENIED = "invalid_request_error", "permission_error"


@pytest.fixture
def proxy(start_proxy: StartProxy) -> Proxy:
    return start_proxy(
        upstream_url="http://127.0.0.1:9/api/v1", caller_keys="anna:key-of-anna", max_body_mb=0.01
    )


CASES: list[tuple[int, str, str, str, dict[str, str], bytes]] = [
    (401, "authentication_error", "POST", COUNT, JSON, b"{}"),
    (403, DENIED, "POST", COUNT, {**KEY, "host": "evil.example"}, b"{}"),
    (403, DENIED, "POST", COUNT, {**KEY, "origin": "https://evil.example"}, b"{}"),
    (415, INVALID, "POST", COUNT, {**KEY, "content-type": "text/plain"}, b"{}"),
    (415, INVALID, "POST", COUNT, {**KEY, "content-encoding": "br"}, b"{}"),
    (400, INVALID, "POST", COUNT, KEY, b"{"),
    (413, "request_too_large", "POST", COUNT, KEY, b"x" * 20_000),
    (426, INVALID, "GET", COUNT, {**KEY, "upgrade": "websocket", "connection": "upgrade"}, b""),
    (401, "authentication_error", "POST", "/v1/messages", JSON, b"{}"),
    (401, "authentication_error", "GET", "/v1/models", ANTHROPIC, b""),
    (502, "api_error", "GET", "/v1/models", {**KEY, **ANTHROPIC}, b""),
    (502, "api_error", "GET", "/v1/models/acme/sim-1", {**KEY, **ANTHROPIC}, b""),
    (502, "api_error", "POST", "/v1/messages/batches", KEY, b"{}"),
    (502, "api_error", "GET", "/v1/files", {**KEY, **ANTHROPIC}, b""),
    (404, "not_found_error", "POST", "/v1/Messages", {**KEY, **ANTHROPIC}, b"{}"),
    (404, "not_found_error", "GET", "/nowhere", {**KEY, **ANTHROPIC}, b""),
]


async def test_every_error_for_anthropics_clients_has_anthropics_shape(proxy: Proxy) -> None:
    for status, kind, method, path, headers, body in CASES:
        url = proxy.url + path
        answer = await proxy.client.request(method, url, content=body, headers=headers)
        told: dict[str, Any] = answer.json()
        assert (answer.status_code, told["type"]) == (status, "error"), path
        assert (told["error"]["type"], bool(told["error"]["code"])) == (kind, True), path
        assert told["error"]["message"], path


async def test_the_same_errors_for_others_have_openais_shape(proxy: Proxy) -> None:
    for path, headers, status in (
        ("/v1/models", {}, 401),
        ("/v1/models", KEY, 502),
        ("/nowhere", KEY, 404),
    ):
        answer = await proxy.client.get(proxy.url + path, headers=headers)
        assert answer.status_code == status
        assert set(answer.json()) == {"error"}


async def test_no_key_anywhere_is_said_in_the_same_shape(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(upstream_url=openrouter.url, openrouter_api_key="")
    answer = await proxy.client.post(f"{proxy.url}/v1/messages/batches", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "missing_key")
    assert answer.json()["type"] == "error"
    assert not openrouter.requests
