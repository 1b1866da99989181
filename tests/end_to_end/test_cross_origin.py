"""Pages of allowed origins may call, and may read every answer (T-55)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx2
import pytest

from app.main import create_app
from app.settings import Settings
from tests.conftest import Proxy, StartProxy
from tests.running import NO_TLS, running
from tests.scripted_upstream import ScriptedUpstream, reply, sse

if TYPE_CHECKING:
    from app.cli.serving import Server

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": []}
PAGE = "https://app.example"
FROM_PAGE = {"origin": PAGE}
PREFLIGHT = {
    "origin": PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,x-stainless-os",
}
NAMED = f"{PAGE}, app://obsidian.md, vscode-webview://*, https://*.team.example"


def cors(answer: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if "access-control" in name}


@pytest.fixture
def proxy(start_proxy: StartProxy, openrouter: ScriptedUpstream) -> Proxy:
    openrouter.plays(reply(b"{}"))
    return start_proxy(upstream_url=openrouter.url, allowed_origins=NAMED)


@pytest.mark.parametrize(
    "path", [CHAT, "/v1/models", "/v1/files/x", "/health", "/pointsman/receipts", "/nowhere"]
)
async def test_t55_a_preflight_is_answered_here_without_a_key(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, path: str
) -> None:
    proxy = start_proxy(
        upstream_url=openrouter.url, allowed_origins=NAMED, caller_keys="anna:key-of-anna"
    )
    answer = await proxy.client.options(proxy.url + path, headers=PREFLIGHT)
    assert (answer.status_code, answer.content) == (204, b"")
    assert cors(answer) == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers": "authorization, content-type, x-stainless-os",
        "access-control-max-age": "7200",
    }
    assert answer.headers["vary"].startswith("Origin, ")
    assert not {"content-length", "transfer-encoding"} & set(answer.headers)  # RFC 9110, 8.6
    assert not openrouter.requests
    shown = {"authorization": "Bearer key-of-anna"}
    listed = await proxy.client.get(f"{proxy.url}/pointsman/receipts", headers=shown)
    assert listed.json() == {"receipts": []}


async def test_t55_a_page_of_the_internet_may_call_this_machine(proxy: Proxy) -> None:
    headers = {**PREFLIGHT, "access-control-request-private-network": "true"}
    answer = await proxy.client.options(proxy.url + CHAT, headers=headers)
    assert answer.headers["access-control-allow-private-network"] == "true"


@pytest.mark.parametrize(
    "origin", ["app://obsidian.md", "vscode-webview://0a1b2c", "https://a.team.example"]
)
async def test_t55_origins_of_apps_and_of_hosts_by_pattern_are_allowed(
    proxy: Proxy, origin: str
) -> None:
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK, headers={"origin": origin})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize(
    "origins",
    [
        ["https://evil.example"],
        ["null"],
        ["https://a.b.team.example"],
        [PAGE, PAGE],
        [PAGE, "null"],
    ],
)
async def test_t40_any_other_gets_403_and_no_header_for_its_browser(
    proxy: Proxy, openrouter: ScriptedUpstream, origins: list[str]
) -> None:
    for method, more in (("POST", {}), ("OPTIONS", PREFLIGHT)):
        told = [(name, value) for name, value in more.items() if name != "origin"]
        headers = [*(("origin", each) for each in origins), *told]
        answer = await proxy.client.request(method, proxy.url + CHAT, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "forbidden_origin"
        assert not cors(answer)
    assert not openrouter.requests


async def test_t55_upstreams_answer_is_readable_with_all_its_headers(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    """Upstream's own permission is for any page at all; it never crosses (T-40)."""
    openrouter.plays(
        reply(
            b"{}",
            Vary="Accept-Encoding",
            Access_Control_Allow_Origin="*",
            Access_Control_Allow_Credentials="true",
            Access_Control_Expose_Headers="X-Generation-Id",
            X_Generation_Id="gen-1",
            X_OpenRouter_Cache_Status="MISS",
        )
    )
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK, headers=FROM_PAGE)
    assert answer.headers.get_list("vary") == ["Accept-Encoding, Origin"]
    exposed = cors(answer).pop("access-control-expose-headers").split(", ")
    assert {"x-pointsman-receipt", "x-pointsman-book"} < set(exposed)
    assert {"x-generation-id", "x-openrouter-cache-status"} < set(exposed)
    assert answer.headers.get_list("access-control-allow-origin") == [PAGE]
    assert "access-control-allow-credentials" not in answer.headers
    assert openrouter.only_request.header("origin") is None


