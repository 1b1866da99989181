"""A scripted upstream that is never the bottleneck: bare protocols, prepared answers.

    python bench/upstream.py --plain PORT --tls PORT --certificate FILE --key FILE

GET /play?... sets the script for the requests that follow, since not every gateway passes a query
on:
    (nothing)         one short completion, with provider and usage
    stream=N          N events of a chat stream; each contains its send time
    gap=MS            milliseconds between two of them; 0 sends them as fast as possible
    fixed=1           the same, but every byte is known in advance (see `fixed_stream`)
GET /hangup returns the time when a stream's client was last seen to disconnect.
"""

import argparse
import asyncio
import json
import random
import ssl
import time
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

import uvloop

MODEL = "qwen/qwen3-coder"
PROVIDER = "DeepInfra"

_USAGE = {
    "prompt_tokens": 120,
    "completion_tokens": 40,
    "total_tokens": 160,
    "cost": 0.000123,
    "is_byok": False,
    "prompt_tokens_details": {"cached_tokens": 64},
    "completion_tokens_details": {"reasoning_tokens": 0},
}
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nX-Generation-Id: gen-1\r\n%b\r\n\r\n"
STREAM_HEAD = _HEAD % (b"text/event-stream", b"Transfer-Encoding: chunked")
EVENT = (
    b'data: {"id":"gen-1790000000-AbCdEfGhIjKlMnOpQrSt","provider":"%b","model":"%b",'
    b'"object":"chat.completion.chunk","created":1790000000,"choices":[{"index":0,"delta":'
    b'{"role":"assistant","content":"%%016d"},"finish_reason":null,'
    b'"native_finish_reason":null,"logprobs":null}]}\n\n'
) % (PROVIDER.encode(), MODEL.encode())
_CHUNK = b"%x\r\n%b\r\n" % (len(EVENT % 0), EVENT)


def _json(value: object) -> bytes:
    body = json.dumps(value).encode()
    return _HEAD % (b"application/json", b"Content-Length: %d" % len(body)) + body


SHORT = _json(
    {
        "id": "gen-1790000000-AbCdEfGhIjKlMnOpQrSt",
        "provider": PROVIDER,
        "model": MODEL,
        "object": "chat.completion",
        "created": 1790000000,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "native_finish_reason": "stop",
                "message": {"role": "assistant", "content": "def f(x):\n    return x\n" * 20},
            }
        ],
        "usage": _USAGE,
    }
)
_ENDPOINT = {
    "name": "DeepInfra | qwen/qwen3-coder",
    "provider_name": PROVIDER,
    "tag": "deepinfra/fp8",
    "quantization": "fp8",
    "context_length": 262144,
    "pricing": {"prompt": "0.0000003", "completion": "0.0000012"},
    "supported_parameters": ["tools", "max_tokens"],
}
MODELS = _json({"data": [{"id": MODEL, "hugging_face_id": "Qwen/Qwen3-Coder"}]})
ENDPOINTS = _json({"data": {"id": MODEL, "endpoints": [_ENDPOINT]}})


def fixed_stream(events: int) -> list[bytes]:
    """The pieces of a stream with known bytes: comments, UTF-8, cuts at any position."""
    dice = random.Random(events)
    whole = b": OPENROUTER PROCESSING\n\n".join(
        EVENT % number + 'data: {"x": "h\u00e9 \U0001f642"}\r\n\r\n'.encode()
        for number in range(events)
    )
    cuts = sorted(dice.sample(range(1, len(whole)), events * 2))
    return [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


class Connection(asyncio.BufferedProtocol):
    """One keep-alive connection; a request's body is counted but not stored."""

    buffer = memoryview(bytearray(1 << 20))  # shared: the data is consumed at once
    hung_up_at = 0
    script: ClassVar[dict[str, str]] = {}  # the current script

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.head = b""
        self.body_left = 0
        self.transport: asyncio.Transport
        self.target = ""
        self.timer: asyncio.TimerHandle | None = None
        self.events_left = 0
        self.streaming = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        if self.streaming:
            Connection.hung_up_at = time.monotonic_ns()
        if self.timer:
            self.timer.cancel()

    def get_buffer(self, _: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, count: int) -> None:
        if self.body_left:
            self.body_left -= count
        else:
            self.head += self.buffer[:count].tobytes()
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, rest = self.head[:end].lower(), len(self.head) - end - 4
            self.target = self.head[: self.head.index(b"\r\n")].split(b" ")[1].decode()
            self.head = b""
            at = head.find(b"\r\ncontent-length:")
            length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            self.body_left = length - rest
        if self.body_left <= 0:
            self.answer()

    def answer(self) -> None:
        url = urlsplit(self.target)
        if url.path == "/play":
            Connection.script = dict(parse_qsl(url.query))
            self.transport.write(_json({}))
        elif url.path == "/hangup":
            self.transport.write(_json({"at": Connection.hung_up_at}))
        elif url.path.endswith("/endpoints"):
            self.transport.write(ENDPOINTS)
        elif url.path.endswith("/models"):
            self.transport.write(MODELS)
        elif "stream" in (script := Connection.script):
            self.start_stream(
                int(script["stream"]), float(script.get("gap", 0)), fixed="fixed" in script
            )
        else:
            self.transport.write(SHORT)

    def start_stream(self, events: int, gap_ms: float, *, fixed: bool) -> None:
        self.streaming = True
        self.transport.write(STREAM_HEAD)
        if fixed:
            self.pieces = fixed_stream(events)[::-1]
            self.timer = self.loop.call_later(0.001, self.next_piece)
            return
        self.events_left, self.gap = events, gap_ms / 1000
        self.due = self.loop.time() + random.random() * self.gap
        self.timer = self.loop.call_at(self.due, self.next_event)

    def next_piece(self) -> None:
        piece = self.pieces.pop()
        self.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if self.pieces:
            self.timer = self.loop.call_soon(self.next_piece)
        else:
            self.end_stream()

    def next_event(self) -> None:
        self.transport.write(_CHUNK % time.monotonic_ns())
        self.events_left -= 1
        if self.events_left:
            self.due += self.gap
            self.timer = self.loop.call_at(self.due, self.next_event)
        else:
            self.end_stream()

    def end_stream(self) -> None:
        self.streaming, self.timer = False, None
        self.transport.write(b"0\r\n\r\n")


async def serve(plain: int, tls: int, certificate: str, key: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(Connection, "127.0.0.1", plain, backlog=2048)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    await loop.create_server(Connection, "127.0.0.1", tls, ssl=context, backlog=2048)
    await asyncio.sleep(3600)  # in any case, it does not run forever


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--plain", type=int, required=True)
    parser.add_argument("--tls", type=int, required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    given = parser.parse_args()
    uvloop.run(serve(given.plain, given.tls, given.certificate, given.key))
