"""What a request costs inside Pointsman: no server, no sockets, an upstream that is a constant.

    python bench/inside.py [--calls 40]

Calls of functions, of Python and of C, are the same on every machine at any load: the number to
watch while changing the hot path. CPU is this thread's, the least of several rounds. `--calls N`
lists the N functions that take longest.
"""

import argparse
import asyncio
import cProfile
import logging
import os
import pstats
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import upstream as script
import uvloop
from load import body_of
from targets import KEY, POLICY

from app import main
from app.openrouter.client import OpenRouter
from app.openrouter.transport import Sink
from app.server.disconnect import WHEN_LEFT
from app.server.outlet import OUTLET
from app.settings import Settings

_ROUNDS, _REQUESTS, _EVENTS = 9, 300, 200
_HEADERS = [
    (b"host", b"127.0.0.1:4477"),
    (b"content-type", b"application/json"),
    (b"authorization", b"Bearer sk-or-v1-bench"),
    (b"user-agent", b"OpenAI/Python 3.1.0"),
    (b"accept", b"application/json"),
    (b"x-stainless-lang", b"python"),
    (b"x-stainless-os", b"Linux"),
]


class Answer:
    """An upstream answer made from bytes; a stream's events are sent one by one."""

    def __init__(self, raw: bytes, events: int = 0) -> None:
        head, _, self._body = raw.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = [(name, value) for name, _, value in (x.partition(b": ") for x in lines[1:])]
        self._events = events

    async def chunks(self) -> AsyncIterator[bytes]:
        yield script.EVENT % self._events if self._events else self._body

    async def pour(self, sink: Sink) -> None:
        for number in range(1, self._events):  # the last one is left for `chunks`
            sink.take(script.EVENT % number)

    async def aclose(self) -> None:
        pass


class Nowhere:
    """An outlet to a client that reads at once."""

    def put(self, _piece: bytes) -> bool:
        return True


class Constant:
    """A transport with prepared answers."""

    cancel_by_scope = False
    events = 0

    async def send(self, _method: str, target: str, _headers: object, _body: bytes) -> Answer:
        if target.endswith("/endpoints"):
            return Answer(script.ENDPOINTS)
        if target == "/models":
            return Answer(script.MODELS)
        return Answer(script.STREAM_HEAD, self.events) if self.events else Answer(script.SHORT)

    async def aclose(self) -> None:
        pass


async def ask(app: Callable[..., Awaitable[None]], body: bytes) -> None:
    """One request, passed to the app as by a server."""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(_: object) -> None:
        pass

    await app(
        {
            "type": "http",
            "method": "POST",
            "path": "/v1/chat/completions",
            "query_string": b"",
            "headers": [*_HEADERS, (b"content-length", b"%d" % len(body))],
            "extensions": {WHEN_LEFT: lambda _: None, OUTLET: Nowhere()},
        },
        receive,
        send,
    )
    await asyncio.sleep(0)  # the receipt is filed in the next iteration of the event loop


@asynccontextmanager
async def running(app: Callable[..., Awaitable[None]]) -> AsyncIterator[None]:
    """The app between startup and shutdown, as run by a server."""
    told: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    said: asyncio.Queue[object] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan"}, told.get, said.put))
    told.put_nowait({"type": "lifespan.startup"})
    await said.get()
    yield
    told.put_nowait({"type": "lifespan.shutdown"})
    await life


async def measured(settings: Settings, listed: int) -> None:
    transport = Constant()
    with patch.object(main, "connect", lambda url, *, key, **_: OpenRouter(url, transport, key)):
        app = main.create_app(settings)
    async with running(app):
        for name, events in (("short request", 0), ("streamed event", _EVENTS)):
            transport.events = events
            body = body_of(2000, stream=bool(events))
            per = events or 1
            for _ in range(50):
                await ask(app, body)
            await asyncio.sleep(0.5)
            rounds = []
            for _ in range(_ROUNDS):
                began = time.thread_time()
                for _ in range(_REQUESTS // per + 5):
                    await ask(app, body)
                rounds.append((time.thread_time() - began) / (_REQUESTS // per + 5) / per)
                await asyncio.sleep(0.15)
            profile = cProfile.Profile()
            profile.enable()
            for _ in range(20):
                await ask(app, body)
            profile.disable()
            stats = pstats.Stats(profile)
            calls = stats.total_calls / 20 / per
            print(f"{name:<15} {calls:8.1f} calls {min(rounds) * 1e6:8.1f} us of CPU")
            if listed:
                stats.sort_stats("tottime").print_stats(listed)


def main_() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--calls", type=int, default=0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="pointsman-bench-") as folder:
        (Path(folder) / "policies").mkdir()
        (Path(folder) / "policies" / "bench.yaml").write_text(POLICY)
        settings = Settings(
            openrouter_api_key=KEY, policies=Path(folder) / "policies", state=Path(folder) / "state"
        )
        logging.getLogger("pointsman").setLevel(logging.INFO)
        with Path(os.devnull).open("w") as nowhere:
            logging.getLogger("pointsman").addHandler(logging.StreamHandler(nowhere))
            uvloop.run(measured(settings, given.calls))


if __name__ == "__main__":
    main_()
