"""What is measured with the steady clock never jumps."""

import asyncio
import time
from typing import Any

import pytest

from app.server.clock import running, steady
from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import ScriptedUpstream, reply

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/m", "messages": []}
POLICY = "version: 1\nrules:\n  - {name: r, models: ['*'], quantization_floor: fp8}\n"
ROW = {"tag": "novita/fp8", "provider_name": "Novita", "quantization": "fp8", "model_id": "acme/m"}


def test_it_agrees_with_the_wall_clock_and_only_grows() -> None:
    assert abs(steady() - time.time()) < 1
    seen = [running() for _ in range(1000)]
    assert seen == sorted(seen)


async def oldest_listing(proxy: Proxy) -> Any:
    """The age in seconds that `/ready` tells, once there is a listing."""
    for _ in range(100):
        catalog = (await proxy.client.get(f"{proxy.url}/ready")).json()["catalog"]
        if catalog["listings"]:
            return catalog["oldest_seconds"]
        await asyncio.sleep(0.02)
    raise AssertionError("nothing was listed")


async def test_listings_are_dated_by_it(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    openrouter.lists("acme/m", [ROW])
    openrouter.plays(reply(b"{}"))
    monkeypatch.setattr("app.main.steady", lambda: steady() - 500)
    proxy = start_proxy(POLICY, upstream_url=openrouter.url)
    await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert 500 <= await oldest_listing(proxy) < 510


@pytest.mark.parametrize("jump", [-7200.0, 7200.0])
async def test_ages_and_verdicts_stay_when_the_wall_clock_is_set(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    monkeypatch: pytest.MonkeyPatch,
    jump: float,
) -> None:
    openrouter.lists("acme/m", [ROW])
    openrouter.plays(reply(b'{"provider":"Novita","usage":{}}'))
    proxy = start_proxy(POLICY, upstream_url=openrouter.url)
    await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert 0 <= await oldest_listing(proxy) < 5
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    assert 0 <= await oldest_listing(proxy) < 5
    asked_so_far = len(openrouter.catalog_requests)
    await proxy.client.post(proxy.url + CHAT, json=ASK)
    newest, oldest = await proxy.receipts(2)
    assert newest["verdict"] == oldest["verdict"] == "kept"
    assert len(openrouter.catalog_requests) == asked_so_far  # what is new needs no renewal
