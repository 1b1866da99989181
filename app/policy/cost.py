"""What was paid, against what is listed: exact arithmetic, or nothing is concluded.

`upstream prompt cost = uncached tokens x prompt price + cached tokens x cache-read price`, and
the like for the completion (contract §3.2); it holds to the last digit where it holds at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from app.catalog.endpoint import Endpoint

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Bill:
    """Tokens and what upstream charged for them, in USD; of a request without a key of our own."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    prompt_cost: Decimal
    completion_cost: Decimal


def those_that_charge(bill: Bill, endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """The endpoints whose listed prices give this bill; all of them where none does.

    A row whose price varies can't be ruled out. A bill of nothing tells nothing.
    """
    if not (bill.prompt_cost or bill.completion_cost):
        return tuple(endpoints)
    exact = [endpoint for endpoint in endpoints if _charges(endpoint, bill)]
    if not exact:
        return tuple(endpoints)
    return tuple(e for e in endpoints if e in exact or e.price_varies)


def _charges(endpoint: Endpoint, bill: Bill) -> bool:
    prompt, completion = endpoint.prompt_price, endpoint.completion_price
    if prompt is None or completion is None:
        return False
    cached = endpoint.cache_read_price if endpoint.cache_read_price is not None else prompt
    uncached_tokens = bill.prompt_tokens - bill.cached_tokens
    return (
        uncached_tokens * prompt + bill.cached_tokens * cached == bill.prompt_cost
        and bill.completion_tokens * completion == bill.completion_cost
    )


def within(max_price: Mapping[str, Any], bill: Bill | None, endpoint: Endpoint) -> bool | None:
    """Whether the price is within the cap, by the listing or else by the bill.

    A listing above the cap proves nothing by itself: prices change between two listings.
    """
    paid = (
        (bill.prompt_tokens, bill.prompt_cost) if bill else None,
        (bill.completion_tokens, bill.completion_cost) if bill else None,
    )
    listed = (endpoint.prompt_price, endpoint.completion_price)
    caps = (_per_token(max_price.get("prompt")), _per_token(max_price.get("completion")))
    answers = [
        _at_most(cap, price, part)
        for cap, price, part in zip(caps, listed, paid, strict=True)
        if cap is not None
    ]
    if False in answers:
        return False
    return None if None in answers else True


def _per_token(cap: Any) -> Decimal | None:
    """A cap per token from one per million; None where it isn't a number."""
    if cap is None:
        return None
    try:
        return Decimal(str(cap)) / _MILLION
    except InvalidOperation:
        return None


def _at_most(cap: Decimal, listed: Decimal | None, paid: tuple[int, Decimal] | None) -> bool | None:
    if listed is not None and listed <= cap:
        return True  # what was paid may be more all the same: writing to a cache costs extra
    if paid is None:
        return None
    tokens, cost = paid
    return cost <= tokens * cap
