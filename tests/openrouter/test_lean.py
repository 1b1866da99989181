"""The lean transport, where it can go wrong in its own ways: pool, cancelling, back-pressure."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from socket import AF_INET, AF_INET6, SOCK_STREAM

import pytest

from app.errors import UpstreamCut
from app.openrouter.dial import dial
from app.openrouter.lean import LeanTransport
from tests.openrouter.test_client import Basin
from tests.scripted_upstream import Pause, ScriptedUpstream, Step, reply, sse

ANSWER = reply(b"{}")


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
async def lean(scripted: ScriptedUpstream) -> AsyncIterator[LeanTransport]:
    transport = LeanTransport(scripted.url, connect_timeout=1, read_timeout=5, idle_seconds=0.2)
    yield transport
    await transport.aclose()


async def get(transport: LeanTransport) -> bytes:
    upstream = await transport.send("GET", "/x", [], b"")
    try:
        return b"".join([chunk async for chunk in upstream.chunks()])
    finally:
        await upstream.aclose()


def open_sockets() -> int:
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the folder's own is gone by now
            found += str(link.readlink()).startswith("socket:")
    return found


SURPLUS: dict[str, tuple[Step, ...]] = {
    "another answer": (ANSWER[0] + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",),  # type: ignore[operator]
    "rubbish": (ANSWER[0] + b"rubbish",),  # type: ignore[operator]
}


@pytest.mark.parametrize("surplus", SURPLUS)
async def test_what_upstream_sends_unasked_is_nobodys_answer(
    lean: LeanTransport, scripted: ScriptedUpstream, surplus: str
) -> None:
    scripted.plays(SURPLUS[surplus], reply(b"next"))
    assert await get(lean) == b"{}"
    assert await get(lean) == b"next"
    assert scripted.connections == 2


async def test_a_connection_that_upstream_has_just_closed_is_not_used() -> None:
    """The end is in the socket, but the loop has not looked: hence the look before each use."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        lean = LeanTransport(url, connect_timeout=1, read_timeout=5)
        for _ in range(3):
            asking = asyncio.create_task(get(lean))
            peer, _ = await loop.sock_accept(listener)
            assert (await loop.sock_recv(peer, 65536)).startswith(b"GET /x ")
            await loop.sock_sendall(peer, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            assert await asking == b"{}"
            peer.close()
        await lean.aclose()


async def test_connections_idle_for_a_while_and_no_longer(
    lean: LeanTransport, scripted: ScriptedUpstream
) -> None:
    scripted.plays(ANSWER)
    before = open_sockets()
    await asyncio.gather(*(get(lean) for _ in range(5)))
    assert open_sockets() > before
    await asyncio.sleep(0.5)
    assert open_sockets() == before


async def test_no_more_than_a_hundred_connections_idle(scripted: ScriptedUpstream) -> None:
    transport = LeanTransport(scripted.url, connect_timeout=5, read_timeout=5)
    scripted.plays((Pause(0.3), *ANSWER))
    before = open_sockets()
    await asyncio.gather(*(get(transport) for _ in range(130)))
    await asyncio.sleep(0.1)
    assert open_sockets() - before == 2 * 100  # both ends are in this process
    await transport.aclose()
    await asyncio.sleep(0.1)
    assert open_sockets() == before


@pytest.mark.parametrize("turns", range(12))
async def test_t21_cancelled_at_any_await_it_leaves_no_socket(
    lean: LeanTransport, scripted: ScriptedUpstream, turns: int
) -> None:
    scripted.plays(sse(b"1", Pause(0.01), b"2", Pause(5), b"3"))
    before = open_sockets()
    task = asyncio.create_task(get(lean))
    for _ in range(turns):
        await asyncio.sleep(0.003)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.05)
    assert open_sockets() == before


async def test_t19_who_reads_slowly_slows_upstream_down(
    lean: LeanTransport, scripted: ScriptedUpstream
) -> None:
    piece = b"x" * 65536
    scripted.plays(sse(*[piece] * 800))  # 50 MB: no kernel buffers as much
    upstream = await lean.send("GET", "/x", [], b"")
    await asyncio.sleep(0.5)
    held = upstream._reader.held  # noqa: SLF001 - the point is what is kept inside
    assert held < 1_000_000
    assert sum([len(chunk) async for chunk in upstream.chunks()]) == 800 * len(piece)
    await upstream.aclose()


async def test_silence_counts_only_while_somebody_waits() -> None:
    async with ScriptedUpstream() as scripted:
        scripted.plays(sse(b"1", Pause(0.6), b"2"))
        transport = LeanTransport(scripted.url, connect_timeout=1, read_timeout=0.4)
        upstream = await transport.send("GET", "/x", [], b"")
        chunks = upstream.chunks()
        assert await anext(chunks) == b"1"
        await asyncio.sleep(0.8)  # the caller is slow, upstream is not
        assert await anext(chunks) == b"2"
        await upstream.aclose()
        await transport.aclose()


