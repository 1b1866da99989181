"""Prices as `max_price` counts them: USD per million tokens, or each (openrouter.md §1.1, §1.2)."""

from decimal import Decimal

from app.catalog.endpoint import Endpoint

PER_MILLION = frozenset({"prompt", "completion"})  # the other keys are fees in USD each
PRICED = ("prompt", "completion")  # the keys of `max_price` that a bill can speak about

_MILLION = Decimal(1_000_000)
_TOKENS_FOR_A_FEE = 10_000  # of a request, as far as fees and prices have to be compared


def listed_price(key: str, endpoint: Endpoint) -> Decimal | None:
    """A price in the unit of `max_price`; None where it isn't told, 0 for a fee not listed."""
    price: Decimal | None = getattr(endpoint, f"{key}_price")
    if key in PER_MILLION:
        return None if price is None else price * _MILLION
    return price or Decimal(0)


def per_million(key: str, price: Decimal) -> Decimal:
    """A price or fee in USD per million tokens, fees spread over a request of 10,000 tokens."""
    return price if key in PER_MILLION else price * _MILLION / _TOKENS_FOR_A_FEE


def list_price(endpoint: Endpoint) -> Decimal:
    """Input and output together, to compare endpoints by; what isn't told is dearer than all."""
    prices = [listed_price(key, endpoint) for key in PER_MILLION]
    return sum((Decimal("Infinity") if each is None else each for each in prices), Decimal(0))
