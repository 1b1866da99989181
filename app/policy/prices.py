"""Prices in units of `max_price`: USD per million tokens, or each (openrouter.md §1.1, §1.2)."""

from decimal import Decimal

from ..catalog.endpoint import Endpoint

PER_MILLION = frozenset({"prompt", "completion"})  # the other keys are fees in USD each
PRICED = ("prompt", "completion")  # the keys of `max_price` that a bill can verify

_MILLION = Decimal(1_000_000)
_TOKENS_FOR_A_FEE = 10_000  # assumed per request, to compare fees with prices


def listed_price(key: str, endpoint: Endpoint) -> Decimal | None:
    """A price in the unit of `max_price`; None if it is not listed, 0 for a fee not listed."""
    price: Decimal | None = getattr(endpoint, f"{key}_price")
    if key in PER_MILLION:
        return None if price is None else price * _MILLION
    return price or Decimal(0)


def per_million(key: str, price: Decimal) -> Decimal:
    """A price or fee in USD per million tokens, fees spread over a request of 10,000 tokens."""
    return price if key in PER_MILLION else price * _MILLION / _TOKENS_FOR_A_FEE


def list_price(endpoint: Endpoint) -> Decimal:
    """Input plus output price, to compare endpoints; a price not listed counts as the highest."""
    prices = [listed_price(key, endpoint) for key in PER_MILLION]
    return sum((Decimal("Infinity") if each is None else each for each in prices), Decimal(0))
