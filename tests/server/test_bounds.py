"""What has not become a request is bounded, whatever it looks like (T-62)."""

import asyncio
import json
import tracemalloc
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.serving import STANDARD
from app.server.bounds import Bounds
from app.settings import Settings
from tests.server.connected import Connected, served
from tests.server.test_upgrades import OFFER, written

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"

# What goes on for ever, how it begins, and the status that ends it.
ENDLESS: dict[str, tuple[bytes, bytes, int]] = {
    "header lines": (GET, b"X-Y: z\r\n" * 1000, 431),
    "long header lines": (GET, (b"X-Y: " + b"z" * 900 + b"\r\n") * 16, 431),
    "a header line": (GET + b"X: ", b"y" * 16_384, 431),
    "a header's name": (GET, b"y" * 16_384, 431),
    "a path": (b"GET /", b"y" * 16_384, 414),
    "a query": (b"GET /?", b"y" * 16_384, 414),
    "blank lines": (b"", b"\r\n" * 8192, 431),
    "trailers": (CHUNKED + b"1\r\na\r\n0\r\n", b"X: y\r\n" * 1000, 431),
    "a trailer": (CHUNKED + b"1\r\na\r\n0\r\nX: ", b"y" * 16_384, 431),
    "a chunk's size": (CHUNKED, b"0" * 16_384, 431),
    "a chunk's extension": (CHUNKED + b"1;x=", b"y" * 16_384, 431),
    "extensions of tiny chunks": (CHUNKED, (b"1;" + b"y" * 1000 + b"\r\na\r\n") * 16, 431),
    "lines of an offer": (
        GET + b"Connection: upgrade\r\nUpgrade: h2c\r\n",
        b"X: y\r\n" * 1000,
        431,
    ),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_t62_what_never_becomes_a_request_ends_at_the_bound(what: str) -> None:
    first, again, status = ENDLESS[what]
    connection = Connected()
    await connection.bring(first)
    brought = await connection.bring(*repeat(again, 1000))
    assert brought * len(again) <= STANDARD.head_bytes + 2 * len(again)
    assert connection.wire.closed
    head, _, body = connection.wire.written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in head
    error = json.loads(body)["error"]
    assert error["code"] == {431: "head_too_large", 414: "target_too_long"}[status]
    await connection.settle()
    assert not connection.seen
    assert "Pointsman" not in error["message"]
    await connection.hang_up()


async def test_t62_nothing_is_kept_of_what_was_refused() -> None:
    connection = Connected()
    await connection.bring(GET, *repeat(b"X-Y: z\r\n" * 1000, 10))
    tracemalloc.start()
    for _ in range(200):
        connection.protocol.data_received(b"X-Y: z\r\n" * 1000)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 10_000
    await connection.hang_up()


@given(st.integers(0, 98), st.integers(0, 600), st.data())
def test_t62_a_head_within_the_bounds_is_served_however_it_is_cut(
    lines: int, length: int, data: st.DataObject
) -> None:
    headers = [(b"host", b"a"), *((b"x-%d" % n, b"v" * length) for n in range(lines))]
    stream = written("GET", "/x", headers, b"") * 2
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    seen, wire = asyncio.run(served(pieces))
    assert seen == [("GET", "/x", headers, b"")] * 2
    assert not wire.closed


@pytest.mark.parametrize("offer", [[], OFFER], ids=["plain", "offered"])
async def test_t62_the_bounds_are_those_that_are_set(offer: list[tuple[bytes, bytes]]) -> None:
    bounds = Bounds(head_lines=12, head_bytes=4000)
    some = [(b"host", b"a"), *offer]
    for headers, fits in (
        ([*some, *[(b"x", b"y")] * (12 - len(some))], True),
        ([*some, *[(b"x", b"y")] * (13 - len(some))], False),
        ([*some, (b"x", b"y" * 2500)], True),
        ([*some, (b"x", b"y" * 5500)], False),
    ):
        seen, wire = await served([written("GET", "/x", headers, b"")], bounds)
        assert (len(seen), wire.closed) == (int(fits), not fits)


def test_the_settings_set_the_bounds() -> None:
    read = Settings.read(
        max_head_kb=3,
        max_headers=20,
        head_timeout=1,
        body_timeout=2,
        idle_timeout=3,
        write_timeout=4,
    )
    assert Bounds.of(read) == Bounds(
        head_bytes=3000,
        head_lines=20,
        head_seconds=1,
        body_seconds=2,
        idle_seconds=3,
        write_seconds=4,
    )
    assert Bounds.of(Settings.read()) == Bounds()


async def test_trailers_are_dropped_and_never_joined_to_the_headers() -> None:
    trailers = b"3\r\nabc\r\n0\r\nAuthorization: Bearer x\r\nX-Y: z\r\n\r\n"
    stream = CHUNKED + trailers + NEXT
    expected = [(b"host", b"a"), (b"transfer-encoding", b"chunked")]
    for cut in range(len(stream)):
        seen, _ = await served([stream[:cut], stream[cut:]])
        assert seen == [("POST", "/x", expected, b"abc"), ("GET", "/next", expected[:1], b"")], cut


async def test_a_body_in_tiny_chunks_is_no_overhead() -> None:
    seen, _ = await served([CHUNKED, *repeat(b"1\r\na\r\n" * 1000, 50), b"0\r\n\r\n", NEXT])
    assert [body for *_, body in seen] == [b"a" * 50_000, b""]


async def test_a_packet_full_of_requests_is_parsed_as_they_are_answered() -> None:
    """Parsed at once, one packet of a quarter megabyte makes 25 MB of them."""
    tiny, count = b"GET / HTTP/1.1\r\n\r\n", 5000
    connection = Connected()
    connection.protocol.data_received(tiny * count)
    assert len(connection.protocol.pipeline) <= STANDARD.ahead + 1024 // len(tiny)
    await connection.settle()
    assert len(connection.seen) == count
    assert connection.wire.written.count(b"HTTP/1.1 204") == count
    await connection.hang_up()


async def test_what_is_sent_ahead_of_a_hung_answer_waits_in_bounds() -> None:
    connection = Connected()
    await connection.bring(CHUNKED)  # is never answered, since it never ends
    packets = [NEXT * 3000] * 5
    connection.protocol.data_received(b"0\r\n\r\n" + NEXT * 3000)
    assert len(connection.protocol.pipeline) <= STANDARD.ahead + 4096 // len(NEXT)
    connection.protocol.when_left(lambda: None)
    for packet in packets:
        if not connection.protocol.flow.read_paused:
            connection.protocol.data_received(packet)
            connection.protocol.when_left(lambda: None)
    assert connection.protocol.flow.read_paused
    assert len(connection.protocol.ahead) <= STANDARD.head_bytes + 2 * len(packets[0])
    await connection.hang_up()


async def test_rubbish_behind_a_request_does_not_answer_for_it() -> None:
    connection = Connected()
    connection.protocol.data_received(NEXT + b"RUBBISH\r\n\r\n")
    assert connection.wire.closed
    assert connection.wire.written == b""
    await connection.hang_up()


@pytest.mark.parametrize("keeps_sending", [False, True])
async def test_what_is_thrown_away_is_thrown_away_for_a_while_only(*, keeps_sending: bool) -> None:
    connection = Connected(Bounds(drop_seconds=0.05, drop_longest_seconds=0.3))
    await connection.bring(b"RUBBISH\r\n\r\n")
    assert connection.wire.closed
    assert not connection.wire.aborted  # our direction only
    loop, seconds = asyncio.get_running_loop(), 0.0
    began = loop.time()
    while seconds < 3 and not connection.wire.is_gone():
        if keeps_sending:
            connection.protocol.data_received(b"x")
        await asyncio.sleep(0.01)
        seconds = loop.time() - began
    assert seconds < 3
    assert (seconds > 0.25) == keeps_sending
    await connection.hang_up()
