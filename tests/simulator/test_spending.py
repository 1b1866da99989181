"""`GET /key` reports what was really billed, by UTC windows, own keys apart."""

from typing import Any

import pytest

from tests.simulator.simulated import HELLO, NOW, Simulated

CODER = {"model": "qwen/qwen3-coder", "messages": HELLO}


def own(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def told(simulated: Simulated, key: str = "sk-or-v1-a") -> dict[str, Any]:
    data: dict[str, Any] = (await simulated.get("/key", own(key))).json()["data"]
    return data


async def cost(simulated: Simulated, key: str = "sk-or-v1-a") -> float:
    answer = await simulated.post("/chat/completions", CODER, own(key))
    amount: float = answer.json()["usage"]["cost"]
    return amount


async def test_each_key_has_what_its_requests_cost() -> None:
    simulated = Simulated()
    first, second = await cost(simulated), await cost(simulated)
    await cost(simulated, "sk-or-v1-b")
    data = await told(simulated)
    for span in ("", "_daily", "_weekly", "_monthly"):
        assert data[f"usage{span}"] == pytest.approx(first + second)
        assert data[f"byok_usage{span}"] == 0
    assert (data["budgets"], data["effective_budget"], data["limit"]) == ([], None, None)
    assert (await told(simulated, "sk-or-v1-never"))["usage"] == 0


async def test_days_weeks_and_months_end_by_utc() -> None:
    simulated = Simulated()  # on a Monday, 21 September
    spent = await cost(simulated)
    for days, spans in ((1, {"_weekly", "_monthly", ""}), (7, {"_monthly", ""}), (10, {""})):
        simulated.clock.now = NOW + days * 86_400
        data = await told(simulated)
        found = {span for span in ("", "_daily", "_weekly", "_monthly") if data[f"usage{span}"]}
        assert found == spans
        assert data["usage"] == pytest.approx(spent)


async def test_with_own_keys_the_providers_charge_is_told_apart() -> None:
    simulated = Simulated(byok=("novita",))
    body = {**CODER, "provider": {"only": ["novita"]}}
    usage = (await simulated.post("/chat/completions", body, own("sk-or-v1-a"))).json()["usage"]
    data = await told(simulated)
    assert data["usage"] == pytest.approx(usage["cost"])
    assert data["byok_usage"] == pytest.approx(usage["cost_details"]["upstream_inference_cost"])


async def test_a_limit_in_the_key_is_a_budget() -> None:
    simulated = Simulated()
    spent = await cost(simulated, "sk-or-v1-limit-0.5")
    data = await told(simulated, "sk-or-v1-limit-0.5")
    (budget,) = data["budgets"]
    assert budget == data["effective_budget"]
    assert budget["remaining_usd"] == pytest.approx(0.5 - spent)
    assert budget["spend_usd"] == pytest.approx(spent)
    assert budget["resets_at"] == "2026-10-01T00:00:00Z"
    assert (data["limit"], data["limit_reset"]) == (0.5, "monthly")
