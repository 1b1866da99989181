"""The measurements; the target is started before each and stopped after it."""

import hashlib
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from load import CHAT, body_of, play, request, rss_kb
from targets import BENCH, LOAD_CORE, Running, Start, Upstream, direct, on_cores
from upstream import fixed_stream

Figures = dict[str, float]


class LoadFailed(Exception):
    """The target could not handle the load, or the machine could not generate it."""


@dataclass(frozen=True)
class Bench:
    """The inputs of every measurement."""

    upstream: Upstream
    folder: Path
    seconds: float

    def start(self, target: Start, *, tls: bool = False) -> Running:
        return target(self.upstream, self.folder, tls=tls)


def load(running: Running, what: str, **options: float) -> dict[str, float]:
    """Run the load in a separate process, so that its cost is not counted for the target.

    A target that can't handle the whole load gets a share: fewer requests, slower chunks.
    """
    if "rate" in options:
        options["rate"] *= running.bears
    if "count" in options:
        options["count"] = max(int(options["count"] * running.bears), 16)
    command = [sys.executable, str(BENCH / "load.py"), what, "--port", str(running.port)]
    command += ["--upstream", str(running.upstream.plain), "--headers", json.dumps(running.headers)]
    command += ["--pids", ",".join(map(str, running.pids()))]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(
        on_cores([LOAD_CORE], command), check=False, capture_output=True, text=True, timeout=180
    )
    if done.returncode:
        raise LoadFailed(done.stderr.strip().rpartition("\n")[2])
    return json.loads(done.stdout)


def stream(bench: Bench, target: Start) -> Figures:
    """The cost of a chunk and a stream: 100 streams of 50 chunks a second, then 1,000 of 5."""
    with bench.start(target) as running:
        load(running, "requests", count=200)  # warm
        few = load(running, "streams", streams=100, rate=50, seconds=bench.seconds)
        figures = {"stream": few["cpu_us"], "kept_up": few["events"] / few["expected"]}
        try:
            many = load(running, "streams", streams=1000, rate=5, seconds=bench.seconds)
        except LoadFailed as failure:
            print(f"1,000 streams: {failure}", file=sys.stderr)
            return figures
    grown = (many["rss_kb"] - few["rss_before_kb"]) / 1000
    return figures | {"stream1000": many["cpu_us"], "per_stream": grown}


def tls(bench: Bench, target: Start) -> Figures:
    if target is direct:
        return {}
    with bench.start(target, tls=True) as running:
        short = load(running, "requests", count=2000)
        chunks = load(running, "streams", streams=100, rate=50, seconds=bench.seconds)
    return {"tls": chunks["cpu_us"], "short_tls": short["cpu_us"]}


def latency(bench: Bench, target: Start) -> Figures:
    """50 streams of 50 chunks a second; then requests one after another, with pauses."""
    with bench.start(target) as running:
        load(running, "requests", count=200)
        seen = load(running, "streams", streams=50, rate=50, seconds=bench.seconds)
        return {"p50": seen["p50_ms"], "p99": seen["p99_ms"], "ttfb": ttfb(running, 60)}


def ttfb(running: Running, count: int) -> float:
    """The median time to the first byte of a stream, in milliseconds, on one warm connection."""
    times = []
    play(running.upstream.plain, stream=1)
    ask = request(running.port, body_of(2000, stream=True), running.headers)
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            began = time.perf_counter()
            connection.sendall(ask)
            answer = connection.recv(65536)
            times.append((time.perf_counter() - began) * 1000)
            while answer and not answer.endswith(b"0\r\n\r\n"):
                answer += connection.recv(65536)
            if not answer:
                raise LoadFailed("the connection was closed")
            time.sleep(0.02)
    return statistics.median(times)


def short(bench: Bench, target: Start) -> Figures:
    with bench.start(target) as running:
        seen = load(running, "requests", count=4000, connections=16, size=2000)
    return {"short": seen["cpu_us"], "short_per_second": seen["per_second"]}


def large(bench: Bench, target: Start) -> Figures:
    with bench.start(target) as running:
        seen = load(running, "requests", count=200, connections=2, size=1_000_000)
    return {"large": seen["cpu_us"]}


def start(bench: Bench, target: Start) -> Figures:
    """Start-up, idle memory, bytes, and the delay until upstream sees a client disconnect."""
    with bench.start(target) as running:
        time.sleep(1)
        idle = rss_kb(running.pids()) / 1000
        figures = {
            "exact": float(all(is_exact(running, n) for n in (1, 50, 400))),
            "hangup": hangup(running, 5),
        }
        return figures | ({} if target is direct else {"ready": running.ready, "idle": idle})


def is_exact(running: Running, events: int) -> bool:
    play(running.upstream.plain, stream=events, fixed=1)
    connection = HTTPConnection("127.0.0.1", running.port, timeout=20)
    headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-or-v1-bench"}
    try:
        connection.request("POST", CHAT, body_of(2000, stream=True), headers | running.headers)
        came = hashlib.sha256(connection.getresponse().read()).digest()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return came == hashlib.sha256(b"".join(fixed_stream(events))).digest()


def hangup(running: Running, times: int) -> float:
    """The median milliseconds until upstream sees the client disconnect; or infinity."""
    found: list[float] = []
    while len(found) < times and float("inf") not in found:
        found.append(hangup_once(running))
    return float("inf") if float("inf") in found else statistics.median(found)


def hangup_once(running: Running) -> float:
    play(running.upstream.plain, stream=100_000, gap=50)
    ask = request(running.port, body_of(2000, stream=True), running.headers)
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(ask)
        for _ in range(3):
            connection.recv(65536)
        left = time.monotonic_ns()
    until = left + 3_000_000_000
    while (seen := running.upstream.hung_up_at()) < left:
        if time.monotonic_ns() > until:
            return float("inf")
        time.sleep(0.002)
    return (seen - left) / 1e6


MEASURES: dict[str, Callable[[Bench, Start], Figures]] = {
    "stream": stream,
    "tls": tls,
    "short": short,
    "large": large,
    "latency": latency,
    "start": start,
}
