"""Start-up, idle memory, and the time that Pointsman adds to a short request.

    make bench-latency            or: python bench/latency.py [--requests 2000]

Everything runs on this machine: the simulated OpenRouter, Pointsman in front of it, and one
client that asks both in turn, so that noise hits both alike. Bounded, ends in well under a minute.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

BODY = json.dumps(
    {"model": "qwen/qwen3-coder", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}
)
HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-or-v1-simulated"}
POINTSMAN = [sys.executable, "-m", "app"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def started(arguments: list[str], port: int, ready_path: str, env: dict[str, str]):
    """A server process, and the seconds until it answered."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [*POINTSMAN, *arguments], env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                ask(port, ready_path)
                break
            except OSError:
                if process.poll() is not None or time.perf_counter() - began > 30:
                    raise
                time.sleep(0.002)
        yield process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(timeout=20)


def ask(port: int, path: str) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    connection.getresponse().read()
    connection.close()


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("no VmRSS")


def cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def post(connection: HTTPConnection, path: str) -> float:
    began = time.perf_counter()
    connection.request("POST", path, BODY, HEADERS)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
    return (time.perf_counter() - began) * 1000


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--requests", type=int, default=2000)
    count = min(options.parse_args().requests, 20_000)
    upstream, ours = free_port(), free_port()
    with tempfile.TemporaryDirectory() as state:
        env = {**os.environ, "POINTSMAN_STATE": state, "OPENROUTER_API_KEY": "sk-or-v1-simulated"}
        simulate = ["simulate", "--port", str(upstream), "--pace", "0"]
        serve = ["serve", "--port", str(ours), "--upstream", f"http://127.0.0.1:{upstream}/api/v1"]
        with started(simulate, upstream, "/api/v1/models", env):
            startups = []
            for _ in range(5):
                with started(serve, ours, "/ready", env) as (_, seconds):
                    startups.append(seconds)
            with started(serve, ours, "/ready", env) as (pid, seconds):
                startups.append(seconds)
                time.sleep(1)
                idle = resident_mb(pid)
                direct = HTTPConnection("127.0.0.1", upstream, timeout=30)
                through = HTTPConnection("127.0.0.1", ours, timeout=30)
                for _ in range(100):
                    post(direct, "/api/v1/chat/completions")
                    post(through, "/v1/chat/completions")
                cpu = cpu_ms(pid)
                pairs = [
                    (
                        post(direct, "/api/v1/chat/completions"),
                        post(through, "/v1/chat/completions"),
                    )
                    for _ in range(count)
                ]
                cpu = (cpu_ms(pid) - cpu) / count
                busy = resident_mb(pid)
    without, with_it = [list(side) for side in zip(*pairs, strict=True)]
    print(f"start to ready    {statistics.median(startups):7.3f} s   (median of {len(startups)})")
    print(f"idle RSS          {idle:7.1f} MB  ({busy:.1f} MB after {count} requests)")
    print(f"CPU per request   {cpu:7.2f} ms  (policy, verdict and ledger included)")
    print(f"{'latency, ms':<17} {'p50':>7} {'p99':>7}")
    for label, values in (("direct", without), ("Pointsman", with_it)):
        print(f"  {label:<15} {quantile(values, 0.5):7.2f} {quantile(values, 0.99):7.2f}")
    added = quantile(with_it, 0.5) - quantile(without, 0.5)
    print(f"  {'added':<15} {added:7.2f}")


if __name__ == "__main__":
    main()
