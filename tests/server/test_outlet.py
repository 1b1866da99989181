"""Pieces of a body that are written without messages: the same bytes, the same bounds."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Receive, Scope, Send

from app.server.outlet import OUTLET, Outlet
from tests.server.connected import Connected

Headers = list[tuple[bytes, bytes]]
Play = Callable[[Outlet, Send], Awaitable[None]]


class Answering(Connected):
    """Its application sends a head, and then plays what a test is about."""

    def __init__(self, play: Play, headers: Headers) -> None:
        super().__init__()
        self.play = play
        self.headers = headers
        self.raised: list[Exception] = []
        self.scope: Scope = {}

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        self.scope = scope
        outlet: Outlet = scope["extensions"][OUTLET]
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        try:
            await self.play(outlet, send)
        except RuntimeError as error:
            self.raised.append(error)


async def answered(play: Play, headers: Headers | None = None) -> tuple[bytes, Answering]:
    """The body as it was written, and the connection."""
    connection = Answering(play, headers or [])
    await connection.bring(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    await connection.settle()
    return connection.wire.written.partition(b"\r\n\r\n")[2], connection


async def end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def by_outlet(outlet: Outlet, send: Send) -> None:
    outlet.put(b"one")
    await asyncio.sleep(0)
    outlet.put(b"two two two two!")
    await end(send)


async def by_message(outlet: Outlet, send: Send) -> None:
    del outlet
    for piece in (b"one", b"two two two two!"):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0)
    await end(send)


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"19")]])
async def test_the_bytes_are_those_of_messages(headers: Headers) -> None:
    written, connection = await answered(by_outlet, headers)
    assert written == (await answered(by_message, headers))[0]
    assert b"two two two two!" in written
    assert not connection.raised
    assert not connection.wire.closed


async def test_a_body_longer_than_its_length_is_not_written() -> None:
    written, connection = await answered(by_outlet, [(b"content-length", b"5")])
    assert written == b"one"
    assert [str(error) for error in connection.raised] == [
        "the answer is longer than its Content-Length"
    ]
    assert connection.wire.closed


async def test_a_body_shorter_than_its_length_is_noticed_at_its_end() -> None:
    _, connection = await answered(by_outlet, [(b"content-length", b"50")])
    assert "shorter than Content-Length" in str(connection.raised)
    assert connection.wire.closed


async def test_it_is_full_while_the_client_does_not_read() -> None:
    calls: list[str] = []

    async def play(outlet: Outlet, send: Send) -> None:
        assert outlet.put(b"one")
        connection.protocol.pause_writing()
        assert not outlet.put(b"two")
        assert not outlet.has_room(lambda: calls.append("replaced"))
        assert not outlet.has_room(lambda: calls.append("once"))
        connection.protocol.resume_writing()
        assert outlet.has_room(lambda: calls.append("never"))
        connection.protocol.pause_writing()
        connection.protocol.resume_writing()
        await end(send)

    connection = Answering(play, [])
    await connection.bring(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    await connection.settle()
    assert calls == ["once"]


async def test_what_is_written_to_a_client_that_has_left_is_dropped() -> None:
    async def play(outlet: Outlet, send: Send) -> None:
        del send
        connection.protocol.connection_lost(None)
        before = connection.wire.written
        outlet.put(b"one")
        assert connection.wire.written == before

    connection = Answering(play, [])
    await connection.bring(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    await connection.settle()


@pytest.mark.parametrize("leaves", [False, True])
async def test_when_the_answer_is_over_nothing_refers_to_its_request(*, leaves: bool) -> None:
    """The two would wait for the garbage collector, at every request."""

    async def play(outlet: Outlet, send: Send) -> None:
        outlet.put(b"one")
        if leaves:
            connection.protocol.connection_lost(None)
        else:
            await end(send)

    connection = Answering(play, [])
    await connection.bring(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    await connection.settle()
    assert OUTLET not in connection.scope["extensions"]
