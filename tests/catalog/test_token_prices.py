"""The prices of a prompt's tokens, where all endpoints that may have served agree on them."""

from dataclasses import replace
from decimal import Decimal

from app.catalog.token_prices import token_prices
from tests.policy.listings import endpoint

PLAIN = endpoint("novita/fp8", "Novita")
CACHING = endpoint(
    "novita/fp8", "Novita", input_cache_read="0.0000001", input_cache_write="0.00000125"
)


def test_prices_are_exact_and_per_million() -> None:
    assert token_prices([PLAIN]) == {"prompt": "1.000000", "completion": "2.000000"}
    told = token_prices([CACHING, CACHING]) or {}
    assert {name: Decimal(price) for name, price in told.items()} == {
        "prompt": Decimal(1),
        "completion": Decimal(2),
        "cache_read": Decimal("0.1"),
        "cache_write": Decimal("1.25"),
    }


def test_prices_that_differ_vary_or_are_missing_are_not_told() -> None:
    assert token_prices([]) is None
    assert token_prices([PLAIN, CACHING]) is None
    assert token_prices([replace(PLAIN, price_varies=True)]) is None
    assert token_prices([replace(PLAIN, completion_price=None)]) is None
    assert token_prices([replace(PLAIN, prompt_price=None)]) is None
