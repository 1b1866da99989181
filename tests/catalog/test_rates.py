"""Rates: the highest that a price can become, or that it is not known."""

from decimal import Decimal
from typing import Any

import pytest

from app.catalog.rates import Rates, read_rates

PLAIN = {"prompt": "0.1", "completion": "0.2", "discount": 0.4}
LONG = {"min_prompt_tokens": 100, "prompt": "0.3"}
NIGHT = {"utc_start": 0, "utc_end": 600, "utc_days": ["sunday"], "prompt": "0.05"}


@pytest.mark.parametrize(
    ("overrides", "tokens", "price"),
    [
        (None, 10, "0.1"),
        ([], 10, "0.1"),
        ([LONG], 100, "0.1"),
        ([LONG], 101, "0.3"),
        ([LONG], None, "0.3"),
        ([NIGHT], 10, "0.1"),  # cheaper at night, not always
        ([{**NIGHT, "prompt": "0.4"}, LONG], 10, "0.4"),
        ([{"min_prompt_tokens": "many", "prompt": "0.4"}], 0, "0.4"),
    ],
)
def test_the_highest_price_that_can_apply_counts(overrides: Any, tokens: Any, price: str) -> None:
    rates = read_rates({**PLAIN, "overrides": overrides})
    assert rates.highest("prompt", tokens) == Decimal(price)
    assert rates.highest("completion", tokens) == Decimal("0.2")


@pytest.mark.parametrize("value", ["-1", "dear", True, [], "1e999", 10**9])
def test_a_price_that_can_not_be_read_is_not_known(value: Any) -> None:
    assert read_rates({"prompt": value}).highest("prompt", 1) is None
    assert read_rates({**PLAIN, "overrides": [{"prompt": value}]}).highest("prompt", 1) is None


@pytest.mark.parametrize("overrides", ["at night", {"prompt": "1"}, ["x"], [LONG] * 101])
def test_overrides_that_can_not_be_read_make_every_price_unknown(overrides: Any) -> None:
    rates = read_rates({**PLAIN, "overrides": overrides})
    assert (rates.highest("prompt", 1), rates.highest("completion", 1)) == (None, None)


def test_a_fee_that_is_not_listed_is_nothing() -> None:
    assert Rates().highest("request", 1) == 0
    assert read_rates({"request": None}).highest("request", 1) == 0
    assert set(read_rates(PLAIN).listed) == {"prompt", "completion"}
