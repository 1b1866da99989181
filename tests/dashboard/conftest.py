"""Pointsman with its dashboard on a real socket, in front of the simulated OpenRouter."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.ledger.receipt import Receipt
from app.ledger.store import Store
from app.main import create_app
from app.settings import Settings
from app.simulator import create_simulator
from tests.dashboard.samples import POLICY
from tests.running import Running, running

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


@pytest.fixture
def serve(tmp_path: Path, simulator: str) -> Iterator[Serve]:
    """Start Pointsman over a ledger with the given receipts."""
    with ExitStack() as stack:

        def start(*receipts: Receipt, policy: str = POLICY, **settings: Any) -> Served:
            folder = tmp_path / "policies"
            folder.mkdir(exist_ok=True)
            (folder / "test.yaml").write_text(policy, encoding="utf-8")
            url = f"sqlite:///{tmp_path / 'ledger.db'}"
            if receipts:
                store = Store.open(url)
                store.write(receipts)
                store.close()
            settings = {
                "upstream_url": simulator,
                "openrouter_api_key": "sk-or-v1-simulated",
                "ledger_url": url,
                **settings,
            }
            app = create_app(Settings.read(policies=folder, state=tmp_path, **settings))
            client = stack.enter_context(httpx2.Client(timeout=10, trust_env=False))
            return Served(stack.enter_context(running(app)), client, tmp_path)

        yield start
