"""The client: what goes up goes as given, what fails says whose fault it is.

What holds for one transport holds for the other: those tests run on both.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
import respx

from app.errors import UpstreamCut, UpstreamGarbage, UpstreamTimeout, UpstreamUnreachable
from app.openrouter.client import OpenRouter, TransportKind, connect, proxy_for
from app.openrouter.httpx_transport import HttpxTransport
from tests.scripted_upstream import Close, Pause, Reset, ScriptedUpstream, reply, sse

BASE = "https://upstream.example/api/v1"


@pytest.fixture(params=["lean", "httpx"])
def transport(request: pytest.FixtureRequest) -> TransportKind:
    kind: TransportKind = request.param
    return kind


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
async def client(scripted: ScriptedUpstream, transport: TransportKind) -> AsyncIterator[OpenRouter]:
    client = connect(scripted.url, connect_timeout=1, read_timeout=0.5, transport=transport)
    yield client
    await client.aclose()


async def test_a_request_goes_up_as_given_through_httpx(httpx2_mock: respx.Router) -> None:
    route = httpx2_mock.post(f"{BASE}/chat/completions").respond(201, content=b"raw \xff")
    client = connect(BASE, connect_timeout=1, read_timeout=1, transport="httpx")
    upstream = await client.open(
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

    mock = httpx2.MockTransport(fail)
    client = OpenRouter(BASE, HttpxTransport(BASE, mock, connect_timeout=1, read_timeout=1))
    with pytest.raises(expected, match=told) as caught:
        await client.open("GET", "/models", b"", [], b"")
    assert BASE in str(caught.value)


async def test_a_request_goes_up_as_given(client: OpenRouter, scripted: ScriptedUpstream) -> None:
    scripted.plays(reply(b"raw \xff", status=201, X_Empty="", X_Odd="\t kept "))
    upstream = await client.open(
        "POST", "/chat/completions", b"a=1&b=%20", [(b"x-a", b"1"), (b"x-a", b"2")], b'{"n": 1.0}'
    )
    assert upstream.status == 201
    assert dict(upstream.headers)[b"X-Empty"] == b""
    assert dict(upstream.headers)[b"X-Odd"] == b"kept"
    assert b"".join([chunk async for chunk in upstream.chunks()]) == b"raw \xff"
    await upstream.aclose()
    sent = scripted.only_request
    assert (sent.method, sent.target) == ("POST", "/api/v1/chat/completions?a=1&b=%20")
    assert sent.body == b'{"n": 1.0}'
    names = [name.lower() for name, _ in sent.headers]
    assert sorted(names) == ["content-length", "host", "x-a", "x-a"]
    assert [value for name, value in sent.headers if name == "x-a"] == ["1", "2"]
    assert sent.header("host") == scripted.url.split("/")[2]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH"])
async def test_a_request_without_a_body_says_so_where_one_is_expected(
    client: OpenRouter, scripted: ScriptedUpstream, method: str
) -> None:
    scripted.plays((b"HTTP/1.1 204 No Content\r\n\r\n",))
    upstream = await client.open(method, "/x", b"", [], b"")
    assert [chunk async for chunk in upstream.chunks()] == []
    await upstream.aclose()
    expected = "0" if method in {"POST", "PUT", "PATCH"} else None
    assert scripted.only_request.header("content-length") == expected


BODIES: dict[str, tuple[Any, bytes]] = {
    "without a reason": ((b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc",), b"abc"),
    "with odd bytes in headers": (
        (b"HTTP/1.1 200 \xff\r\nX-A: \xff\xe9\tz\r\nContent-Length: 3\r\n\r\nabc",),
        b"abc",
    ),
    "of HTTP/1.0 and more to come": (
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc",),
        b"abc",
    ),
    "with a status of their own": ((b"HTTP/1.1 599 X\r\nContent-Length: 3\r\n\r\nabc",), b"abc"),
    "by length": (reply(b"abc"), b"abc"),
    "empty": (reply(b""), b""),
    "in chunks": (sse(b"ab", b"c"), b"abc"),
    "in chunks with extensions and trailers": (
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b'2;a="b"\r\nab\r\n1\r\nc\r\n0\r\nX-Late: 1\r\n\r\n',
        ),
        b"abc",
    ),
    "until the end": ((b"HTTP/1.1 200 OK\r\n\r\nab", Pause(0.02), b"c", Close), b"abc"),
    "of HTTP/1.0": ((b"HTTP/1.0 200 OK\r\n\r\nabc", Close), b"abc"),
    "after interim answers": (
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
            Pause(0.02),
            *reply(b"abc"),
        ),
        b"abc",
    ),
    "none, as the status says": ((b"HTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n",), b""),
}


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_is_read_however_it_is_framed(
    client: OpenRouter, scripted: ScriptedUpstream, body: str
) -> None:
    script, expected = BODIES[body]
    scripted.plays(script)
    for _ in range(3):
        _, headers, came = await client.get("/x", [])
        assert came == expected
        assert b"link" not in {name.lower() for name, _ in headers}


async def test_a_query_of_any_length_goes_up_as_given(
    client: OpenRouter, scripted: ScriptedUpstream
) -> None:
    scripted.plays(reply(b"{}"))
    for length in (1, 10_000):
        upstream = await client.open("GET", "/x", b"a=" + b"b" * length, [], b"")
        await upstream.aclose()
        assert scripted.requests[-1].target == f"/api/v1/x?a={'b' * length}"


async def test_the_answer_to_head_has_the_length_and_not_the_body(
    client: OpenRouter, scripted: ScriptedUpstream
) -> None:
    scripted.plays((b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",), reply(b"next"))
    upstream = await client.open("HEAD", "/x", b"", [], b"")
    assert (b"Content-Length", b"1000") in upstream.headers
    assert [chunk async for chunk in upstream.chunks()] == []
    await upstream.aclose()
    assert (await client.get("/x", []))[2] == b"next"


async def test_a_large_body_arrives_whole_both_ways(
    client: OpenRouter, scripted: ScriptedUpstream
) -> None:
    large = bytes(range(256)) * 20_000
    scripted.plays(reply(large))
    upstream = await client.open("POST", "/x", b"", [], large)
    assert b"".join([chunk async for chunk in upstream.chunks()]) == large
    await upstream.aclose()
    assert scripted.only_request.body == large


CUTS: dict[str, Any] = {
    "within the chunks": sse(b"data: 1\n\n", Pause(0.02), Close),
    "within the chunks, by reset": sse(b"data: 1\n\n", Pause(0.02), Reset),
    "below the length": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ndata: 1\n\n", Close),
    "by silence": sse(b"data: 1\n\n", Pause(5)),
    "by rubbish": (*sse(b"data: 1\n\n", end=False), Pause(0.02), b"rubbish\r\n"),
}


@pytest.mark.parametrize("cut", CUTS)
async def test_t06_a_body_that_breaks_off_raises_after_what_came(
    client: OpenRouter, scripted: ScriptedUpstream, cut: str
) -> None:
    scripted.plays(CUTS[cut], reply(b"next"))
    upstream = await client.open("POST", "/x", b"", [], b"{}")
    got: list[bytes] = []
    with pytest.raises(UpstreamCut):
        await _read(upstream.chunks(), got)
    assert got == [b"data: 1\n\n"]
    await upstream.aclose()
    assert (await client.get("/x", []))[2] == b"next"


async def _read(chunks: AsyncIterator[bytes], into: list[bytes]) -> None:
    async for chunk in chunks:
        into.append(chunk)  # noqa: PERF401 - what came before the break must be kept


class Basin:
    """A sink; `room` is for so many pieces, and `again` what to call when there is more."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.taken: list[bytes] = []
        self.again: Callable[[], object] = lambda: None

    def take(self, piece: bytes) -> bool:
        assert piece
        self.room -= 1
        self.taken.append(piece)
        return self.room > 0

    def has_room(self, again: Callable[[], object]) -> bool:
        self.again = again
        return self.room > 0

    def make_room(self) -> None:
        self.room = 1000
        self.again()


