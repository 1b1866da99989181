"""Pointsman with its dashboard on a real socket, in front of the simulated OpenRouter."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.ledger.receipt import Receipt
from app.ledger.store import Store
from app.main import create_app
from app.settings import Settings
from app.simulator import create_simulator
from tests.dashboard.samples import POLICY, audited, sample, samples
from tests.running import NO_TLS, Running, running

KEYS = "aider:key-of-aider,ci:key-of-ci"


@dataclass(frozen=True)
class Served:
    """A running Pointsman, its files, and a client that follows no redirect."""

    server: Running
    client: httpx2.Client
    folder: Path

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def policy_file(self) -> Path:
        return self.folder / "policies" / "test.yaml"

    @property
    def ledger_file(self) -> Path:
        return self.folder / "ledger.db"

    def get(self, path: str, **options: Any) -> httpx2.Response:
        return self.client.get(self.url + path, **options)

    def post(self, path: str, **options: Any) -> httpx2.Response:
        return self.client.post(self.url + path, **options)

    def as_written(self, method: str, path: str, **headers: str) -> int:
        """The status of a request whose path goes out as it is, dots and all."""
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        with closing(connection):
            connection.request(method, path, headers=headers)
            return connection.getresponse().status

    def ask(self, model: str, **fields: Any) -> httpx2.Response:
        """Send a chat request through the proxy."""
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **fields}
        return self.post("/v1/chat/completions", json=body)


Serve = Callable[..., Served]


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """A simulated OpenRouter's address."""
    with running(create_simulator(pace=0)) as openrouter:
        yield f"{openrouter.url}/api/v1"


@contextmanager
def serving(folder: Path, upstream: str) -> Iterator[Serve]:
    """Starts Pointsman over a ledger with the given receipts, as often as is wanted."""
    with ExitStack() as stack:

        def start(*receipts: Receipt, policy: str = POLICY, **settings: Any) -> Served:
            policies = folder / "policies"
            policies.mkdir(exist_ok=True)
            (policies / "test.yaml").write_text(policy, encoding="utf-8")
            url = f"sqlite:///{folder / 'ledger.db'}"
            if receipts:
                store = Store.open(url)
                store.write(receipts)
                store.close()
            settings = {
                "upstream_url": upstream,
                "openrouter_api_key": "sk-or-v1-simulated",
                "ledger_url": url,
                **settings,
            }
            app = create_app(Settings.read(policies=policies, state=folder, **settings))
            client = stack.enter_context(httpx2.Client(verify=NO_TLS, timeout=60, trust_env=False))
            return Served(stack.enter_context(running(app)), client, folder)

        yield start


@pytest.fixture
def serve(tmp_path: Path, simulator: str) -> Iterator[Serve]:
    """Start a Pointsman of one's own."""
    with serving(tmp_path, simulator) as start:
        yield start


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, simulator: str) -> Iterator[Served]:
    """A Pointsman that has served for a day; for tests that change nothing."""
    with serving(tmp_path_factory.mktemp("day"), simulator) as start:
        served = start(*samples())
        store = Store.open(f"sqlite:///{served.ledger_file}")
        audited(store)
        store.close()
        yield served


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, simulator: str) -> Iterator[Served]:
    """A Pointsman with caller keys; each test signs in for itself."""
    with serving(tmp_path_factory.mktemp("guarded"), simulator) as start:
        yield start(sample(), caller_keys=KEYS)
