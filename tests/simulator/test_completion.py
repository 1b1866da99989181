"""What an answer costs adds up to the last digit."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.simulator.catalog import Catalog, Row
from app.simulator.saying import tokens
from tests.simulator.simulated import HELLO, Simulated, endpoint, model, routed

prices = st.decimals(0, "0.001", places=9).map(str)


@settings(max_examples=80, deadline=None)
@given(prices, prices, prices, st.text(max_size=400), st.sampled_from([None, 1, 7, 1000]))
def test_the_cost_is_tokens_times_the_serving_row_s_prices(
    prompt: str, completion: str, cached: str, text: str, most: int | None
) -> None:
    row = endpoint("novita", prompt=prompt, completion=completion, input_cache_read=cached)
    fields: dict[str, Any] = {"messages": [{"role": "user", "content": text}], "max_tokens": most}
    usage = routed(model(row), **fields).completion.usage
    assert usage.prompt_cost == usage.prompt_tokens * Decimal(prompt)
    assert usage.completion_cost == usage.completion_tokens * Decimal(completion)
    assert usage.cost == usage.prompt_cost + usage.completion_cost


async def test_a_conversation_that_goes_on_pays_the_cache_price_for_what_was_read_before() -> None:
    """The formula of openrouter.md §3.2: uncached x prompt price + cached x cache-read price."""
    simulated = Simulated()
    pinned = {"provider": {"only": ["deepinfra/fp4"]}, "session_id": "one"}
    begun = [{"role": "user", "content": "word " * 2000}]
    reply = await simulated.chat("qwen/qwen3-coder", **pinned, messages=begun)
    first = reply.json()["usage"]
    longer = [*begun, {"role": "assistant", "content": "x" * 99}, *HELLO]
    reply = await simulated.chat("qwen/qwen3-coder", **pinned, messages=longer)
    usage = reply.json()["usage"]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    assert first["prompt_tokens"] - 2 * 128 < cached < first["prompt_tokens"]
    uncached = usage["prompt_tokens"] - cached
    paid = uncached * Decimal("0.00000022") + cached * Decimal("0.000000022")
    assert Decimal(str(usage["cost_details"]["upstream_inference_prompt_cost"])) == paid


@pytest.mark.parametrize("path", ["chat/completions", "completions", "responses", "messages"])
async def test_the_parts_of_a_bill_add_up_in_every_dialect(path: str) -> None:
    body = {"model": "minimax/minimax-m2", "messages": HELLO, "input": "hi", "prompt": "hi"}
    usage = (await Simulated().post(f"/{path}", body)).json()["usage"]
    details = usage["cost_details"]
    total = Decimal(str(usage["cost"]))
    parts = [Decimal(str(value)) for name, value in details.items() if name.count("_") == 3]
    assert len(parts) == 2
    assert total == sum(parts) == Decimal(str(details["upstream_inference_cost"])) > 0
    if "total_tokens" in usage:
        counts = [usage[name] for name in usage if name.endswith("_tokens")]
        assert usage["total_tokens"] == sum(counts) - usage["total_tokens"]


async def test_the_rerank_and_embedding_bills_are_of_the_prompt_alone() -> None:
    simulated = Simulated()
    body: dict[str, Any] = {"model": "openai/text-embedding-3-small", "input": ["one", "two"]}
    usage = (await simulated.post("/embeddings", body)).json()["usage"]
    assert Decimal(str(usage["cost"])) == usage["prompt_tokens"] * Decimal("0.00000002")


def test_no_more_tokens_come_than_were_allowed_and_thought_counts_among_them() -> None:
    thinking = endpoint("novita", supported_parameters=["reasoning"])
    whole = routed(model(thinking, reasons=True)).completion.usage.completion_tokens
    for most in range(1, whole + 5):
        completion = routed(model(thinking, reasons=True), max_tokens=most).completion
        usage = completion.usage
        assert usage.completion_tokens <= most
        assert usage.reasoning_tokens == tokens(completion.reasoning) <= usage.completion_tokens
        assert tokens(completion.text) <= usage.completion_tokens - usage.reasoning_tokens
        assert completion.finish_reason == ("length" if most < whole else "stop")


# --- price overrides, openrouter.md §5.3 ------------------------------------------------------

NIGHT = {"utc_start": 2200, "utc_end": 600, "prompt": "2"}
DAY = {"utc_start": 900, "utc_end": 1700, "prompt": "3"}
WEEKEND = {"utc_days": ["saturday", "sunday"], "prompt": "4"}
LONG = {"min_prompt_tokens": 100, "prompt": "5", "completion": "6"}


@pytest.mark.parametrize(
    ("overrides", "when", "prompt_tokens", "price"),
    [
        ([], "2026-11-20T12:00", 1, "1"),
        ([DAY], "2026-11-20T09:00", 1, "3"),
        ([DAY], "2026-11-20T16:59", 1, "3"),
        ([DAY], "2026-11-20T17:00", 1, "1"),  # half open
        ([NIGHT], "2026-11-20T22:00", 1, "2"),
        ([NIGHT], "2026-11-20T05:59", 1, "2"),  # wraps around
        ([NIGHT], "2026-11-20T06:00", 1, "1"),
        ([WEEKEND], "2026-11-20T12:00", 1, "1"),  # a Friday
        ([WEEKEND], "2026-11-21T12:00", 1, "4"),
        ([LONG], "2026-11-20T12:00", 100, "1"),  # strictly greater
        ([LONG], "2026-11-20T12:00", 101, "5"),
        ([DAY, LONG], "2026-11-20T12:00", 101, "5"),  # later entries win
        ([LONG, DAY], "2026-11-20T12:00", 101, "3"),
        ([{**DAY, **WEEKEND}], "2026-11-21T08:00", 1, "1"),  # every condition must hold
        ([{"utc_start": 1400, "utc_end": 0, "prompt": "7"}], "2026-11-20T23:59", 1, "7"),
    ],
)
def test_a_price_override_applies_when_its_conditions_hold(
    overrides: list[dict[str, Any]], when: str, prompt_tokens: int, price: str
) -> None:
    row = row_of(endpoint("novita", prompt="1", overrides=overrides))
    now = datetime.fromisoformat(when).replace(tzinfo=UTC)
    assert row.price_at("prompt", prompt_tokens=prompt_tokens, now=now) == Decimal(price)


def test_an_override_leaves_the_prices_that_it_does_not_name() -> None:
    row = row_of(endpoint("novita", completion="0.5", overrides=[DAY]))
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert row.price_at("completion", prompt_tokens=1, now=noon) == Decimal("0.5")


def row_of(row: dict[str, Any]) -> Row:
    found = Catalog([model(row)]).find("acme/sim-1")
    assert found is not None
    return found.rows[0]
