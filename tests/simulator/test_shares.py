"""The default order: shares by price and speed, a chance for everyone (openrouter.md §A3.1)."""

from collections import Counter
from typing import Any

import pytest

from app.simulator.catalog import Catalog
from app.simulator.shares import EXPLORED, effective_price, shares
from app.simulator.switches import Switches
from tests.simulator.simulated import TOOL, asked, endpoint, model, tried


def row(tag: str, price: float, **changes: Any) -> dict[str, Any]:
    """Price in USD per million tokens of prompt; the answer costs twice that."""
    return endpoint(tag, prompt=f"{price / 1e6:.9f}", completion=f"{price / 5e5:.9f}", **changes)


def speed(p50: float) -> dict[str, Any]:
    return {"throughput_last_30m": {"p50": p50}}


def shares_of(*rows: dict[str, Any], **fields: Any) -> list[float]:
    catalog = Catalog([model(*rows)])
    return shares(asked(catalog, **fields), catalog.models[0].rows)


def price_of(listed: dict[str, Any], **fields: Any) -> float:
    catalog = Catalog([model(listed)])
    return effective_price(asked(catalog, **fields), catalog.models[0].rows[0])


def test_shares_add_up_and_fall_with_the_price() -> None:
    told = shares_of(row("a", 1), row("b", 2), row("c", 4))
    assert sum(told) == pytest.approx(1)
    assert told[0] > told[1] > told[2]
    competing = [share - EXPLORED / 3 for share in told]
    assert competing[0] / competing[1] == pytest.approx(4)


@pytest.mark.parametrize("price", [0, 10, 1e6])
def test_every_endpoint_keeps_its_part_of_the_exploration(price: float) -> None:
    told = shares_of(row("a", 0.0001), row("b", price), row("c", 0), row("d", 0))
    assert min(told) >= EXPLORED / 4 > 0


def test_a_cheaper_cache_makes_the_price_lower() -> None:
    plain = row("a", 1)
    cached = row("a", 1, input_cache_read="0.0000001")
    long = {"messages": [{"role": "user", "content": "x" * 4000}]}
    assert price_of(cached, **long) < price_of(plain, **long)
    assert price_of({**plain, "pricing": {**plain["pricing"], "request": "1"}}) > 1


def test_the_mix_of_prompt_and_answer_decides() -> None:
    reads = endpoint("a", prompt="0.000001", completion="0.00001")
    writes = endpoint("b", prompt="0.00001", completion="0.000001")
    long = {"messages": [{"role": "user", "content": "x" * 40_000}], "max_tokens": 10}
    assert price_of(reads, **long) < price_of(writes, **long)
    assert price_of(reads) > price_of(writes)


def test_a_faster_endpoint_has_more_and_an_unknown_speed_changes_nothing() -> None:
    slow, fast, unknown = shares_of(row("a", 1, **speed(10)), row("b", 1, **speed(90)), row("c", 1))
    assert fast > unknown > slow
    assert len(set(shares_of(row("a", 1), row("b", 1)))) == 1


def test_the_first_is_drawn_by_the_shares_and_a_retry_by_those_of_the_rest() -> None:
    rows = (row("a", 1), row("b", 2), row("c", 2))
    orders = [tried(*rows, seed=seed) for seed in range(1500)]
    assert {len(order) for order in orders} == {3}
    expected = dict(zip("abc", shares_of(*rows), strict=True))
    for tag, times in Counter(order[0] for order in orders).items():
        assert times / 1500 == pytest.approx(expected[tag], abs=0.04)
    after = [order[1] for order in orders if order[0] == "b"]
    rest = shares_of(rows[0], rows[2])
    assert after.count("a") / len(after) == pytest.approx(rest[0], abs=0.1)


def test_no_endpoint_s_chance_is_zero() -> None:
    """The dearest of ten, of which 1/price² would leave nothing."""
    rows = [row(f"h{n}", 1 + 50 * n) for n in range(10)]
    firsts = Counter(tried(*rows, seed=seed)[0] for seed in range(2000))
    assert set(firsts) == {f"h{n}" for n in range(10)}


def test_failing_endpoints_come_last() -> None:
    rows = (row("failing", 0.1, status=-2), row("a", 1), row("b", 1))
    assert all(tried(*rows, seed=seed)[-1] == "failing" for seed in range(40))


CHEAP_SLOW, DEAR_FAST = row("cheap", 1, **speed(20)), row("dear", 3, **speed(90))


def firsts(fields: dict[str, Any], **switches: Any) -> set[str]:
    two = (CHEAP_SLOW, DEAR_FAST)
    return {
        tried(*two, seed=seed, switches=Switches(**switches), **fields)[0] for seed in range(80)
    }


@pytest.mark.parametrize(
    ("fields", "switches", "expected"),
    [
        ({}, {}, {"cheap", "dear"}),
        ({"provider": {"only": ["cheap", "dear"]}}, {}, {"cheap", "dear"}),
        ({"provider": {"only": ["cheap", "dear"]}}, {"only_keeps_shares": False}, {"cheap"}),
        ({}, {"only_keeps_shares": False}, {"cheap", "dear"}),
        ({"provider": {"sort": "price"}}, {}, {"cheap"}),
        ({"tools": [TOOL]}, {}, {"dear"}),  # Auto Exacto
        ({"tools": [TOOL]}, {"auto_exacto": False}, {"cheap", "dear"}),
    ],
)
def test_what_switches_shares_off(
    fields: dict[str, Any], switches: dict[str, Any], expected: set[str]
) -> None:
    assert firsts(fields, **switches) == expected
