"""What is measured: how each gateway is started in front of the upstream, and stopped again."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Protocol, Self

BENCH = Path(__file__).parent
KEY = "sk-or-v1-bench"
CORES = sorted(os.sched_getaffinity(0))
LOAD_CORE, TEST_CORE = CORES[0], CORES[-1]

POLICY = """\
version: 1
rules:
  - {name: precise, models: ["*"], quantization_floor: fp8, data_collection: deny}
  - {name: coders, models: ["qwen/*"], sort: throughput, ignore: [mancer]}
aliases:
  coder: {model: qwen/qwen3-coder}
"""

NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log error;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  keepalive_requests 10000000;
  client_max_body_size 64m;
  client_body_buffer_size 2m;
  upstream openrouter {{
    server 127.0.0.1:{upstream};
    keepalive 256;
    keepalive_requests 10000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location / {{
      proxy_pass {scheme}://openrouter;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 900s;
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate {certificate};
      proxy_ssl_name localhost;
    }}
  }}
}}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def on_core(core: int, command: list[str]) -> list[str]:
    """The command, kept to one core where that can be had."""
    return ["taskset", "-c", str(core), *command] if shutil.which("taskset") else command


class Process:
    """A process of ours, on a core of its own, ended by its id."""

    def __init__(self, command: list[str], core: int, env: dict[str, str] | None = None) -> None:
        self.popen = subprocess.Popen(
            on_core(core, command),
            env=env,
            cwd=BENCH.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def pids(self) -> list[int]:
        children = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text()
        return [self.popen.pid, *(int(pid) for pid in children.split())]

    def stop(self) -> None:
        self.popen.terminate()
        try:
            self.popen.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


class Upstream:
    """The scripted upstream, plain and TLS, with a certificate made for this run."""

    def __init__(self, folder: Path) -> None:
        self.plain, self.tls = free_port(), free_port()
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"

    def __enter__(self) -> Self:
        make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        files = ["-keyout", str(self.key), "-out", str(self.certificate)]
        subprocess.run([*make.split(), *name, *files], check=True, capture_output=True)
        command = [sys.executable, str(BENCH / "upstream.py")]
        command += ["--plain", str(self.plain), "--tls", str(self.tls)]
        command += ["--certificate", str(self.certificate), "--key", str(self.key)]
        self.process = Process(command, LOAD_CORE)
        wait_for(self.plain, "/models", self.process)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    def hung_up_at(self) -> int:
        connection = HTTPConnection("127.0.0.1", self.plain, timeout=5)
        connection.request("GET", "/hangup")
        text = connection.getresponse().read()
        connection.close()
        return int(text.partition(b":")[2].strip(b" }"))


@dataclass
class Running:
    """A target that answers: where, and by which processes."""

    port: int
    ready: float
    process: Process | None

    def pids(self) -> list[int]:
        return self.process.pids() if self.process else []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process:
            self.process.stop()


class Start(Protocol):
    """Starts a target in front of the upstream, its plain or its TLS port."""

    def __call__(self, upstream: Upstream, folder: Path, /, *, tls: bool) -> Running: ...


def wait_for(port: int, path: str, process: Process) -> None:
    until = time.monotonic() + 30
    while True:
        with suppress(OSError):
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()
            return
        if process.popen.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{process.popen.args} did not start")
        time.sleep(0.002)


def direct(upstream: Upstream, _folder: Path, *, tls: bool) -> Running:
    assert not tls, "the load speaks plain HTTP"
    return Running(upstream.plain, 0.0, None)


def nginx(upstream: Upstream, folder: Path, *, tls: bool) -> Running:
    port = free_port()
    config = folder / f"nginx-{port}.conf"
    config.write_text(
        NGINX.format(
            folder=folder,
            port=port,
            upstream=upstream.tls if tls else upstream.plain,
            scheme="https" if tls else "http",
            certificate=upstream.certificate,
        )
    )
    began = time.monotonic()
    process = Process(["nginx", "-p", str(folder), "-c", str(config)], TEST_CORE)
    wait_for(port, "/models", process)
    return Running(port, time.monotonic() - began, process)


def pointsman(
    upstream: Upstream, folder: Path, *, tls: bool, settings: dict[str, str] | None = None
) -> Running:
    """As shipped, by its command line: policy, observation, verdict, ledger and log all on."""
    port = free_port()
    policies = folder / "policies"
    policies.mkdir(exist_ok=True)
    (policies / "bench.yaml").write_text(POLICY)
    there = f"https://localhost:{upstream.tls}" if tls else f"http://127.0.0.1:{upstream.plain}"
    env = {
        "PATH": os.environ["PATH"],
        "POINTSMAN_STATE": str(folder / "state"),
        "OPENROUTER_API_KEY": KEY,
        "SSL_CERT_FILE": str(upstream.certificate),
        **(settings or {}),
    }
    command = [sys.executable, "-m", "app", "serve", "--port", str(port)]  # of this tree
    command += ["--upstream", f"{there}/api/v1", "--policies", str(policies)]
    began = time.monotonic()
    process = Process(command, TEST_CORE, env)
    wait_for(port, "/ready", process)
    return Running(port, time.monotonic() - began, process)


def with_httpx(upstream: Upstream, folder: Path, *, tls: bool) -> Running:
    return pointsman(upstream, folder, tls=tls, settings={"POINTSMAN_TRANSPORT": "httpx"})


TARGETS: dict[str, Start] = {
    "direct": direct,
    "nginx": nginx,
    "pointsman": pointsman,
    "httpx": with_httpx,
}
