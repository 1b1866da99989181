"""The short way of a body, from upstream's socket to the caller's, over real sockets."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from app.wire.observer import Observer
from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import Close, Pause, ScriptedUpstream, Step, reply, sse
from tests.warned import warned

BODY = b'{"model":"acme/sim-1","messages":[],"stream":true}'
ASK = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
) % (len(BODY), BODY)
FRAME = b'data: {"provider":"Novita","choices":[{"delta":{"content":"x"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
BIG = b"data: " + b"x" * 60_000 + b"\n\n"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


class Counted(tuple[Step, ...]):  # noqa: SLOT001 - it counts
    """A script that counts the steps that upstream has begun."""

    begun = 0

    def __iter__(self) -> Iterator[Step]:
        for step in super().__iter__():
            self.begun += 1
            yield step


class Caller:
    """A raw connection that reads only when it is asked to, and has little room."""

    def __init__(self, proxy: Proxy) -> None:
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect(("127.0.0.1", urlsplit(proxy.url).port))
        self.sock.settimeout(60)

    def ask(self, ask: bytes = ASK) -> None:
        self.sock.sendall(ask)

    async def read(self, *, until: bytes = b"0\r\n\r\n") -> bytes:
        """The answer as it came, up to these bytes or the connection's end."""
        return await asyncio.to_thread(self._read, until)

    def _read(self, end: bytes) -> bytes:
        came = bytearray()
        while not came.endswith(end) and (piece := self.sock.recv(65536)):
            came += piece
        return bytes(came)


@contextmanager
def calling(proxy: Proxy) -> Iterator[Caller]:
    caller = Caller(proxy)
    try:
        yield caller
    finally:
        caller.sock.close()


def body_of(answer: bytes) -> list[bytes]:
    """The pieces of a chunked body, the empty one at its end included if it came."""
    _, _, rest = answer.partition(b"\r\n\r\n")
    pieces = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        pieces.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]
    return pieces


async def full(script: Counted) -> None:
    """Return once upstream can't send any more, since nothing is read at the other end."""
    seen = 0
    while seen < 2 or seen != script.begun:
        seen = script.begun
        await asyncio.sleep(0.3)


async def test_t19_a_slow_caller_holds_a_fast_upstream_back_and_gets_everything(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    script = Counted(sse(FRAME, *[BIG] * 600, DONE))  # 36 MB
    openrouter.plays(script)
    with calling(proxy) as caller:
        caller.ask()
        await full(script)
        sent = script.begun * len(BIG)
        assert sent < 20_000_000  # in the buffers of two connections; the rest has to wait
        answer = await caller.read()
    assert b"".join(body_of(answer)) == FRAME + BIG * 600 + DONE
    receipt = await proxy.only_receipt()
    assert (receipt["ending"], receipt["provider"]) == ("complete", "novita")
    assert receipt["bytes_out"] == 600 * len(BIG) + len(FRAME + DONE)


@pytest.mark.skipif(
    os.environ.get("POINTSMAN_TRANSPORT") == "httpx", reason="httpx hands out frame by frame"
)
async def test_several_frames_in_one_read_are_one_write_and_each_read_is_another(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    three = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (FRAME, b": x\n\n", FRAME))
    openrouter.plays((CHUNKED, Pause(0.1), three, Pause(0.1), *sse(FRAME)[1:]))
    with calling(proxy) as caller:
        caller.ask()
        pieces = body_of(await caller.read())
    assert pieces[0] == FRAME + b": x\n\n" + FRAME
    assert b"".join(pieces[1:]) == FRAME
    assert pieces[-1] == b""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ((b"".join(x for x in sse(FRAME, DONE) if isinstance(x, bytes)),), FRAME + DONE),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n{}    ",), b"{}    "),
        ((b"HTTP/1.1 200 OK\r\n\r\n{}", Close), b"{}"),
        ((b"HTTP/1.1 200 OK\r\n\r\n", Pause(0.05), b"{", Pause(0.05), b"}", Close), b"{}"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", Pause(0.05), b"}"), b"{}"),
    ],
    ids=["a stream", "a length", "until close", "until close, in pieces", "a length, in pieces"],
)
async def test_an_answer_arrives_whole_however_it_is_framed_and_cut(
    proxy: Proxy, openrouter: ScriptedUpstream, script: tuple[Step, ...], expected: bytes
) -> None:
    openrouter.plays(script)
    for _ in range(2):
        answer = await proxy.client.post(
            f"{proxy.url}/v1/chat/completions",
            content=BODY,
            headers={"content-type": "application/json"},
        )
        assert answer.content == expected
    receipts = await proxy.receipts(2)
    assert len({each["ending"] for each in receipts} & {"upstream_cut", "caller_left"}) == 0
    assert [each["bytes_out"] for each in receipts] == [len(expected)] * 2


