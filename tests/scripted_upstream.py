"""An upstream that records the whole request and plays a script of bytes, pauses and cuts.

A real socket on port 0, written on bare asyncio so that it can misbehave in every way a server
can. Routing behaviour comes from `app/simulator/`, not from here.
"""

import asyncio
import contextlib
import json
import ssl
import struct
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET, socket
from typing import Any, Self, cast


@dataclass(frozen=True)
class Pause:
    """Send nothing for this many seconds."""

    seconds: float


class Reset:
    """Break the connection with an RST."""


class Close:
    """Close the connection in the ordinary way, wherever the body is."""


_THE_OTHER_SIDE_LEFT = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)

Step = bytes | Pause | asyncio.Event | type[Reset] | type[Close]  # an event is waited for


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of one header; fails when it came twice."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def reply(
    body: bytes, *, status: int = 200, content_type: str = "application/json", **headers: str
) -> tuple[Step, ...]:
    """A whole answer with a content length."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {content_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines).encode() + b"\r\n\r\n" + body,)


def sse(*pieces: Step, end: bool = True) -> tuple[Step, ...]:
    """A chunked event stream; each bytes piece is one HTTP chunk and one write."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    framed = (
        b"%x\r\n%b\r\n" % (len(piece), piece) if isinstance(piece, bytes) else piece
        for piece in pieces
    )
    return (head, *framed, *((b"0\r\n\r\n",) if end else ()))


@dataclass
class ScriptedUpstream:
    """Plays scripts in the order given; the last one again for any further request."""

    scripts: list[tuple[Step, ...]] = field(default_factory=list)
    requests: list[Recorded] = field(default_factory=list)
    catalog_requests: list[Recorded] = field(default_factory=list)
    plays_catalog: bool = False
    records: dict[str, dict[str, Any]] = field(default_factory=dict)  # by generation
    record_requests: list[Recorded] = field(default_factory=list)
    listings: dict[str, list[bytes]] = field(default_factory=dict)  # by model, in the order asked
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)  # set by each request that arrives
    used: set[asyncio.StreamReader] = field(default_factory=set)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def plays(self, *scripts: tuple[Step, ...]) -> None:
        self.scripts = list(scripts)

    def lists(self, model: str, *listings: list[dict[str, Any]]) -> None:
        """Answer for a model's endpoints with each of these in turn, the last one again."""
        self.listings[model] = [
            json.dumps({"data": {"endpoints": rows}}).encode() for rows in listings
        ]

    @property
    def url(self) -> str:
        assert self._server is not None
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self._server.sockets[0].getsockname()[1]}/api/v1"

    @property
    def connections(self) -> int:
        """How many connections brought requests, those for the catalog aside."""
        return len(self.used)

    @property
    def only_request(self) -> Recorded:
        (request,) = self.requests
        return request

    async def was_asked(self, times: int = 1, within: float = 5.0) -> None:
        """Return once so many requests have arrived, those for the catalog aside."""
        async with asyncio.timeout(within):
            while len(self.requests) < times:
                self.asked.clear()
                await self.asked.wait()

    async def saw_hangup(self, within: float = 1.0) -> bool:
        """True once the other side has hung up in the middle of a script."""
        async with asyncio.timeout(within):
            return await self.hung_up.wait()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, self.host, 0, ssl=self.tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._tasks.add(task)
        try:
            with contextlib.suppress(*_THE_OTHER_SIDE_LEFT):
                while await self._one_request(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one_request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = tuple(
            (name, value.strip()) for name, _, value in (line.partition(":") for line in head[1:-2])
        )
        length = int({n.lower(): v for n, v in headers}.get("content-length", "0"))
        body = await reader.readexactly(length)
        request = Recorded(method, target, headers, body)
        of_catalog = "/models" in target or target.endswith("/tools")
        if method == "GET" and of_catalog and not self.plays_catalog:
            self.catalog_requests.append(request)  # the proxy's own, beside what a test is about
            listed = self.listings.get(target.partition("/models/")[2].removesuffix("/endpoints"))
            if not listed:
                return await self._play(reply(b"{}", status=503), reader, writer)
            listing = listed.pop(0) if len(listed) > 1 else listed[0]
            return await self._play(reply(listing), reader, writer)
        if method == "GET" and target.startswith("/api/v1/generation?id="):
            self.record_requests.append(request)  # the proxy's own as well
            record = self.records.get(target.partition("=")[2])
            told = {"data": record} if record else {"error": {"message": "not found", "code": 404}}
            status = 200 if record else 404
            return await self._play(reply(json.dumps(told).encode(), status=status), reader, writer)
        self.requests.append(request)
        self.asked.set()
        self.used.add(reader)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        return await self._play(script, reader, writer)

    async def _play(
        self,
        script: tuple[Step, ...],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Play to the end, or until the other side hangs up; False when the connection is done."""
        for step in script:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif isinstance(step, Pause):
                await _pause(step.seconds, reader)
            elif isinstance(step, asyncio.Event):
                await step.wait()
            elif step is Reset:
                sock = cast("socket", writer.get_extra_info("socket"))
                sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return False
            else:
                return False
            if _gone(reader):
                self.hung_up.set()
                return False
        return True


def _gone(reader: asyncio.StreamReader) -> bool:
    return reader.at_eof() or reader.exception() is not None


async def _pause(seconds: float, reader: asyncio.StreamReader) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until and not _gone(reader):  # noqa: ASYNC110 - a reader has no such event
        await asyncio.sleep(0.002)
