"""Drives one target and prints what it saw as one line of JSON.

    python bench/load.py streams --port P --upstream U --streams 100 --rate 50 --pids 1,2
    python bench/load.py requests --port P --upstream U --count 2000 --connections 16 --size 2000

Bare protocols, so that the client costs little. CPU time covers the processes named by `--pids`
and all their threads, from the moment when everything runs until just before it stops.
`--upstream` is the scripted upstream, which receives the script to play.
"""

import argparse
import asyncio
import itertools
import json
import re
import resource
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import uvloop

_SENT = re.compile(rb'"content": ?"(\d{16,})"')
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_AGENT = b"OpenAI/Python 3.1.0"
_SETTLE = 0.3  # seconds for work after the answers to finish, especially the ledger's writes
CHAT = "/v1/chat/completions"


def cpu_ns(pids: list[int]) -> int:
    """Nanoseconds on a CPU, of all threads; `stat` counts in 10 ms, `schedstat` doesn't."""
    return sum(
        int(path.read_text().split()[0])
        for pid in pids
        for path in Path(f"/proc/{pid}/task").glob("*/schedstat")
    )


def rss_kb(pids: list[int]) -> int:
    return sum(
        int(line.split()[1])
        for pid in pids
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    )


def body_of(size: int, *, stream: bool) -> bytes:
    """A chat request like a coding tool's, `size` bytes long in total."""
    frame = {"model": "qwen/qwen3-coder", "stream": stream, "max_tokens": 4096, "messages": []}
    line = 'def f(x):\n    return "x" + 1\n'
    messages = [{"role": "user", "content": line * 70}] * (size // 2300)
    frame["messages"] = [*messages, {"role": "user", "content": "hello"}]
    left = size - len(json.dumps(frame))
    frame["messages"][-1]["content"] = "x" * max(left, 5)
    return json.dumps(frame).encode()


def request(port: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A whole request, with the headers that the gateway requires and those of a usual client."""
    named = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Authorization": "Bearer sk-or-v1-bench",
        "User-Agent": _AGENT.decode(),
        "Accept": "application/json",
        "X-Stainless-Lang": "python",
        "X-Stainless-OS": "Linux",
        **headers,
        "Content-Length": str(len(body)),
    }
    lines = [f"POST {CHAT} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def play(upstream: int, **script: float) -> None:
    """Set the script that the upstream plays from now on."""
    connection = HTTPConnection("127.0.0.1", upstream, timeout=10)
    connection.request("GET", f"/play?{urlencode(script)}")
    connection.getresponse().read()
    connection.close()


class Stream(asyncio.Protocol):
    """Reads one stream and records the transit time of each event."""

    def __init__(self, ask: bytes) -> None:
        self.ask = ask
        self.events = 0
        self.delays: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self.ask)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        for sent in _SENT.findall(data):
            self.events += 1
            self.delays.append(now - int(sent))


class Requests(asyncio.Protocol):
    """Sends the next request when an answer is complete, until the shared count is used up."""

    numbers = itertools.count(1000)

    def __init__(
        self, ask: bytes, left: list[int], done: asyncio.Future, *, new_agents: bool
    ) -> None:
        self.ask, self.left, self.done, self.new_agents = ask, left, done, new_agents
        self.missing = 0
        self.chunked = False
        self.head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.next()

    def next(self) -> None:
        if self.left[0] <= 0:
            if not self.done.done():
                self.done.set_result(None)
            self.transport.close()
            return
        self.left[0] -= 1
        ask = self.ask
        if self.new_agents:
            ask = ask.replace(_AGENT, b"agent-%d/1.0" % next(Requests.numbers), 1)
        self.transport.write(ask)

    def data_received(self, data: bytes) -> None:
        if self.chunked:
            self.missing = not data.endswith(b"0\r\n\r\n")
        elif not self.missing:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            assert self.head.startswith(b"HTTP/1.1 200"), self.head[:200]
            if length := _LENGTH.search(self.head, 0, end):
                self.missing = int(length[1]) + end + 4 - len(self.head)
            else:
                self.chunked, self.missing = True, not self.head.endswith(b"0\r\n\r\n")
            self.head = b""
        else:
            self.missing -= len(data)
        if not self.missing:
            self.chunked = False
            self.next()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def quantile(values: list[int], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))] if values else float("nan")


async def streams(given: argparse.Namespace) -> dict:
    loop = asyncio.get_running_loop()
    play(given.upstream, stream=1_000_000, gap=1000 / given.rate)
    ask = request(given.port, body_of(2000, stream=True), given.headers)
    before = rss_kb(given.pids)
    opened: list[Stream] = []
    for start in range(0, given.streams, 50):
        batch = [
            loop.create_connection(lambda: Stream(ask), "127.0.0.1", given.port)
            for _ in range(min(50, given.streams - start))
        ]
        opened += [protocol for _, protocol in await asyncio.gather(*batch)]
        await asyncio.sleep(0.02)
    until = loop.time() + 40
    while not all(stream.events for stream in opened):
        assert loop.time() < until, "not every stream began"
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    for stream in opened:
        stream.delays.clear()
        stream.events = 0
    cpu, began = cpu_ns(given.pids), time.monotonic()
    await asyncio.sleep(given.seconds)
    cpu, took = cpu_ns(given.pids) - cpu, time.monotonic() - began
    delays = [delay for stream in opened for delay in stream.delays]
    rss = rss_kb(given.pids)
    for stream in opened:
        stream.transport.abort()
    return {
        "cpu_us": cpu / 1000 / max(len(delays), 1),
        "events": len(delays),
        "per_second": len(delays) / took,
        "expected": given.streams * given.rate * given.seconds,
        "p50_ms": quantile(delays, 0.5) / 1e6,
        "p99_ms": quantile(delays, 0.99) / 1e6,
        "rss_kb": rss,
        "rss_before_kb": before,
    }


async def requests(given: argparse.Namespace) -> dict:
    loop = asyncio.get_running_loop()
    play(given.upstream)
    ask = request(given.port, body_of(given.size, stream=False), given.headers)

    async def run(count: int) -> float:
        left, began = [count], time.monotonic()
        dones = [loop.create_future() for _ in range(given.connections)]
        for done in dones:
            await loop.create_connection(
                lambda done=done: Requests(ask, left, done, new_agents=given.new_agents),
                *("127.0.0.1", given.port),
            )
        async with asyncio.timeout(120):
            await asyncio.gather(*dones)
        assert left[0] <= 0, "connections were lost"
        return time.monotonic() - began

    await run(max(given.count // 10, 5))
    await asyncio.sleep(_SETTLE)
    cpu = cpu_ns(given.pids)
    took = await run(given.count)
    await asyncio.sleep(_SETTLE)
    return {
        "cpu_us": (cpu_ns(given.pids) - cpu) / 1000 / given.count,
        "per_second": given.count / took,
        "rss_kb": rss_kb(given.pids),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["streams", "requests"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", type=int, required=True)
    parser.add_argument("--pids", default="")
    parser.add_argument("--headers", type=json.loads, default={})
    parser.add_argument("--new_agents", type=bool, default=False, help="one for each request")
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--size", type=int, default=2000)
    given = parser.parse_args()
    given.pids = [int(pid) for pid in given.pids.split(",") if pid]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(json.dumps(uvloop.run({"streams": streams, "requests": requests}[given.what](given))))


if __name__ == "__main__":
    main()
