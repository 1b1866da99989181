"""A score floor in front of the simulated OpenRouter, from the first fetch to the receipt."""

import asyncio
from pathlib import Path

from app.cli.scores import fetch_scores
from app.settings import Settings
from app.simulator import create_simulator
from tests.conftest import StartProxy
from tests.running import running
from tests.waiting import until_seen

CODER = "qwen/qwen3-coder"
POLICY = """\
version: 1
rules:
  - {name: sound, models: [qwen/*], score_floor: {gpqa_diamond: 0.4, max_age: 45d}}
"""
ASK = {"model": CODER, "messages": [{"role": "user", "content": "hi"}]}


async def test_scores_fetched_while_serving_decide_and_the_receipt_names_them(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    app = create_simulator(pace=0)
    with running(app) as openrouter:
        upstream = f"{openrouter.url}/api/v1"
        proxy = start_proxy(POLICY, upstream_url=upstream)
        refused = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ASK)
        assert refused.status_code == 403
        assert "no benchmark scores are kept; run `pointsman scores fetch`" in refused.text
        assert not (tmp_path / "scores").exists()  # a request fetches nothing

        settings = Settings.read(upstream_url=upstream, state=tmp_path)
        await asyncio.to_thread(fetch_scores, settings, None)

        async def in_use() -> bool:
            explained = await proxy.client.post(f"{proxy.url}/pointsman/explain", json=ASK)
            told: list[str] = explained.json()["scores"]
            return told[0].startswith("score_floor by the benchmark scores of 20")

        await until_seen(in_use)
        served = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ASK)
        assert served.status_code == 200
        receipt, _ = await proxy.receipts(2)
        assert receipt["verdict"] == "kept"
        assert any(each.startswith("scores 20") for each in receipt["evidence"])
        only = receipt["preferences_sent"]["only"]
        assert receipt["provider"] in only
        models = app.state.router.catalog.models
        assert set(only) < {row.provider for model in models for row in model.rows}
