"""What OpenRouter counts for the configured key, beside what the receipts add up to."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from app.cli.doctor import examine
from app.settings import Settings
from app.simulator import create_simulator
from tests.conftest import StartProxy
from tests.running import running

KEY = "sk-or-v1-limit-5"
MODEL = "qwen/qwen3-coder"
ASK = {"model": MODEL, "messages": [{"role": "user", "content": "x" * 400_000}]}
POLICY = "version: 1\nrules:\n  - {name: all, models: ['*'], only: [together]}\n"


def key_of(url: str) -> dict[str, Any]:
    answer = httpx2.get(f"{url}/key", headers={"authorization": f"Bearer {KEY}"}, timeout=10)
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_money_and_doctor_tell_what_was_spent_elsewhere(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    app = create_simulator(pace=0)
    with running(app) as openrouter:
        upstream = f"{openrouter.url}/api/v1"
        proxy = start_proxy(POLICY, upstream_url=upstream, openrouter_api_key=KEY)
        reply = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ASK)
        (receipt,) = await proxy.receipts(1)
        assert reply.status_code == 200
        cost = Decimal(str(receipt["cost_usd"]))
        told = await asyncio.to_thread(key_of, upstream)
        assert told["usage_daily"] == told["usage_monthly"] == told["usage"] == float(cost)
        assert told["limit_remaining"] == float(5 - cost)
        page = (await proxy.client.get(f"{proxy.url}/dashboard/money")).text
        assert "The key at OpenRouter" in page
        assert "was spent outside Pointsman" not in page
        assert f"budget of this key: ${5 - cost:.2f} of $5.00 left until 20" in page

        own = {"authorization": f"Bearer {KEY}"}
        for _ in range(2):
            await proxy.client.post(f"{upstream}/chat/completions", json=ASK, headers=own)
        page = (await proxy.client.get(f"{proxy.url}/dashboard/money")).text
        assert "was spent outside Pointsman" not in page  # as it was asked within the minute

        settings = Settings.read(
            upstream_url=upstream,
            openrouter_api_key=KEY,
            policies=tmp_path / "policies",
            state=tmp_path,
        )
        found = {each.what: each for each in await asyncio.to_thread(_examined, settings)}
        account = found["account"]
        assert account.well is None
        assert "was spent outside Pointsman, or by requests whose cost is not known" in account.told


def _examined(settings: Settings) -> Any:
    return asyncio.run(examine(settings))
