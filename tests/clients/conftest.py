"""Pointsman in front of a simulator that remembers, a closed door to everywhere else, a table."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.simulator import create_simulator
from app.simulator.router import Router
from tests.clients.installed import CLIENTS
from tests.conftest import PRECISE, Proxy, StartProxy
from tests.running import running

FLOOR = ["fp8", "mxfp8", "fp16", "bf16", "fp32"]


@dataclass(frozen=True)
class Stand:
    """Pointsman, and what the simulated OpenRouter behind it knows."""

    proxy: Proxy
    upstream_url: str
    router: Router

    @property
    def url(self) -> str:
        return self.proxy.url

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What reached upstream to be answered by a model."""
        return [json.loads(raw) for path, _, raw in self.router.requests if raw and "/v1/" in path]

    @property
    def headers(self) -> list[dict[str, str]]:
        return [headers for _, headers, _ in self.router.requests]

    @property
    def hosts(self) -> list[str]:
        """The tags of the endpoints that served, oldest first."""
        return [routed.completion.row.tag for _, routed, _ in self.router.served.values()]

    @property
    def tools_called(self) -> set[str]:
        """The tools that the simulated model called."""
        calls = [routed.completion.tool_call for _, routed, _ in self.router.served.values()]
        return {call.name for call in calls if call}

    async def receipts(self) -> list[dict[str, Any]]:
        """One for each request that reached upstream, and no other."""
        return await self.proxy.receipts(len(self.bodies))


@pytest.fixture
def start_stand(start_proxy: StartProxy) -> Iterator[Callable[[str], Stand]]:
    """Start Pointsman with a policy in front of a simulator of its own."""
    simulator = create_simulator(pace=0)
    with running(simulator) as openrouter:
        yield lambda policy: Stand(
            start_proxy(policy, upstream_url=f"{openrouter.url}/api/v1"),
            f"{openrouter.url}/api",
            simulator.state.router,
        )


@pytest.fixture
def stand(start_stand: Callable[[str], Stand]) -> Stand:
    return start_stand(PRECISE)


@dataclass
class ClosedDoor:
    """An HTTP proxy that lets nobody out and remembers where they wanted to go."""

    url: str = ""
    asked_for: list[str] = field(default_factory=list)

    async def turn_away(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readline()
        self.asked_for.append(request.split(b" ")[1].decode() if b" " in request else "")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    @property
    def environment(self) -> dict[str, str]:
        """What sends a program's requests here, save those to this machine."""
        names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
        ways_out = dict.fromkeys(names, self.url)
        return {**ways_out, "NO_PROXY": "127.0.0.1", "NODE_USE_ENV_PROXY": "1"}


@pytest.fixture
async def closed_door() -> AsyncIterator[ClosedDoor]:
    door = ClosedDoor()
    async with await asyncio.start_server(door.turn_away, "127.0.0.1", 0) as server:
        door.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield door


Tell = Callable[[str, list[dict[str, Any]]], None]


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Put a client into the table at the end: what ran, and how its requests looked."""
    start = time.monotonic()

    def tell(name: str, receipts: list[dict[str, Any]]) -> None:
        dialects = sorted({receipt["dialect"] for receipt in receipts})
        agents = sorted({each["user_agent"].partition(" (")[0] for each in receipts})
        spent = f"{time.monotonic() - start:.1f}"
        row = [name, CLIENTS[name].version, str(len(receipts)), spent, ", ".join(dialects)]
        record_property("client", [*row, "; ".join(agents)])

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of clients."""
    told = [
        dict(report.user_properties)
        for report in terminalreporter.stats.get("passed", ())
        if report.when == "call"
    ]
    rows = [properties["client"] for properties in told if "client" in properties]
    if rows:
        terminalreporter.section("clients", sep="-")
        for row in (["client", "version", "requests", "seconds", "dialect", "user agent"], *rows):
            name, version, count, spent, dialects, agent = row
            terminalreporter.write_line(
                f"{name:13}{version:9}{count:>8} {spent:>7}  {dialects:28}{agent}"
            )