async def test_t06_an_upstream_that_closes_within_a_chunk_breaks_the_answer_there(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays((*sse(FRAME, end=False), Pause(0.05), b"ff\r\ndata: ", Pause(0.05), Close))
    with calling(proxy) as caller:
        caller.ask()
        pieces = body_of(await caller.read())
    assert pieces == [FRAME, b"data: "]
    assert (await proxy.only_receipt())["ending"] == "upstream_cut"


async def test_t17_a_caller_that_leaves_while_its_answer_waits_ends_the_upstream_call(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    script = Counted(sse(FRAME, *[BIG] * 600))
    openrouter.plays(script)
    with calling(proxy) as caller:
        caller.ask()
        await full(script)
    async with asyncio.timeout(5):
        receipt = await proxy.only_receipt()
    assert receipt["ending"] == "caller_left"
    assert receipt["bytes_out"] < 20_000_000
    assert script.begun < 600


async def test_a_head_that_fills_the_way_with_its_first_piece_is_followed_by_the_rest(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    """The pause comes inside the write of the head, before anything else is written."""
    huge = b"data: " + b"y" * 900_000 + b"\n\n"
    first = CHUNKED + b"%x\r\n%b\r\n" % (len(huge), huge)
    script = Counted((first, *sse(*[BIG] * 100, DONE)[1:]))
    openrouter.plays(script)
    with calling(proxy) as caller:
        caller.ask()
        await asyncio.sleep(0.3)
        answer = await caller.read()
    assert b"".join(body_of(answer)) == huge + BIG * 100 + DONE
    assert (await proxy.only_receipt())["ending"] == "complete"


async def test_an_upstream_that_ends_while_the_caller_does_not_read_loses_nothing(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    body = BIG * 60 + DONE
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    openrouter.plays((head, *[BIG] * 60, DONE, Close))
    with calling(proxy) as caller:
        caller.ask()
        await asyncio.sleep(0.5)
        answer = await caller.read()
    assert b"".join(body_of(answer)) == body
    assert (await proxy.only_receipt())["ending"] == "complete"


async def test_a_failing_observer_breaks_its_own_answer_and_no_other(
    proxy: Proxy,
    openrouter: ScriptedUpstream,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An observer never raises; if one did, its request would fail, visibly and alone."""
    feed = Observer.feed

    def failing(self: Observer, chunk: bytes) -> None:
        if b"poison" in chunk:
            raise ZeroDivisionError
        feed(self, chunk)

    monkeypatch.setattr(Observer, "feed", failing)
    go_on = (FRAME, Pause(0.4), DONE)
    openrouter.plays(sse(FRAME, Pause(0.1), b": poison\n\n", Pause(20)), sse(*go_on))
    with calling(proxy) as caller, calling(proxy) as other:
        caller.ask()
        await openrouter.was_asked()
        other.ask()
        assert body_of(await caller.read()) == [FRAME]
        assert body_of(await other.read()) == [FRAME, DONE, b""]
    assert await openrouter.saw_hangup()
    endings = {receipt["ending"] for receipt in await proxy.receipts(2)}
    assert endings == {"refused", "complete"}
    assert "failed inside Pointsman" in caplog.text
    caplog.clear()


async def test_a_client_that_reads_again_gets_what_came_before_a_deadline_and_the_error(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    """Silence counts against upstream only while nothing waits for the client."""
    script = Counted(sse(FRAME, *[BIG] * 100, FRAME, Pause(60)))
    openrouter.plays(script)
    policy = "version: 1\nrules:\n  - {name: p, models: ['*'], first_token: 5s, stall: 500ms}\n"
    proxy = start_proxy(policy, upstream_url=openrouter.url)
    with calling(proxy) as caller:
        caller.ask()
        await full(script)
        await asyncio.sleep(1)
        pieces = body_of(await caller.read())
    told = b"".join(pieces)
    assert told.startswith(FRAME + BIG * 100 + FRAME)
    assert b"stall_deadline" in told[len(FRAME + BIG * 100 + FRAME) :]
    assert (await proxy.only_receipt())["error_code"] == "stall_deadline"


@pytest.mark.parametrize("policy", ["", ", on_violation: block, only: [novita]", ", stall: 5s"])
async def test_what_is_noted_of_a_stream_does_not_depend_on_its_way(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, policy: str
) -> None:
    usage = b'data: {"provider":"Novita","choices":[],"usage":{"prompt_tokens":3,"cost":0.1}}\n\n'
    pieces = (FRAME, Pause(0.1), FRAME, Pause(0.1), usage, Pause(0.05), b"data: [DONE]\n\n")
    openrouter.plays(sse(*pieces))
    rule = f"version: 1\nrules:\n  - {{name: p, models: ['*']{policy}}}\n"
    proxy = start_proxy(rule if policy else "version: 1\nrules: []\n", upstream_url=openrouter.url)
    with calling(proxy) as caller:
        caller.ask()
        told = body_of(await caller.read())
    sent = [piece for piece in pieces if isinstance(piece, bytes)]
    assert b"".join(told) == b"".join(sent)
    receipt = await proxy.only_receipt()
    assert (receipt["ending"], receipt["provider"], receipt["cost_usd"]) == (
        "complete",
        "novita",
        0.1,
    )
    assert receipt["bytes_out"] == len(b"".join(sent))
    assert 0 < receipt["ttfb_ms"] <= receipt["ttft_ms"] < receipt["duration_ms"] - 200


async def test_requests_sent_ahead_each_get_their_own_stream(
    proxy: Proxy, openrouter: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    """The outlet belongs to the request whose turn it is."""
    openrouter.plays(
        sse(FRAME, Pause(0.1), b": 1\n\n", Pause(0.1)),
        reply(b'{"n": 2}'),
        sse(FRAME, Pause(0.1), b": 3\n\n", Pause(0.1)),
    )
    with calling(proxy) as caller:
        caller.ask(ASK * 3)
        everything = await caller.read(until=b": 3\n\n\r\n0\r\n\r\n")
    first, second, third = everything.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert body_of(first) == [FRAME, b": 1\n\n", b""]
    assert second.endswith(b'\r\n\r\n{"n": 2}')
    assert body_of(third) == [FRAME, b": 3\n\n", b""]
    assert not warned(caplog)
