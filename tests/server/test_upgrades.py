"""An offer to change protocols changes nothing: not the request, nor where its body ends (T-54)."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.connected import Seen, served

OFFER = [
    (b"connection", b"Upgrade, HTTP2-Settings"),
    (b"upgrade", b"h2c"),
    (b"http2-settings", b"AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"),
]


def written(method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\n".encode()
    head += b"".join(b"%b: %b\r\n" % (name.title(), value) for name, value in headers)
    return head + b"\r\n" + body


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, Seen]:
    """A request as it is sent, and as an application should see it."""
    body = draw(st.binary(max_size=40))
    headers = [(b"host", b"a"), *draw(st.sampled_from([OFFER, [*reversed(OFFER)], []]))]
    method = draw(st.sampled_from(["POST", "GET", "PUT"]))
    if draw(st.booleans()):
        headers.insert(draw(st.integers(0, len(headers))), (b"transfer-encoding", b"chunked"))
        cut = draw(st.integers(0, len(body)))
        chunks = [part for part in (body[:cut], body[cut:]) if part]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    else:
        if body or draw(st.booleans()):
            length = b"%d" % len(body)
            headers.insert(draw(st.integers(0, len(headers))), (b"content-length", length))
        framed = body
    return written(method, "/x", headers, framed), (method, "/x", headers, body)


@given(st.lists(requests(), min_size=1, max_size=4), st.data())
def test_t54_offers_change_nothing_however_the_bytes_are_cut(
    asked: list[tuple[bytes, Seen]], data: st.DataObject
) -> None:
    stream = b"".join(sent for sent, _ in asked)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    seen, wire = asyncio.run(served(pieces))
    assert seen == [expected for _, expected in asked]
    assert wire.written.count(b"HTTP/1.1 204") == len(asked)
    assert not wire.closed


async def test_t54_offers_change_nothing_byte_by_byte() -> None:
    headers = [*OFFER, (b"content-length", b"5")]
    stream = written("POST", "/x", headers, b"hello") * 3
    seen, _ = await served(bytes([byte]) for byte in stream)
    assert seen == [("POST", "/x", headers, b"hello")] * 3


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    "framing",
    [
        [(b"content-length", b"3"), (b"transfer-encoding", b"chunked")],
        [(b"transfer-encoding", b"chunked"), (b"content-length", b"3")],
        [(b"content-length", b"3"), (b"content-length", b"4")],
        [(b"content-length", b"+3")],
        [(b"content-length", b"3, 3")],
        [(b"content-length", b"")],
        [(b"transfer-encoding", b"gzip")],
        [(b"transfer-encoding", b"chunked, gzip")],
        [(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"gzip")],
        [(b"transfer-encoding", b"chu\r\n nked")],
        [(b"x", b"a\r\n content-length: 3")],
        [(b"x", b"a\ntransfer-encoding: chunked")],
    ],
)
@pytest.mark.parametrize("offer", [OFFER, []], ids=["offered", "plain"])
async def test_t54_a_head_that_two_readers_could_read_in_two_ways_is_refused(
    framing: list[tuple[bytes, bytes]], offer: list[tuple[bytes, bytes]]
) -> None:
    for headers in ([*offer, *framing], [*framing, *offer]):
        seen, wire = await served([written("POST", "/x", headers, b"0\r\n\r\n" + SMUGGLED)])
        assert not seen
        assert wire.written.startswith(b"HTTP/1.1 400 ")
        assert wire.closed


async def test_t54_a_body_is_never_taken_for_a_request() -> None:
    headers = [*OFFER, (b"content-length", b"%d" % len(SMUGGLED))]
    stream = written("POST", "/x", headers, SMUGGLED)
    for cut in range(len(stream)):
        seen, _ = await served([stream[:cut], stream[cut:]])
        assert seen == [("POST", "/x", headers, SMUGGLED)], cut


async def test_t54_a_connection_that_is_to_be_closed_serves_its_request_and_no_other() -> None:
    headers = [(b"connection", b"close, Upgrade"), (b"upgrade", b"h2c"), (b"content-length", b"2")]
    seen, wire = await served([written("POST", "/x", headers, b"hi" + SMUGGLED)])
    assert seen == [("POST", "/x", headers, b"hi")]
    assert wire.closed


@pytest.mark.parametrize("offer", [b"", b"Connection: upgrade\r\nUpgrade: h2c\r\n"])
async def test_t54_connect_is_refused_and_what_follows_is_not_read(offer: bytes) -> None:
    stream = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n%b\r\n" % offer + SMUGGLED
    seen, wire = await served([stream])
    assert not seen
    assert wire.written.startswith(b"HTTP/1.1 400 ")
    assert wire.closed
