"""Measures what 5,000 aborted streams and then 50,000 requests leave behind.

    make bench-soak               or: python -m bench.soak [--aborted 5000] [--requests 50000]

File descriptors, threads and resident memory of a `pointsman serve` process before and after, and
how long it takes until upstream sees that a client has disconnected. Upstream is a scripted one of
its own.
"""

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import ClassVar

BODY = b'{"model":"acme/sim-1","messages":[{"role":"user","content":"hi"}],"stream":%s}'
FRAME = b'data: {"id":"gen-1","provider":"Novita","choices":[{"delta":{"content":"word "}}]}\n\n'
WHOLE = b'{"id":"gen-1","provider":"Novita","choices":[],"usage":{"prompt_tokens":5}}'
POLICY = "version: 1\nrules:\n  - {name: r, models: ['*'], only: [novita], zdr: true}\n"


class Upstream(asyncio.Protocol):
    """Streams until the client disconnects, or answers at once."""

    hung_up: ClassVar[list[float]] = []
    open: ClassVar[int] = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.task: asyncio.Task[None] | None = None
        Upstream.open += 1

    def data_received(self, data: bytes) -> None:
        if b'"stream":true' in data:
            self.task = asyncio.get_running_loop().create_task(self.stream())
        elif data.startswith(b"GET"):
            self.transport.write(b"HTTP/1.1 404 X\r\nContent-Length: 2\r\n\r\n{}")
        elif b'"stream":false' in data:
            head = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            )
            self.transport.write(head % len(WHOLE) + WHOLE)

    async def stream(self) -> None:
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        while True:
            self.transport.write(b"%x\r\n%b\r\n" % (len(FRAME), FRAME))
            await asyncio.sleep(0.005)

    def connection_lost(self, _: Exception | None) -> None:
        Upstream.open -= 1
        if self.task is not None:
            Upstream.hung_up.append(time.perf_counter())
            self.task.cancel()


def state_of(pid: int) -> dict[str, float]:
    status = Path(f"/proc/{pid}/status").read_text()
    read = dict(line.split(":", 1) for line in status.splitlines())
    fds = list(Path(f"/proc/{pid}/fd").iterdir())
    return {
        "RSS MB": round(int(read["VmRSS"].split()[0]) / 1000, 1),
        "fds": len(fds),
        "threads": int(read["Threads"]),
    }


def request(*, stream: bool) -> bytes:
    body = BODY % (b"true" if stream else b"false")
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    ) + body


async def abort(port: int, delays: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(stream=True))
    await reader.readuntil(b"\n\n")
    before = len(Upstream.hung_up)
    left = time.perf_counter()
    writer.transport.abort()
    while len(Upstream.hung_up) == before and time.perf_counter() - left < 5:  # noqa: ASYNC110
        await asyncio.sleep(0.0005)
    delays.append(
        (Upstream.hung_up[before] - left) * 1000 if len(Upstream.hung_up) > before else 5e3
    )


async def ask(port: int, count: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        writer.write(request(stream=False))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        await reader.readexactly(len(WHOLE))
    writer.close()


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--aborted", type=int, default=5_000)
    options.add_argument("--requests", type=int, default=50_000)
    given = options.parse_args()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", 0)
    upstream = server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "p").mkdir()
        (Path(folder) / "p" / "p.yaml").write_text(POLICY)
        env = {
            **os.environ,
            "OPENROUTER_API_KEY": "sk-or-v1-x",
            "POINTSMAN_STATE": folder,
            "POINTSMAN_POLICIES": f"{folder}/p",
            "POINTSMAN_LOG_LEVEL": "warning",
            "POINTSMAN_UPSTREAM_URL": f"http://127.0.0.1:{upstream}/api/v1",
        }
        port = free_port()
        process = subprocess.Popen(  # noqa: ASYNC220 - before anything else runs
            [sys.executable, "-m", "app", "serve", "--port", str(port)], env=env
        )
        try:
            await ready(port)
            await ask(port, 200)
            await asyncio.sleep(1.5)
            show("before", process.pid)
            delays: list[float] = []
            for _ in range(max(1, given.aborted // 10)):
                await abort(port, delays)  # one at a time, since the delay is measured
            waiting = given.aborted - given.aborted // 10
            for start in range(0, waiting, 50):
                await asyncio.gather(*(abort(port, []) for _ in range(min(50, waiting - start))))
            await asyncio.sleep(2)
            show(f"after {given.aborted} aborted streams", process.pid)
            slow = sorted(delays)[int(len(delays) * 0.99) - 1]
            print(
                f"caller left -> upstream closed: p50 {statistics.median(delays):.2f} ms, "
                f"p99 {slow:.2f} ms; upstream connections open: {Upstream.open}"
            )
            for part in range(5):
                await asyncio.gather(*(ask(port, given.requests // 40) for _ in range(8)))
                await asyncio.sleep(1)
                show(f"after {(part + 1) * given.requests // 5} requests", process.pid)
        finally:
            process.terminate()
            process.wait(20)


def show(when: str, pid: int) -> None:
    print(
        f"{when:<28}",
        "  ".join(f"{name} {value}" for name, value in state_of(pid).items()),
        flush=True,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


async def ready(port: int) -> None:
    for _ in range(500):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    raise RuntimeError("the proxy did not start")


if __name__ == "__main__":
    asyncio.run(main())
