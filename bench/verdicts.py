"""How often a verdict is right: a mixed workload against a router whose truth is known.

    make bench-verdicts           or: python bench/verdicts.py [--requests 10000] [--seed 1]

A simulated OpenRouter serves requests under 40 random policies; for some of them it withholds the
provider's name, disobeys, lets hosts fail, names a wrong provider because of server tools, or moves
its evidence about. It knows who truly served and who got the prompt, and each receipt's verdict is
held against that. A false `kept` or a false `broken` must never happen; `unproven` is counted by
reason.
"""

import argparse
import asyncio
import collections
import json
import random
import re
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from app.ledger.store import Store
from app.main import create_app
from app.settings import Settings
from app.simulator import create_simulator
from tests.running import running

MODELS = [
    "qwen/qwen3-coder",
    "moonshotai/kimi-k2",
    "z-ai/glm-4.6",
    "openai/gpt-oss-120b",
    "meta-llama/llama-3.3-70b-instruct",
    "minimax/minimax-m2",
    "anthropic/claude-sonnet-4.6",
    "deepseek/deepseek-v4.1-flash",
    "mistralai/devstral-small",
    "openai/gpt-4.1-mini",
]
AT_ONCE = 16


def policy(dice: random.Random, listings: dict[str, list[dict[str, Any]]]) -> str:
    lines = ["version: 1", "aliases:"]
    for number in range(40):
        model = MODELS[number % len(MODELS)]
        tags = sorted({row["tag"] for row in listings[model]})
        slugs = sorted({tag.split("/")[0] for tag in tags})
        wishes = []
        if dice.random() < 0.5:
            wishes.append(f"quantization_floor: {dice.choice(['fp4', 'fp8', 'fp16'])}")
        if dice.random() < 0.5:
            some = dice.sample(slugs + tags, k=min(len(slugs + tags), dice.randint(2, 6)))
            wishes.append(f"only: [{', '.join(dict.fromkeys(some))}]")
        elif dice.random() < 0.5:
            wishes.append(f"ignore: [{dice.choice(slugs)}]")
        if dice.random() < 0.3:
            wishes.append(f"max_price: {{completion: {dice.choice([0.8, 1.3, 2.5, 16])}}}")
        wishes = wishes or ["sort: throughput"]
        lines.append(f"  a{number}: {{model: {model}, preferences: {{{', '.join(wishes)}}}}}")
    return "\n".join(lines) + "\n"


def switches(dice: random.Random, tags: list[str]) -> dict[str, Any]:
    roll = dice.random()
    if roll < 0.45:
        return {}
    if roll < 0.55:
        return {"provider_field": "missing"}
    if roll < 0.65:
        return {"disobey": True}
    if roll < 0.80:
        return {
            "fail": {tag: dice.choice([429, 503]) for tag in dice.sample(tags, k=len(tags) // 2)}
        }
    if roll < 0.90:
        return {"metadata_frame": dice.choice(["first", "own"]), "usage_chunk": dice.choice("abc")}
    return {"disobey": True, "provider_field": "missing"}


def complies(row: Any, preferences: dict[str, Any]) -> bool:
    """The promise in plain words, for a row whose tag, label and price are known."""
    own = {row.tag} | (set() if row.tier else {row.provider})
    if preferences.get("only") and not own & set(preferences["only"]):
        return False
    if own & set(preferences.get("ignore") or ()):
        return False
    labels = preferences.get("quantizations")
    if labels and row.quantization not in labels:
        return False
    for key, cap in (preferences.get("max_price") or {}).items():
        if Decimal(str(row.listed["pricing"].get(key, 0))) * 1_000_000 > Decimal(str(cap)):
            return False
    return True


async def send_all(url: str, asks: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    waiting = iter(asks)

    async def worker(client: httpx2.AsyncClient) -> None:
        for body, flipped in waiting:
            headers = {"x-openrouter-simulate": json.dumps(flipped)} if flipped else {}
            await client.post(f"{url}/v1/chat/completions", json=body, headers=headers)

    limits = httpx2.Limits(max_connections=AT_ONCE)
    async with httpx2.AsyncClient(trust_env=False, timeout=60, limits=limits) as client:
        await asyncio.gather(*(worker(client) for _ in range(AT_ONCE)))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--requests", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    dice = random.Random(given.seed)
    simulator = create_simulator(pace=0, seed=given.seed)
    router = simulator.state.router
    listings = {model: [row.listed for row in router.catalog.find(model).rows] for model in MODELS}
    with tempfile.TemporaryDirectory() as folder, running(simulator) as openrouter:
        (Path(folder) / "p").mkdir()
        (Path(folder) / "p" / "p.yaml").write_text(policy(dice, listings))
        settings = Settings.read(
            policies=Path(folder) / "p",
            state=Path(folder),
            openrouter_api_key="sk-or-v1-x",
            upstream_url=f"{openrouter.url}/api/v1",
            log_level="error",
        )
        asks = []
        for _ in range(min(given.requests, 100_000)):
            alias = dice.randrange(40)
            tags = [row["tag"] for row in listings[MODELS[alias % len(MODELS)]]]
            body: dict[str, Any] = {
                "model": f"a{alias}",
                "messages": [{"role": "user", "content": f"hi {dice.random()}"}],
                "stream": dice.random() < 0.5,
                "max_tokens": 16,
            }
            if dice.random() < 0.05:
                body["tools"] = [{"type": "openrouter:web_search"}]
            asks.append((body, switches(dice, tags)))
        with running(create_app(settings)) as proxy:
            asyncio.run(send_all(proxy.url, asks))
            time.sleep(1)
        receipts = Store.open(settings.ledger()).recent(limit=len(asks))
        report(receipts, router.served)


def report(receipts: Any, served: dict[str, Any]) -> None:
    verdicts: collections.Counter[str] = collections.Counter()
    reasons: collections.Counter[str] = collections.Counter()
    false: list[str] = []
    for receipt in receipts:
        verdicts[receipt.verdict or f"none ({receipt.status})"] += 1
        if receipt.verdict == "unproven":
            reasons[plainly(receipt.reason)] += 1
        found = served.get(receipt.generation_id or "")
        if found is None or receipt.verdict not in {"kept", "broken"}:
            continue
        _, routed, _ = found
        preferences = receipt.preferences_sent or {}
        truth = all(complies(row, preferences) for row, _ in routed.attempts)
        if truth != (receipt.verdict == "kept"):
            who = [(row.tag, row.quantization, status) for row, status in routed.attempts]
            false.append(f"{receipt.verdict}: {receipt.reason} | {who} | {preferences}")
    print(f"requests {len(receipts)}")
    for verdict, count in verdicts.most_common():
        print(f"  {verdict:<12} {count:6}  {count / len(receipts):6.1%}")
    print("unproven, by reason:")
    for reason, count in reasons.most_common():
        print(f"  {count:6}  {reason}")
    for kind in ("kept", "broken"):
        print(f"false {kind}: {sum(line.startswith(kind) for line in false)}")
    for line in false[:10]:
        print("  ", line)


def plainly(reason: str) -> str:
    """The reason without the names in it."""
    return re.sub(r"served by .*?(, (of which|but|whose)|$)", r"served by X\1", reason)


if __name__ == "__main__":
    main()
