"""The measured targets: start each gateway in front of the upstream, and stop it again.

Other gateways that have to be installed first are in peers.py.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Protocol, Self

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
worker_processes {workers};
worker_rlimit_nofile 16384;
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
  client_body_buffer_size 16m;
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


def on_cores(cores: list[int], command: list[str]) -> list[str]:
    """The command, pinned to these cores if possible."""
    if not shutil.which("taskset"):
        return command
    return ["taskset", "-c", ",".join(map(str, cores)), *command]


class NotStarted(Exception):
    """A target that didn't answer."""


class Process:
    """A process started here, pinned to its cores, ended by its id."""

    def __init__(
        self, command: list[str], cores: list[int], env: dict[str, str] | None = None
    ) -> None:
        self.popen = subprocess.Popen(
            on_cores(cores, command),
            env=env,
            cwd=BENCH.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def pids(self) -> list[int]:
        """The process and all its descendants."""
        found = [self.popen.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
        return found

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
        self.process = Process(command, [LOAD_CORE])
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
    """A target that answers: its address, its processes, and the headers it requires."""

    upstream: Upstream
    port: int
    ready: float
    process: Process | None
    headers: Mapping[str, str] = field(default_factory=dict)
    bears: float = 1.0  # its share of the load

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
    """Wait until there is any answer."""
    until = time.monotonic() + 60
    while True:
        with suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()
            return
        if process.popen.poll() is not None or time.monotonic() > until:
            process.stop()
            raise NotStarted(f"{process.popen.args} did not start")
        time.sleep(0.002)


def direct(upstream: Upstream, _folder: Path, *, tls: bool) -> Running:
    assert not tls, "the load speaks plain HTTP"
    return Running(upstream, upstream.plain, 0.0, None)


def started(
    upstream: Upstream, port: int, command: list[str], path: str, **options: Any
) -> Running:
    """Start a target on its core, unless `cores` names others, and wait until it answers."""
    began = time.monotonic()
    process = Process(command, options.pop("cores", [TEST_CORE]), options.pop("env", None))
    wait_for(port, path, process)
    return Running(upstream, port, time.monotonic() - began, process, **options)


def nginx(
    upstream: Upstream, folder: Path, *, tls: bool, workers: int = 1, **options: Any
) -> Running:
    port = free_port()
    config = folder / f"nginx-{port}.conf"
    config.write_text(
        NGINX.format(
            folder=folder,
            port=port,
            workers=workers,
            upstream=upstream.tls if tls else upstream.plain,
            scheme="https" if tls else "http",
            certificate=upstream.certificate,
        )
    )
    command = ["nginx", "-p", str(folder), "-c", str(config)]
    return started(upstream, port, command, "/models", **options)


def pointsman(
    upstream: Upstream,
    folder: Path,
    *,
    tls: bool,
    python: str = sys.executable,
    policy: str = POLICY,
    settings: Mapping[str, str] | None = None,
    arguments: tuple[str, ...] = (),
    **options: Any,
) -> Running:
    """As shipped, from the command line: policy, observation, verdict, ledger and log all on."""
    port = free_port()
    policies = folder / "policies"
    policies.mkdir(exist_ok=True)
    (policies / "bench.yaml").write_text(policy)
    there = f"https://localhost:{upstream.tls}" if tls else f"http://127.0.0.1:{upstream.plain}"
    env = {
        "PATH": os.environ["PATH"],
        "POINTSMAN_STATE": str(folder / "state"),
        "OPENROUTER_API_KEY": KEY,
        "SSL_CERT_FILE": str(upstream.certificate),
        **(settings or {}),
    }
    command = [python, "-m", "app", "serve", "--port", str(port)]  # of this tree
    command += ["--upstream", f"{there}/api/v1", "--policies", str(policies), *arguments]
    return started(upstream, port, command, "/ready", env=env, **options)


def relay(upstream: Upstream, _folder: Path, *, tls: bool, **options: Any) -> Running:
    """The minimum cost: our server and transport without the rest of Pointsman."""
    port = free_port()
    there = f"https://localhost:{upstream.tls}" if tls else f"http://127.0.0.1:{upstream.plain}"
    env = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": str(upstream.certificate)}
    command = [sys.executable, str(BENCH / "relay.py"), "--port", str(port)]
    command += ["--upstream", f"{there}/api/v1"]
    return started(upstream, port, command, "/models", env=env, **options)


TARGETS: dict[str, Start] = {
    "direct": direct,
    "nginx": nginx,
    "pointsman": pointsman,
    "relay": relay,
    "httpx": partial(pointsman, settings={"POINTSMAN_TRANSPORT": "httpx"}),
}
