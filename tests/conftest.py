"""Fixtures for tests that go over real sockets: a scripted upstream, and Pointsman in front."""

import gc
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as profiles

from app.main import create_app
from app.record.late_costs import PACE, Pace
from app.server.bounds import Bounds
from app.settings import Settings
from app.simulator import create_simulator
from tests import migrated
from tests.running import NO_TLS, running
from tests.scripted_upstream import ScriptedUpstream

# A slow machine is no failure; with CI set, Hypothesis takes its own profile, which is repeatable.
profiles.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# For `make test-fast` alone: a few cases of each, the same every time.
profiles.register_profile("fast", max_examples=10, deadline=None, derandomize=True, database=None)
if "CI" not in os.environ:
    profiles.load_profile("patient")

migrated.once()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is collected stays until the end, so the garbage collector need not look at it.

    Nothing else stays: a server freezes what there is when it starts, once in its life, and in this
    process hundreds of them start. What earlier ones left behind would never be freed.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.freeze = lambda: None
        gc.enable()


UPSTREAM_KEY = "sk-or-v1-canary-of-the-operator"


# They read no environment and no file (tests/test_layers.py), so their tests, more than half of
# all, need no folder of their own.
PURE_ROOMS = frozenset({"policy", "catalog", "wire", "importing", "audit", "tools"})
_TESTS = Path(__file__).parent


@pytest.fixture(autouse=True)
def _isolated(request: pytest.FixtureRequest) -> None:
    """Where a test may come to see the developer's environment, it gets one of its own."""
    if request.path.relative_to(_TESTS).parts[0] not in PURE_ROOMS:
        request.getfixturevalue("own_environment")


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the developer's keys, settings or ledger."""
    monkeypatch.delenv("COLUMNS", raising=False)  # as pytest-xdist sets it
    for name in ("OPENROUTER_API_KEY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def openrouter() -> AsyncIterator[ScriptedUpstream]:
    """An upstream that plays what the test tells it to."""
    async with ScriptedUpstream() as upstream:
        yield upstream


@dataclass(frozen=True)
class Proxy:
    """Pointsman on a real socket."""

    url: str
    client: httpx2.AsyncClient

    async def receipts(self, count: int = 1, within: float = 60.0) -> list[dict[str, Any]]:
        """The receipts once there are `count` of them, newest first."""
        until = time.monotonic() + within
        while True:
            answer = await self.client.get(f"{self.url}/pointsman/receipts?limit=1000")
            found: list[dict[str, Any]] = answer.json()["receipts"]
            if len(found) >= count or time.monotonic() > until:
                assert len(found) == count, f"{len(found)} receipts, {count} expected"
                return found
            time.sleep(0.005)  # noqa: ASYNC251 - the proxy runs in another thread

    async def only_receipt(self) -> dict[str, Any]:
        (receipt,) = await self.receipts()
        return receipt


StartProxy = Callable[..., Proxy]


@pytest.fixture
async def start_proxy(tmp_path: Path) -> AsyncIterator[StartProxy]:
    """Start Pointsman with policies given as text and settings as keywords.

    `bounds` are those of the settings, unless a test needs some that no setting can give;
    `late_costs` is when OpenRouter's records are asked for.
    """
    with ExitStack() as stack:
        async with httpx2.AsyncClient(verify=NO_TLS, timeout=60, trust_env=False) as client:

            def start(
                policy: str = "version: 1\nrules: []\n",
                *,
                bounds: Bounds | None = None,
                late_costs: Pace = PACE,
                **settings: Any,
            ) -> Proxy:
                folder = tmp_path / "policies"
                folder.mkdir(exist_ok=True)
                (folder / "test.yaml").write_text(policy, encoding="utf-8")
                settings.setdefault("openrouter_api_key", UPSTREAM_KEY)
                settings.setdefault("state", tmp_path)
                read = Settings.read(policies=folder, **settings)
                app = create_app(read, late_costs=late_costs)
                server = stack.enter_context(running(app, bounds=bounds or Bounds.of(read)))
                return Proxy(server.url, client)

            yield start


@pytest.fixture
def proxy(start_proxy: StartProxy, openrouter: ScriptedUpstream) -> Proxy:
    """Pointsman without any rule, in front of the scripted upstream."""
    return start_proxy(upstream_url=openrouter.url)


PRECISE = """\
version: 1
rules:
  - {name: precise, models: ["*"], quantization_floor: fp8, data_collection: deny}
aliases:
  precise-coder: {model: qwen/qwen3-coder, preferences: {sort: throughput}}
"""


@pytest.fixture
def simulated(start_proxy: StartProxy) -> Iterator[Proxy]:
    """Pointsman with a precise policy in front of the simulated OpenRouter."""
    with running(create_simulator(pace=0)) as openrouter:
        yield start_proxy(PRECISE, upstream_url=f"{openrouter.url}/api/v1")