@pytest.mark.parametrize("begun", [False, True])
async def test_a_body_is_poured_up_to_its_end_and_the_rest_is_left(
    client: OpenRouter, scripted: ScriptedUpstream, *, begun: bool
) -> None:
    """Whether or not some of it was read before; httpx leaves all of it."""
    frames = [b"data: %d\n\n" % number for number in range(5)]
    pieces = [step for frame in frames for step in (frame, Pause(0.02))]
    scripted.plays(sse(*pieces), reply(b"next"))
    upstream = await client.open("POST", "/x", b"", [], b"{}")
    chunks, basin = upstream.chunks(), Basin()
    first = [await anext(chunks)] if begun else []
    await upstream.pour(basin)
    rest = [chunk async for chunk in chunks]
    assert b"".join([*first, *basin.taken, *rest]) == b"".join(frames)
    await upstream.aclose()
    assert (await client.get("/x", []))[2] == b"next"
    assert scripted.connections == 1


@pytest.mark.parametrize("cut", CUTS)
async def test_t06_a_poured_body_that_breaks_off_raises_where_the_rest_is_read(
    client: OpenRouter, scripted: ScriptedUpstream, cut: str
) -> None:
    scripted.plays(CUTS[cut], reply(b"next"))
    upstream = await client.open("POST", "/x", b"", [], b"{}")
    basin, got = Basin(), list[bytes]()
    await upstream.pour(basin)
    with pytest.raises(UpstreamCut):
        await _read(upstream.chunks(), got)
    assert basin.taken + got == [b"data: 1\n\n"]
    await upstream.pour(basin)  # there is nothing left, and it does not wait for anything
    await upstream.aclose()
    assert (await client.get("/x", []))[2] == b"next"


