"""Pointsman where it refuses: rules, and how a budget gets spent before a client comes."""

from collections.abc import Callable

from tests.clients.conftest import Stand
from tests.waiting import until_seen

MODEL = "qwen/qwen3-coder"
RULE = 'version: 1\nrules:\n  - {name: held, models: ["*"], %s}\n'
REFUSALS = {
    "budget_exceeded": "budget: {usd: 0.000001, per: day}",
    "request_too_expensive": "max_request_usd: 0.000001",
}


async def refusing(start_stand: Callable[[str], Stand], code: str) -> Stand:
    """Pointsman that refuses each request with this code."""
    stand = start_stand(RULE % REFUSALS[code])
    if code == "budget_exceeded":
        url, ask = (
            f"{stand.url}/v1/chat/completions",
            {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]},
        )
        assert (await stand.proxy.client.post(url, json=ask)).status_code == 200
        await until_seen(lambda: _is_spent(stand))
    return stand


async def _is_spent(stand: Stand) -> bool:
    answer = await stand.proxy.client.get(f"{stand.url}/pointsman/budget")
    return any(row["is_spent"] for row in answer.json()["budgets"])
