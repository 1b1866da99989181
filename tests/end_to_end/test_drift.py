"""What changes at OpenRouter is noticed, though nobody asks."""

import asyncio
import json
import logging
import os
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import StartProxy
from tests.scripted_upstream import ScriptedUpstream, reply

POLICY = "version: 1\nrules:\n  - {name: r, models: [acme/sim-1], quantization_floor: fp8}\n"


def listing(quantization: str) -> bytes:
    row: dict[str, Any] = {"tag": "novita", "provider_name": "Novita", "pricing": {"prompt": "1"}}
    return json.dumps({"data": {"endpoints": [{**row, "quantization": quantization}]}}).encode()


async def test_a_model_that_a_policy_names_is_listed_without_a_request(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays_catalog = True
    openrouter.plays(reply(listing("fp8")))
    proxy = start_proxy(POLICY, upstream_url=openrouter.url)
    catalog: dict[str, Any] = {}
    for _ in range(50):
        catalog = (await proxy.client.get(f"{proxy.url}/ready")).json()["catalog"]
        if catalog["listings"]:
            break
        await asyncio.sleep(0.05)
    assert catalog["listings"] == 1
    assert 0 <= catalog["oldest_seconds"] < 5
    assert catalog["drifts"] == []


async def drifts_shown(url: str, client: httpx2.AsyncClient) -> list[str]:
    for _ in range(60):
        told: list[str] = (await client.get(f"{url}/ready")).json()["catalog"]["drifts"]
        if told:
            return told
        await asyncio.sleep(0.05)
    return []


def make_copies_old(state: Path) -> int:
    files = list(state.rglob("catalog/*/*.json"))
    for file in files:
        long_ago = file.stat().st_mtime - 7200
        os.utime(file, (long_ago, long_ago))
    return len(files)


async def test_a_restart_that_finds_another_label_tells_of_the_drift(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The copy on disk is what was known before; a label fell while nobody looked."""
    caplog.set_level(logging.WARNING, logger="pointsman")
    openrouter.plays_catalog = True
    openrouter.plays(reply(listing("fp8")))
    start_proxy(POLICY, upstream_url=openrouter.url)
    for _ in range(60):
        await asyncio.sleep(0.05)
        if make_copies_old(tmp_path):
            break
    openrouter.plays(reply(listing("fp4")))
    second = start_proxy(POLICY, upstream_url=openrouter.url)
    (told,) = await drifts_shown(second.url, second.client)
    assert "gone novita (quantizations by rule" in told
    assert "catalog drift: acme/sim-1: 0 endpoints left" in caplog.text
