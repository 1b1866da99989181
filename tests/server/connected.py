"""One connection of ours, without a socket: what an application sees of the bytes that come."""

import asyncio
from collections.abc import Iterable
from typing import cast

from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from app.cli.serving import STANDARD, configured
from app.server.bounds import Bounds
from app.server.entrance import State
from app.server.process import Traffic
from app.server.protocol import protocol
from app.telemetry.stalls import Stalls

Seen = tuple[str, str, list[tuple[bytes, bytes]], bytes]


class Wire:
    """A connection's other end: notes what was written, and whether it was closed."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = self.aborted = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    write_eof = close

    def abort(self) -> None:
        self.closed = self.aborted = True

    def can_write_eof(self) -> bool:
        return True

    def is_gone(self) -> bool:
        return self.aborted

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str) -> None:
        del name

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Connected:
    """A connection to an application that reads each request, notes it and answers 204."""

    def __init__(self, bounds: Bounds = STANDARD) -> None:
        self.seen: list[Seen] = []
        self.wire = Wire()
        state = State(Traffic(), Stalls())
        self.connections = state.traffic.connections
        config = configured(self._app, bounds, state)
        config.load()
        self.protocol = protocol(bounds, self.connections)(config, ServerState(), {})
        self.protocol.connection_made(cast("asyncio.Transport", self.wire))

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message["body"]
            more = message["more_body"]
        self.seen.append((scope["method"], scope["path"], scope["headers"], body))
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    async def bring(self, *pieces: bytes) -> int:
        """Let these arrive until the connection is closed; returns how many did."""
        brought = 0
        for piece in pieces:
            if self.wire.closed:
                break
            brought += 1
            self.protocol.data_received(piece)
            await asyncio.sleep(0)
        return brought

    async def settle(self) -> None:
        """Wait until the application has seen all that it will."""
        before = -1
        while before < len(self.seen):
            before = len(self.seen)
            for _ in range(5):
                await asyncio.sleep(0)

    async def hang_up(self) -> None:
        self.protocol.connection_lost(None)
        await asyncio.sleep(0)


async def served(pieces: Iterable[bytes], bounds: Bounds = STANDARD) -> tuple[list[Seen], Wire]:
    """The requests that an application sees of a connection that brings these pieces.

    With the other end as it is before it hangs up.
    """
    connection = Connected(bounds)
    await connection.bring(*pieces)
    await connection.settle()
    closed = connection.wire.closed
    await connection.hang_up()
    connection.wire.closed = closed
    return connection.seen, connection.wire
