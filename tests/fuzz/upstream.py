"""Upstream as a case wants it, and a client that takes whatever comes."""

import asyncio
import contextlib
import re
from typing import Self

import h11

from tests.fuzz.cases import Case

_GONE = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError)
_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


class Upstream:
    """Plays the case at hand to every request but those for listings."""

    def __init__(self) -> None:
        self.case = Case(b"")
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/api/v1"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(*_GONE):
                while await self._one(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        found = _LENGTH.search(head)
        await reader.readexactly(int(found[1]) if found else 0)
        if head.startswith(b"GET ") and b"/models" in head:
            listing = self.case.listing
            writer.write(b"HTTP/1.1 200 X\r\nContent-Length: %d\r\n\r\n" % len(listing) + listing)
            await writer.drain()
            return True
        case = self.case
        for piece in case.answer:
            writer.write(piece)
            await writer.drain()
        return case.relayed is not None


async def exchange(port: int, request: bytes, patience: float) -> tuple[bytes, bool]:
    """What comes in answer to raw bytes, and whether the server has ended it.

    `patience`: seconds of silence after which nothing more is waited for.
    """
    came = bytearray()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    except OSError:
        return b"", False
    try:
        writer.write(request)
        while piece := await asyncio.wait_for(reader.read(2**18), patience):
            came += piece
    except TimeoutError:
        return bytes(came), False
    except OSError:
        pass
    finally:
        writer.transport.abort()
    return bytes(came), True


def parsed(answer: bytes) -> tuple[int, bytes] | None:
    """Status and body of a whole answer; None where it is none, or broken off."""
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=10**6)
    client.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(answer)
    client.receive_data(b"")
    status, body = 0, b""
    try:
        while True:
            event = client.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return status, body
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None