async def test_t55_a_stream_is_readable_and_arrives_unchanged(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    frames = [b'data: {"n":%d}\n\n' % number for number in range(3)]
    openrouter.plays(sse(*frames))
    asked = {**ASK, "stream": True}
    async with proxy.client.stream("POST", proxy.url + CHAT, json=asked, headers=FROM_PAGE) as got:
        assert cors(got)["access-control-allow-origin"] == PAGE
        assert b"".join([piece async for piece in got.aiter_raw()]) == b"".join(frames)


POLICY = """\
version: 1
rules:
  - {name: r, models: ["*"], only: [novita], refuse: [preset]}
"""


KEY = {"x-api-key": "k"}
OPENING = {"upgrade": "websocket", "connection": "upgrade"}
ANSWERS: list[tuple[int, str, str, bytes, dict[str, str]]] = [
    (401, "POST", CHAT, b"{}", {}),
    (400, "POST", CHAT, b"{", KEY),
    (415, "POST", CHAT, b"{}", {**KEY, "content-type": "text/plain"}),
    (413, "POST", CHAT, b"x" * 20_000, KEY),
    (403, "POST", CHAT, b'{"model":"a/b","preset":"p"}', KEY),
    (502, "POST", CHAT, b'{"model":"a/b"}', KEY),
    (502, "GET", "/v1/models", b"", KEY),
    (502, "GET", "/v1/files", b"", KEY),
    (404, "GET", "/nowhere", b"", KEY),
    (401, "GET", "/pointsman/receipts", b"", {}),
    (200, "GET", "/pointsman/receipts", b"", KEY),
    (404, "GET", "/pointsman/receipts/none", b"", KEY),
    (400, "GET", "/pointsman/receipts?limit=x", b"", KEY),
    (200, "GET", "/metrics", b"", KEY),
    (200, "GET", "/health", b"", {}),
    (200, "GET", "/ready", b"", {}),
    (405, "DELETE", "/health", b"", {}),
    (303, "GET", "/dashboard", b"", {}),
    (200, "GET", "/dashboard", b"", KEY),
    (426, "GET", CHAT, b"", OPENING),
    (405, "OPTIONS", "/health", b"", {}),  # no preflight, since it asks for no method
]


async def test_t55_every_answer_is_readable_errors_too(start_proxy: StartProxy) -> None:
    proxy = start_proxy(
        POLICY,
        upstream_url="http://127.0.0.1:9/api/v1",
        allowed_origins=NAMED,
        caller_keys="anna:k",
        max_body_mb=0.01,
    )
    for status, method, path, body, headers in ANSWERS:
        told = {"content-type": "application/json", **headers, **FROM_PAGE}
        answer = await proxy.client.request(method, proxy.url + path, content=body, headers=told)
        assert answer.status_code == status, path
        assert answer.headers.get_list("access-control-allow-origin") == [PAGE], path
        assert "Origin" in answer.headers["vary"], path
        assert answer.headers["access-control-expose-headers"], path


async def test_t55_a_page_may_read_that_this_process_is_stopping(tmp_path: Path) -> None:
    app = create_app(Settings.read(state=tmp_path, allowed_origins=NAMED))
    async with httpx2.AsyncClient(verify=NO_TLS, trust_env=False) as client:
        with running(app) as server:
            app.state.traffic.open += 1  # a stream, for whose end it waits
            cast("Server", server.server).drain()
            before = await client.options(server.url + CHAT, headers=PREFLIGHT)
            answer = await client.post(server.url + CHAT, json=ASK, headers=FROM_PAGE)
            app.state.traffic.open -= 1
    assert before.status_code == 204
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "retry-after" in answer.headers["access-control-expose-headers"]
    assert answer.headers["access-control-allow-origin"] == PAGE


async def test_t55_a_host_that_is_not_ours_is_refused_before_any_origin(proxy: Proxy) -> None:
    """Else a page that rebinds its own name to this machine could read that it is there (T-41)."""
    headers = {**PREFLIGHT, "host": "evil.example"}
    for method in ("OPTIONS", "POST"):
        answer = await proxy.client.request(method, proxy.url + CHAT, headers=headers)
        assert answer.status_code == 403
        assert not cors(answer)


async def test_without_an_origin_nothing_is_said_to_browsers(proxy: Proxy) -> None:
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert not cors(answer)
    assert "vary" not in answer.headers
