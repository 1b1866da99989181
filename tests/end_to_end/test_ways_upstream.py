"""Upstream is reached over IPv6, and by way of a proxy where the environment asks for one."""

import socket
from typing import Any

import pytest

from tests.conftest import StartProxy
from tests.scripted_upstream import ScriptedUpstream, reply, sse

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": []}


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6 loopback")
@pytest.mark.parametrize("transport", ["lean", "httpx"])
async def test_an_upstream_with_an_ipv6_address(start_proxy: StartProxy, transport: str) -> None:
    async with ScriptedUpstream(host="::1") as upstream:
        upstream.plays(reply(b'{"ok":1}'))
        proxy = start_proxy(upstream_url=upstream.url, transport=transport)
        answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
        assert answer.content == b'{"ok":1}'
        assert (upstream.only_request.header("host") or "").startswith("[::1]:")


async def test_a_proxy_of_the_environment_carries_the_request(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scripted server plays the proxy: it gets the whole address of where to go."""
    openrouter.plays(sse(b"data: 1\n\n", b"data: [DONE]\n\n"))
    monkeypatch.setenv("HTTP_PROXY", openrouter.url.removesuffix("/api/v1"))
    proxy = start_proxy(upstream_url="http://openrouter.example/api/v1", transport="auto")
    answer = await proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": True})
    assert answer.content == b"data: 1\n\ndata: [DONE]\n\n"
    request = openrouter.only_request
    assert request.target == "http://openrouter.example/api/v1/chat/completions"
    assert request.header("host") == "openrouter.example"


async def test_no_proxy_goes_straight(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    openrouter.plays(reply(b"{}"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    proxy = start_proxy(upstream_url=openrouter.url)
    assert (await proxy.client.post(proxy.url + CHAT, json=ASK)).status_code == 200


@pytest.mark.parametrize("status", [302, 307])
async def test_a_redirect_is_the_callers_to_follow(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, status: int
) -> None:
    """Followed here, it would carry the operator's key to wherever it points (T-45)."""
    openrouter.plays(reply(b"", status=status, Location="http://127.0.0.1:9/elsewhere"))
    proxy = start_proxy(upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert answer.status_code == status
    assert len(openrouter.requests) == 1


async def test_an_html_page_passes_as_it_came(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    page = b"<html>Bad gateway</html>"
    openrouter.plays(reply(page, status=502, content_type="text/html"))
    proxy = start_proxy(upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert (answer.status_code, answer.content) == (502, page)
    assert (await proxy.only_receipt())["ending"] == "upstream_error"


async def test_a_name_that_nobody_knows_is_a_502_that_names_it(start_proxy: StartProxy) -> None:
    proxy = start_proxy(upstream_url="http://no-such-host.invalid/api/v1")
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert answer.status_code == 502
    assert "no-such-host.invalid" in answer.json()["error"]["message"]
