"""The clients: so many streams open at the same time, and so many short requests a second.

Each request has a connection of its own and is never repeated, so that each failure is seen.
Bounded: by how many may be under way, how many there may be in total, and by time.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Self

import httptools

from bench.chaos.notes import Kind, Note

CHAT = "/v1/chat/completions"
MODEL = "qwen/qwen3-coder"
SERVED_BY = "x-served-by"  # the balancer's header: host and port of the replica
PATIENCE = {"stream": 60.0, "request": 40.0, "spender": 40.0}
MOST_UNDER_WAY, MOST_REQUESTS = 2_000, 200_000
_TICK_SECONDS = 0.02
_PAUSE_SECONDS = 0.2  # of a client whose stream failed
_DONE = b"data: [DONE]"
_KEPT = 400  # bytes of an error


def key_of(caller: str) -> str:
    """The caller's key."""
    return f"key-of-{caller}"


def request(host: str, path: str, caller: str, *, stream: bool | None) -> bytes:
    """A whole request; `stream` None: a GET."""
    body = b""
    if stream is not None:
        content = {"role": "user", "content": "x" * 400}
        body = json.dumps({"model": MODEL, "stream": stream, "messages": [content]}).encode()
    named = {
        "Host": host,
        "Authorization": f"Bearer {key_of(caller)}",
        "Connection": "close",
        **({"Content-Type": "application/json", "Content-Length": len(body)} if body else {}),
    }
    head = f"{'POST' if body else 'GET'} {path} HTTP/1.1"
    lines = [head, *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Asking(asyncio.Protocol):
    """One request on a connection of its own; `done` is set when its answer has ended."""

    def __init__(self, ask: bytes, *, stream: bool = False) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = b""
        self.whole = False
        self.fault = ""
        self._ask, self._stream = ask, stream
        self._ends_well = not stream
        self._tail = b""
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send it."""
        self._transport = transport
        transport.write(self._ask)  # type: ignore[attr-defined]  # as asyncio has it

    def data_received(self, data: bytes) -> None:
        """Read on."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(f"unreadable: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended, perhaps too early."""
        self._end(type(exc).__name__ if exc else "closed early")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Note the status."""
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """Look for the last word of a stream, and keep the beginning."""
        if self._stream:
            self._tail = self._tail[-len(_DONE) :] + body
            self._ends_well = self._ends_well or _DONE in self._tail
        if len(self.body) < _KEPT or not self._stream:
            self.body += body

    def on_message_complete(self) -> None:
        """The answer has come to its end."""
        failed = self.status != 200
        self.whole = self._ends_well or failed
        self._end(_code(self.body) if failed else "" if self._ends_well else "no [DONE]")

    def give_up(self, fault: str) -> None:
        """Close the connection before the end."""
        self._end(fault)

    def _end(self, fault: str) -> None:
        if not self.done.done():
            self.fault = fault
            self.done.set_result(None)
            if hasattr(self, "_transport"):
                self._transport.close()


def _code(body: bytes) -> str:
    """The code in the body of an error, if it has one."""
    with suppress(ValueError, TypeError, KeyError):
        return str(json.loads(body)["error"]["code"])
    return ""


async def asked(port: int, ask: bytes, patience: float, *, stream: bool = False) -> Asking:
    """Send a request to a port of this machine and wait for the end of its answer."""
    asking = Asking(ask, stream=stream)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(patience):
            await loop.create_connection(lambda: asking, "127.0.0.1", port)
            await asking.done
    except TimeoutError:
        asking.give_up("timeout")
    except OSError as error:
        asking.give_up(type(error).__name__)
    except asyncio.CancelledError:
        asking.give_up("the run ended")
        raise
    return asking


async def got(port: int, path: str, caller: str, patience: float) -> tuple[int | None, Any]:
    """Status and JSON of a GET at a replica; the status is None if it did not answer."""
    answer = await asked(port, request("localhost", path, caller, stream=None), patience)
    with suppress(ValueError):
        return answer.status, json.loads(answer.body)
    return None, None


class Load:
    """Sends streams and requests until stopped, and keeps a note of each."""

    def __init__(self, port: int, host: str, name_of: Callable[[str], str]) -> None:
        """`name_of` is the name of the replica at a host and port."""
        self.notes: list[Note] = []
        self._port, self._host, self._name_of = port, host, name_of
        self._going: list[asyncio.Task[None]] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._count = 0
        self._stopping = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        every = [*self._going, *self._under_way]
        for each in every:
            each.cancel()
        await asyncio.gather(*every, return_exceptions=True)

    def streams(self, count: int, caller: str, *, over: float) -> None:
        """Keep so many streams open from now on; they begin evenly over so many seconds."""
        for number in range(count):
            later = over * number / count
            self._going.append(asyncio.create_task(self._stream_after_stream(caller, later)))

    def requests(self, rate: float, caller: str, kind: Kind = "request") -> "asyncio.Task[None]":
        """Send so many requests a second from now on; cancel the task to end it."""
        going = asyncio.create_task(self._request_after_request(rate, caller, kind))
        self._going.append(going)
        return going

    async def finish(self, within: float) -> None:
        """Begin nothing more, and wait for what is under way, for at most so many seconds."""
        self._stopping = True
        every = [*self._going, *self._under_way]
        _, late = await asyncio.wait(every, timeout=within)
        for each in late:
            each.cancel()
        await asyncio.gather(*every, return_exceptions=True)

    async def _stream_after_stream(self, caller: str, later: float) -> None:
        await asyncio.sleep(later)
        ask = request(self._host, CHAT, caller, stream=True)
        while not self._stopping and self._may():
            if (await self._noted("stream", caller, ask)).is_broken:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _request_after_request(self, rate: float, caller: str, kind: Kind) -> None:
        ask = request(self._host, CHAT, caller, stream=False)
        began, sent = time.monotonic(), 0
        while not self._stopping:
            due = int((time.monotonic() - began) * rate)
            while sent < due and len(self._under_way) < MOST_UNDER_WAY and self._may():
                task = asyncio.create_task(self._one(kind, caller, ask))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
                sent += 1
            sent = due  # what was not sent in time is not made up for
            await asyncio.sleep(_TICK_SECONDS)

    def _may(self) -> bool:
        self._count += 1
        return self._count <= MOST_REQUESTS

    async def _one(self, kind: Kind, caller: str, ask: bytes) -> None:
        await self._noted(kind, caller, ask)

    async def _noted(self, kind: Kind, caller: str, ask: bytes) -> Note:
        begun = time.time()
        answer = await asked(self._port, ask, PATIENCE[kind], stream=kind == "stream")
        where = answer.headers.get(SERVED_BY)
        note = Note(
            kind=kind,
            caller=caller,
            begun=begun,
            ended=time.time(),
            status=answer.status,
            replica=self._name_of(where) if where else None,
            receipt=answer.headers.get("x-pointsman-receipt"),
            whole=answer.whole,
            fault=answer.fault,
        )
        self.notes.append(note)
        return note


def callers(spenders: int) -> Iterator[str]:
    """The names of all callers."""
    yield from ("load", "operator")
    yield from (spender(number) for number in range(1, spenders + 1))


def spender(number: int) -> str:
    """The caller whose budget is reached in this step."""
    return f"spender-{number}"