FAILURES: dict[str, tuple[Any, type[Exception]]] = {
    "closed before an answer": ((Close,), UpstreamUnreachable),
    "reset before an answer": ((Reset,), UpstreamUnreachable),
    "closed within the head": ((b"HTTP/1.1 200 OK\r\nX: ", Close), UpstreamUnreachable),
    "silent": ((Pause(5),), UpstreamTimeout),
    "no HTTP": ((b"SSH-2.0-OpenSSH\r\n\r\n",), UpstreamGarbage),
    "another protocol": (
        (b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxx", Close),
        UpstreamGarbage,
    ),
    "another version": ((b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",), UpstreamGarbage),
    "a head without end": ((b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000,), UpstreamGarbage),
    "a header without end": ((b"HTTP/1.1 200 OK\r\nX: " + b"y" * 400_000,), UpstreamGarbage),
    "interim answers without end": ((b"HTTP/1.1 100 Continue\r\n\r\n" * 21,), UpstreamGarbage),
    "an interim answer with a body": (
        (b"HTTP/1.1 100 X\r\nContent-Length: 2\r\n\r\nok", *reply(b"{}")),
        UpstreamGarbage,
    ),
    **{
        f"status {status}": ((f"HTTP/1.1 {status} X\r\n\r\n".encode(), Close), UpstreamGarbage)
        for status in ("000", "099", "99", "600", "999", "1000", "20x", "-200")
    },
    **{
        f"header {header!r}": (
            (b"HTTP/1.1 200 OK\r\n%b\r\nContent-Length: 2\r\n\r\nok" % header,),
            UpstreamGarbage,
        )
        for header in (
            b"X-A: a\r\n folded",
            b"X-A: \x01",
            b"X-A: a\x00b",
            b"X-A: a\rb",
            b"X-\xc3\xa9: a",
            b": a",
            b"X A: a",
            b"Content-Length: 3",
            b"Content-Length: " + b"9" * 5000,
            b"Transfer-Encoding: gzip",
            b"Transfer-Encoding: gzip, chunked",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        )
    },
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_an_answer_that_never_comes_says_whose_fault(
    client: OpenRouter, scripted: ScriptedUpstream, failure: str
) -> None:
    script, expected = FAILURES[failure]
    scripted.plays(script, reply(b"next"))
    with pytest.raises(expected, match=scripted.url):
        await client.open("POST", "/x", b"", [], b"{}")
    assert len(scripted.requests) == 1, "nothing is ever sent twice"
    assert (await client.get("/x", []))[2] == b"next"


async def test_nobody_listening_says_whose_fault(transport: TransportKind) -> None:
    async with ScriptedUpstream() as gone:
        url = gone.url
    client = connect(url, connect_timeout=1, read_timeout=1, transport=transport)
    with pytest.raises(UpstreamUnreachable, match="POINTSMAN_UPSTREAM_URL"):
        await client.open("GET", "/models", b"", [], b"")
    await client.aclose()


async def test_connections_are_used_again(client: OpenRouter, scripted: ScriptedUpstream) -> None:
    scripted.plays(reply(b'{"a":1}'))
    for _ in range(5):
        assert await client.get_json("/x", []) == (200, {"a": 1})
    assert scripted.connections == 1


SPOILED: dict[str, Any] = {
    "says so": reply(b"{}", Connection="close"),
    "closes": (*reply(b"{}"), Close),
    "sends rubbish afterwards": (*reply(b"{}"), Pause(0.02), b"rubbish"),
    "sends rubbish at once": (reply(b"{}")[0] + b"rubbish",),  # type: ignore[operator]
    "sends another answer at once": (
        reply(b"{}")[0] + reply(b"evil")[0],  # type: ignore[operator]
    ),
    "sends another answer behind the chunks": (
        *sse(b"{}", end=False),
        b"0\r\n\r\n" + reply(b"evil")[0],  # type: ignore[operator]
    ),
    "sends another answer behind none": (
        b"HTTP/1.1 204 X\r\nContent-Length: 2\r\n\r\n" + reply(b"evil")[0],  # type: ignore[operator]
    ),
}


@pytest.mark.parametrize("why", SPOILED)
async def test_a_connection_that_is_no_good_any_more_is_not_used_again(
    client: OpenRouter, scripted: ScriptedUpstream, why: str
) -> None:
    scripted.plays(SPOILED[why], reply(b'{"next":1}'))
    assert (await client.get("/x", []))[2] in {b"{}", b""}
    await asyncio.sleep(0.05)
    assert await client.get_json("/x", []) == (200, {"next": 1})
    assert scripted.connections == 2
    assert len(scripted.requests) == 2


async def test_a_body_that_is_no_json_decodes_to_none(
    client: OpenRouter, scripted: ScriptedUpstream
) -> None:
    scripted.plays(reply(b"<html>", status=404, content_type="text/html"))
    assert await client.get_json("/x", []) == (404, None)


async def test_a_cookie_of_one_answer_is_not_sent_with_the_next_request(
    client: OpenRouter, scripted: ScriptedUpstream
) -> None:
    scripted.plays(reply(b"{}", Set_Cookie="a=1"))
    for _ in range(2):
        await client.get("/x", [])
    assert scripted.requests[1].header("cookie") is None


@pytest.mark.parametrize(
    "header", [(b"x-a", b"1\r\nx-b: 2"), (b"x-a\r\nx-b", b"2"), (b"x-a", b"1\n\nGET /")]
)
async def test_t33_no_header_can_smuggle_another(
    client: OpenRouter, scripted: ScriptedUpstream, header: tuple[bytes, bytes]
) -> None:
    scripted.plays(reply(b"{}"))
    with pytest.raises(UpstreamUnreachable):
        await client.open("POST", "/x", b"", [header], b"{}")
    assert scripted.requests == []


@pytest.mark.parametrize("query", [b"a= b", b"a=\r\nx-b: 2", b"a=\xe9", b"a=\x00"])
async def test_t33_no_query_can_leave_its_line(
    client: OpenRouter, scripted: ScriptedUpstream, query: bytes
) -> None:
    scripted.plays(reply(b"{}"))
    try:
        upstream = await client.open("POST", "/x", query, [], b"{}")
    except UpstreamUnreachable:
        assert scripted.requests == []
    else:
        await upstream.aclose()
        request = scripted.only_request
        assert request.target.startswith("/api/v1/x?a=%")
        assert request.header("x-b") is None


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
