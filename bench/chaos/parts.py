"""The parts of a run: replicas of Pointsman, the balancer, and the simulated OpenRouter."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bench.chaos.load import SERVED_BY, callers, key_of
from bench.chaos.processes import CannotRun, Process, Processes, accepts

ROOT = Path(__file__).parents[2]
SITE = "pointsman.example.com"
RULE = "spenders"
_KEY = "sk-or-v1-chaos"
_CADDYFILE = ROOT / "deploy" / "scale" / "Caddyfile"
_SHIPPED = "pointsman-1:4477 pointsman-2:4477 pointsman-3:4477"
# As shipped, and the name of the replica in each answer, by which clients know what they lost.
_NAMED = (
    "header_up -Forwarded\n",
    f"header_up -Forwarded\n\t\theader_down {SERVED_BY} {{http.reverse_proxy.upstream.hostport}}\n",
)
_POLICY = """\
version: 1
rules:
  - {{name: careful, models: ["*"], quantization_floor: fp8, unknown_quantization: auto,
     data_collection: deny, allow_fallbacks: true, affinity: hint, merge: tighten}}
  - name: {rule}
    models: ["*"]
    callers: [{callers}]
    budget: {{usd: {usd:f}, per: month, by: caller}}
"""


@dataclass
class Replica:
    """One Pointsman; its name stays when it is started again, its process does not."""

    name: str
    port: int
    process: Process

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"


class Pointsmans:
    """Starts replicas: each with a state folder of its own, all with the same settings."""

    def __init__(
        self,
        processes: Processes,
        upstream: int,
        spenders: Iterable[str],
        limit: Decimal,
        drain: int,
    ) -> None:
        """`limit` is the budget of each spender, `drain` the seconds for running streams."""
        self._processes = processes
        self.names: dict[str, str] = {}  # by host and port
        policies = processes.folder / "policies"
        policies.mkdir()
        some = list(spenders)
        text = _POLICY.format(rule=RULE, callers=", ".join(some), usd=limit)
        (policies / "policies.yaml").write_text(text, encoding="utf-8")
        self._settings = {
            "PYTHONPATH": str(ROOT),
            "OPENROUTER_API_KEY": _KEY,
            "POINTSMAN_UPSTREAM_URL": f"http://127.0.0.1:{upstream}/api/v1",
            "POINTSMAN_HOST": "127.0.0.1",
            "POINTSMAN_ALLOWED_HOSTS": SITE,
            "POINTSMAN_OPERATORS": "operator",
            "POINTSMAN_CALLER_KEYS": ",".join(f"{one}:{key_of(one)}" for one in callers(len(some))),
            "POINTSMAN_POLICIES": str(policies),
            "POINTSMAN_DRAIN_SECONDS": str(drain),
            "POINTSMAN_LEDGER_KEEP": "90d",
            "POINTSMAN_LOG_LEVEL": "warning",
        }

    def start(self, name: str, port: int, ledger: str) -> Replica:
        """Start one; it may not serve yet."""
        folder = self._processes.folder / name
        folder.mkdir(exist_ok=True)
        settings = {
            **self._settings,
            "HOME": str(folder),
            "POINTSMAN_PORT": str(port),
            "POINTSMAN_STATE": str(folder / "state"),
            "POINTSMAN_LEDGER_URL": ledger,
        }
        process = self._processes.start(
            name, [sys.executable, "-m", "app", "serve"], environment=settings, folder=folder
        )
        replica = Replica(name, port, process)
        self.names[replica.address] = name
        return replica


class Balancer:
    """Caddy, with `deploy/scale/Caddyfile` as it is shipped except for addresses."""

    def __init__(self, processes: Processes, port: int, admin: int) -> None:
        self._processes, self._port, self._admin = processes, port, admin
        self._file = processes.folder / "Caddyfile"
        self._environment = {
            "SITE": f"http://{SITE}:{port}",
            "HOME": str(processes.folder),
            "XDG_DATA_HOME": str(processes.folder),
            "XDG_CONFIG_HOME": str(processes.folder),
        }
        self.host = f"{SITE}:{port}"

    def start(self, replicas: Iterable[Replica]) -> None:
        """Start it in front of these replicas. Raises `CannotRun`."""
        self._write(replicas)
        command = [caddy(), "run", "--config", str(self._file), "--adapter", "caddyfile"]
        process = self._processes.start("caddy", command, environment=self._environment)
        process.listens(self._port)

    def use(self, replicas: Iterable[Replica]) -> None:
        """Send new requests to these replicas only; running ones go on. Raises `CannotRun`."""
        self._write(replicas)
        command = [caddy(), "reload", "--config", str(self._file), "--adapter", "caddyfile"]
        command += ["--address", f"127.0.0.1:{self._admin}"]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            env={"PATH": os.environ["PATH"], **self._environment},
        )
        if done.returncode:
            raise CannotRun(f"caddy reload failed: {done.stderr.strip()}")

    def _write(self, replicas: Iterable[Replica]) -> None:
        shipped = _CADDYFILE.read_text(encoding="utf-8")
        addresses = " ".join(each.address for each in replicas)
        ours = filled_in(shipped, {_SHIPPED: addresses, _NAMED[0]: _NAMED[1]})
        options = f"{{\nadmin 127.0.0.1:{self._admin}\nauto_https off\n}}\n"
        self._file.write_text(options + ours, encoding="utf-8")


def filled_in(text: str, changes: Mapping[str, str]) -> str:
    """`text` with each of these replaced. Raises `CannotRun` for one that is not there."""
    for old, new in changes.items():
        if old not in text:
            raise CannotRun(f"deploy/scale/Caddyfile no longer has {old!r}; adapt bench/chaos")
        text = text.replace(old, new)
    return text


def caddy() -> str:
    """The program. Raises `CannotRun` if there is none."""
    found = shutil.which("caddy")
    if found is None:
        raise CannotRun("no Caddy is installed; on Debian: apt install caddy")
    return found


def caddy_version() -> str:
    """As it says itself."""
    done = subprocess.run([caddy(), "version"], check=True, capture_output=True, text=True)
    return done.stdout.split()[0]


def upstream(processes: Processes, port: int, stream_seconds: float) -> Process:
    """The simulated OpenRouter. Raises `CannotRun`."""
    command = [sys.executable, "-m", "bench.chaos.upstream", str(port), str(stream_seconds)]
    process = processes.start("openrouter", command, environment={"PYTHONPATH": str(ROOT)})
    process.listens(port)
    return process


def check_free(port: int) -> None:
    """Raise `CannotRun` if something listens on the port already."""
    if accepts(port):
        raise CannotRun(f"port {port} is in use; choose another one with --port")
