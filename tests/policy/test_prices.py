"""Prices as `max_price` counts them."""

from decimal import Decimal

from app.policy.prices import list_price, listed_price, per_million
from tests.policy.listings import endpoint


def test_prices_are_per_million_and_fees_each() -> None:
    one = endpoint("a", "A", prompt="0.0000005", request="0.01")
    assert listed_price("prompt", one) == Decimal("0.5")
    assert listed_price("request", one) == Decimal("0.01")
    assert listed_price("image", one) == 0
    assert listed_price("prompt", endpoint("a", "A", prompt="-1")) is None


def test_a_fee_is_spread_over_ten_thousand_tokens() -> None:
    assert per_million("prompt", Decimal(2)) == 2
    assert per_million("request", Decimal("0.01")) == 1


def test_a_price_that_is_not_told_is_dearer_than_all() -> None:
    dear = endpoint("a", "A", prompt="0.9", completion="0.9")
    assert list_price(dear) < list_price(endpoint("a", "A", prompt="-1", completion="0"))
