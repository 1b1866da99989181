"""The client: what goes up goes as given, what fails says whose fault it is."""

from collections.abc import AsyncIterator

import httpx2
import pytest
import respx

from app.errors import UpstreamCut, UpstreamTimeout, UpstreamUnreachable
from app.openrouter.client import OpenRouter, connect, proxy_for
from tests.scripted_upstream import Close, Pause, ScriptedUpstream, reply, sse

BASE = "https://upstream.example/api/v1"


@pytest.fixture
def openrouter_client() -> OpenRouter:
    return connect(BASE, connect_timeout=1, read_timeout=1)


async def test_a_request_goes_up_as_given(
    openrouter_client: OpenRouter, httpx2_mock: respx.Router
) -> None:
    route = httpx2_mock.post(f"{BASE}/chat/completions").respond(201, content=b"raw \xff")
    upstream = await openrouter_client.open(
        "POST", "/chat/completions", b"a=1&b=%20", [(b"x-a", b"1"), (b"x-a", b"2")], b'{"n": 1.0}'
    )
    assert upstream.status == 201
    assert b"".join([chunk async for chunk in upstream.chunks()]) == b"raw \xff"
    await upstream.aclose()
    sent = route.calls.last.request
    assert sent.content == b'{"n": 1.0}'
    assert sent.url.query == b"a=1&b=%20"
    assert sent.headers.get_list("x-a") == ["1", "2"]
    assert "cookie" not in sent.headers
    assert "user-agent" not in sent.headers


@pytest.mark.parametrize(
    ("raised", "expected", "told"),
    [
        (httpx2.ConnectError("refused"), UpstreamUnreachable, "POINTSMAN_UPSTREAM_URL"),
        (httpx2.ConnectTimeout(""), UpstreamTimeout, "POINTSMAN_CONNECT_TIMEOUT"),
        (httpx2.ReadTimeout(""), UpstreamTimeout, "POINTSMAN_READ_TIMEOUT"),
        (httpx2.RemoteProtocolError("gone"), UpstreamUnreachable, "gone"),
    ],
)
async def test_a_failed_request_says_whose_fault_and_which_setting(
    raised: Exception, expected: type[Exception], told: str
) -> None:
    def fail(_: httpx2.Request) -> httpx2.Response:
        raise raised

    client = OpenRouter(BASE, httpx2.MockTransport(fail), connect_timeout=1, read_timeout=1)
    with pytest.raises(expected, match=told) as caught:
        await client.open("GET", "/models", b"", [], b"")
    assert BASE in str(caught.value)


async def test_t06_a_body_that_breaks_off_raises_after_what_came() -> None:
    async with ScriptedUpstream() as scripted:
        scripted.plays(sse(b"data: 1\n\n", Pause(0.02), Close))
        client = connect(scripted.url, connect_timeout=1, read_timeout=1)
        upstream = await client.open("POST", "/x", b"", [], b"{}")
        got: list[bytes] = []
        with pytest.raises(UpstreamCut):
            await _read(upstream.chunks(), got)
        assert got == [b"data: 1\n\n"]
        await client.aclose()


async def _read(chunks: AsyncIterator[bytes], into: list[bytes]) -> None:
    async for chunk in chunks:
        into.append(chunk)  # noqa: PERF401 - what came before the break must be kept


async def test_connections_are_used_again() -> None:
    async with ScriptedUpstream() as scripted:
        scripted.plays(reply(b'{"a":1}'))
        client = connect(scripted.url, connect_timeout=1, read_timeout=1)
        for _ in range(5):
            assert await client.get_json("/x", []) == (200, {"a": 1})
        assert scripted.connections == 1
        await client.aclose()


async def test_a_body_that_is_no_json_decodes_to_none() -> None:
    async with ScriptedUpstream() as scripted:
        scripted.plays(reply(b"<html>", status=404, content_type="text/html"))
        client = connect(scripted.url, connect_timeout=1, read_timeout=1)
        assert await client.get_json("/x", []) == (404, None)
        await client.aclose()


async def test_a_cookie_of_one_answer_is_not_sent_with_the_next_request() -> None:
    async with ScriptedUpstream() as scripted:
        scripted.plays(reply(b"{}", Set_Cookie="a=1"))
        client = connect(scripted.url, connect_timeout=1, read_timeout=1)
        for _ in range(2):
            await client.get("/x", [])
        assert scripted.requests[1].header("cookie") is None
        await client.aclose()


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://a.example", None),
        ({"https_proxy": "http://p:1"}, "https://a.example", "http://p:1"),
        ({"https_proxy": "http://p:1"}, "http://a.example", None),
        ({"https_proxy": "http://p:1", "no_proxy": "a.example"}, "https://a.example", None),
        ({"all_proxy": "http://p:2"}, "https://a.example", "http://p:2"),
    ],
)
def test_the_environment_chooses_the_proxy(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str | None
) -> None:
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy
