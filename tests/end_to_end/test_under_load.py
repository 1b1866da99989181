"""What only shows with many requests, long pauses or a ledger in trouble."""

import asyncio
import gc
import re
import time
from pathlib import Path
from typing import Any

import pytest

import app
from app.main import create_app
from app.settings import Settings
from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import Pause, ScriptedUpstream, reply, sse

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": []}
FRAME = b'data: {"provider":"Novita","choices":[{"delta":{"content":"x"}}]}\n\n'


async def test_t16_a_pause_ends_nothing_and_nothing_is_put_into_it(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    """Pings of our own would keep some middleboxes quiet, and break the bytes."""
    openrouter.plays(sse(FRAME, Pause(2.5), FRAME))
    answer = await proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": True})
    assert answer.content == FRAME * 2


def test_t16_by_default_upstream_may_be_silent_for_minutes() -> None:
    assert Settings.read().read_timeout >= 600


async def test_t22_requests_leave_nothing_behind_in_memory(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    """Each with a model, a session and a user agent of its own: whatever is remembered by them
    is bounded, or this would grow by thousands of objects.
    """
    policy = "version: 1\nrules:\n  - {name: r, models: ['*'], sort: price}\n"
    proxy = start_proxy(policy, upstream_url=openrouter.url, log_level="error")
    openrouter.plays(reply(b'{"provider":"Novita"}'))

    async def ask(numbers: range) -> int:
        for number in numbers:
            body = {**ASK, "model": f"acme/sim-{number % 40}", "session_id": f"s{number}"}
            headers = {"user-agent": f"tool/{number % 40}"}
            await proxy.client.post(proxy.url + CHAT, json=body, headers=headers)
            openrouter.requests.clear()
        await asyncio.sleep(0.5)
        gc.collect()
        return len(gc.get_objects())

    await ask(range(200))
    before = await ask(range(200, 400))
    after = await ask(range(400, 1000))
    assert after - before < 600 * 2


async def test_t23_many_streams_flow_side_by_side(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(*(piece for _ in range(5) for piece in (FRAME, Pause(0.2)))))
    began = time.monotonic()
    asks = (proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": True}) for _ in range(32))
    answers = await asyncio.gather(*asks)
    assert {answer.content for answer in answers} == {FRAME * 5}
    assert time.monotonic() - began < 32  # one after another they would take that long


@pytest.mark.parametrize("ledger", ["/proc/nothing/ledger.db"])
async def test_t24_a_ledger_that_can_not_be_opened_is_not_felt(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, ledger: str
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(upstream_url=openrouter.url, ledger_url=f"sqlite:///{ledger}")
    for _ in range(20):
        began = time.monotonic()
        assert (await proxy.client.post(proxy.url + CHAT, json=ASK)).status_code == 200
        assert time.monotonic() - began < 5
    ready: dict[str, Any] = {}
    for _ in range(60):
        ready = (await proxy.client.get(f"{proxy.url}/ready")).json()
        if ready["status"] != "ready":
            break
        await asyncio.sleep(0.05)
    assert ready["status"] == "degraded"
    assert ready["ledger"]["waiting"] == 20
    assert "can't open the ledger" in ready["ledger"]["error"]


def test_t25_nothing_but_the_door_stands_before_the_relay(tmp_path: Path) -> None:
    """Middleware that re-pumps every chunk is what makes gateways of this kind slow."""
    settings = Settings.read(policies=tmp_path, state=tmp_path, openrouter_api_key="k")
    built: Any = create_app(settings)
    built = getattr(built, "app", built)
    middleware = getattr(built, "user_middleware", [])
    assert {each.cls.__name__ for each in middleware} <= {"Door"}
    code = "\n".join(file.read_text() for file in Path(app.__file__).parent.rglob("*.py"))
    assert not re.search(r"import .*BaseHTTPMiddleware", code)
