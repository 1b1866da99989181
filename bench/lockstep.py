"""A client and an upstream in one process that take turns, so that nothing depends on time.

The client sends its next request when the answer before is complete, and the upstream its next
event when the client has the one before. So the gateway between them gets each piece by itself, in
the same order at any load: what it does for them can be counted and compared.
"""

import asyncio
import re

import upstream as script
from load import CHAT, body_of, request

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_USAGE = (
    b'data: {"id":"gen-1790000000-AbCdEfGhIjKlMnOpQrSt","provider":"DeepInfra","model":'
    b'"qwen/qwen3-coder","object":"chat.completion.chunk","created":1790000000,"choices":'
    b'[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop",'
    b'"native_finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":120,'
    b'"completion_tokens":40,"total_tokens":160,"cost":0.000123,"is_byok":false}}\n\n'
    b"data: [DONE]\n\n"
)
_EVENT_ENDS, _STREAM_ENDS = b"\n\n\r\n", b"\r\n0\r\n\r\n"


class Lockstep:
    """Both ends of a gateway."""

    def __init__(self) -> None:
        self._events = 0
        self._turn = asyncio.Semaphore(0)
        self._server: asyncio.Server
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def listen(self) -> int:
        """Begin to listen as the upstream; returns the port."""
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def connect(self, port: int) -> None:
        """Connect to the gateway as its client."""
        self._port = port
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)

    def close(self) -> None:
        self._writer.close()
        self._server.close()

    async def short(self, count: int) -> None:
        """So many short requests, 2 kB up and 1 kB down, one after another."""
        ask = request(self._port, body_of(2000, stream=False), {})
        for _ in range(count):
            self._events = 0
            self._writer.write(ask)
            head = await self._head()
            await self._reader.readexactly(int(_LENGTH.search(head)[1]))

    async def streams(self, count: int, events: int) -> None:
        """So many streams of so many events each, one after another."""
        ask = request(self._port, body_of(2000, stream=True), {})
        for _ in range(count):
            self._events = events
            self._writer.write(ask)
            await self._head()
            for _ in range(events):
                await self._reader.readuntil(_EVENT_ENDS)
                self._turn.release()
            await self._reader.readuntil(_STREAM_ENDS)

    async def _head(self) -> bytes:
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"the gateway answered: {head[:200].decode()}")
        return head

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                await reader.readexactly(int(length[1]) if length else 0)
                path = head.split(b" ", 2)[1]
                if path.endswith(CHAT.removeprefix("/v1").encode()):
                    await self._complete(writer)
                else:
                    writer.write(script.ENDPOINTS if path.endswith(b"endpoints") else script.MODELS)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _complete(self, writer: asyncio.StreamWriter) -> None:
        if not self._events:
            writer.write(script.SHORT)
            return
        head = script.STREAM_HEAD
        for number in range(self._events):
            writer.write(head + _chunk(script.EVENT % number))
            head = b""
            await self._turn.acquire()
        writer.write(_chunk(_USAGE) + b"0\r\n\r\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