async def test_t19_a_full_sink_slows_upstream_down_and_gets_the_rest_once_it_has_room(
    lean: LeanTransport, scripted: ScriptedUpstream
) -> None:
    piece = b"x" * 65536
    scripted.plays(sse(*[piece] * 800))
    upstream = await lean.send("GET", "/x", [], b"")
    basin = Basin(room=3)
    pouring = asyncio.create_task(upstream.pour(basin))
    await asyncio.sleep(0.5)
    assert len(basin.taken) == 3
    assert upstream._reader.held < 1_000_000  # noqa: SLF001 - the point is what is kept inside
    basin.make_room()
    await pouring
    rest = [chunk async for chunk in upstream.chunks()]
    assert b"".join([*basin.taken, *rest]) == piece * 800
    assert basin.room > 0
    await upstream.aclose()


async def test_silence_counts_only_while_the_sink_has_room() -> None:
    async with ScriptedUpstream() as scripted:
        scripted.plays(sse(b"1", Pause(0.1), b"2", Pause(60)))
        transport = LeanTransport(scripted.url, connect_timeout=1, read_timeout=0.3)
        upstream = await transport.send("GET", "/x", [], b"")
        basin = Basin(room=1)
        pouring = asyncio.create_task(upstream.pour(basin))
        await asyncio.sleep(1)
        assert not pouring.done()
        began = asyncio.get_running_loop().time()
        basin.make_room()
        await pouring
        assert asyncio.get_running_loop().time() - began > 0.25
        assert basin.taken == [b"1", b"2"]
        with pytest.raises(UpstreamCut, match=r"no data for 0\.3 s"):
            await anext(upstream.chunks())
        await upstream.aclose()
        await transport.aclose()


async def test_a_sink_that_fails_ends_its_own_exchange_alone(
    lean: LeanTransport, scripted: ScriptedUpstream
) -> None:
    class Failing(Basin):
        def take(self, piece: bytes) -> bool:
            super().take(piece)
            raise ZeroDivisionError

    scripted.plays(sse(b"1", Pause(0.02), b"2", Pause(60)), ANSWER)
    for first in (b"", b"1"):  # called by `pour` itself, and by the loop
        upstream = await lean.send("GET", "/x", [], b"")
        if not first:
            await asyncio.sleep(0.01)
        failing = Failing()
        with pytest.raises(ZeroDivisionError):
            await upstream.pour(failing)
        assert len(failing.taken) == 1
        await upstream.aclose()
        scripted.plays(sse(Pause(0.02), b"1", b"2", Pause(60)), ANSWER)
    scripted.plays(ANSWER)
    assert await get(lean) == b"{}"


@pytest.mark.parametrize("full", [False, True])
async def test_a_cancelled_task_has_nothing_more_poured(
    lean: LeanTransport, scripted: ScriptedUpstream, *, full: bool
) -> None:
    """What arrives between the cancelling and the task's turn would follow its last words."""
    came = asyncio.Event()
    scripted.plays(sse(b"1", Pause(0.02), b"2", came, b"3", Pause(60)))
    before = open_sockets()
    upstream = await lean.send("GET", "/x", [], b"")
    basin = Basin(room=1 if full else 1000)
    pouring = asyncio.create_task(upstream.pour(basin))
    await asyncio.sleep(0.1)
    taken = list(basin.taken)
    pouring.cancel()
    upstream._connection.data_received(b"1\r\n3\r\n")  # noqa: SLF001 - in the same round of the loop
    basin.make_room()
    with pytest.raises(asyncio.CancelledError):
        await pouring
    assert basin.taken == taken
    await upstream.aclose()
    basin.make_room()
    came.set()
    await asyncio.sleep(0.05)
    assert basin.taken == taken
    assert open_sockets() == before


async def test_trailers_without_end_are_cut_off(
    lean: LeanTransport, scripted: ScriptedUpstream
) -> None:
    scripted.plays((*sse(b"1", end=False), b"0\r\n", b"X-Late: y\r\n" * 40_000, Pause(5)))
    upstream = await lean.send("GET", "/x", [], b"")
    with pytest.raises(Exception, match="headers do not end"):
        _ = [chunk async for chunk in upstream.chunks()]
    await upstream.aclose()


class _Quiet(asyncio.Protocol):
    wire: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.wire = transport

    def abort(self) -> None:
        if self.wire:
            self.wire.abort()


async def test_a_name_with_an_address_that_fails_is_reached_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ScriptedUpstream() as scripted:
        port = int(scripted.url.rpartition(":")[2].partition("/")[0])

        async def two(*_: object, **__: object) -> list[object]:
            return [
                (AF_INET6, SOCK_STREAM, 6, "", ("::1", port, 0, 0)),  # nobody is there
                (AF_INET, SOCK_STREAM, 6, "", ("127.0.0.1", port)),
            ]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two)
        made = await dial("two.example", port, _Quiet)
        assert made.wire is not None
        assert made.wire.get_extra_info("peername")[0] == "127.0.0.1"
        made.abort()
