"""Compares the price paid with the listed one: exact arithmetic, or no conclusion.

`upstream prompt cost = uncached tokens x prompt price + cached tokens x cache-read price`, tokens
written to a cache at the cache-write price if there is one, and likewise for the completion
(openrouter.md §3.2); if it is correct, it is exact to the last digit.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from ...catalog.endpoint import Endpoint
from ...exact_numbers import LONGEST, exact
from ..prices import PRICED

_MILLION = Decimal(1_000_000)


class Bill(msgspec.Struct, frozen=True, gc=False):
    """Tokens and the provider's charge for them, in USD, to OpenRouter and not to an own key."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    prompt_cost: Decimal
    completion_cost: Decimal
    written_tokens: int | None = None  # to a cache, which can cost extra; None: not reported

    @property
    def is_nothing(self) -> bool:
        """Whether nothing was charged: free, or a price that is settled elsewhere."""
        return not (self.prompt_cost or self.completion_cost)


def those_that_charge(bill: Bill, endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """The endpoints whose listed prices match this bill; all of them if none does.

    A row whose price varies or isn't listed can't be ruled out. A bill of zero shows nothing.
    """
    if bill.is_nothing:
        return tuple(endpoints)
    exact = [endpoint for endpoint in endpoints if _charges(endpoint, bill)]
    if not exact:
        return tuple(endpoints)
    return tuple(e for e in endpoints if e in exact or not _has_one_price(e))


def _has_one_price(endpoint: Endpoint) -> bool:
    listed = endpoint.prompt_price is not None and endpoint.completion_price is not None
    return listed and not endpoint.price_varies


def _charges(endpoint: Endpoint, bill: Bill) -> bool:
    prompt, completion = endpoint.prompt_price, endpoint.completion_price
    if prompt is None or completion is None:
        return False
    cached = endpoint.cache_read_price if endpoint.cache_read_price is not None else prompt
    written = (bill.written_tokens or 0) if endpoint.cache_write_price is not None else 0
    plain = bill.prompt_tokens - bill.cached_tokens - written
    charged = plain * prompt + bill.cached_tokens * cached
    charged += written * (endpoint.cache_write_price or Decimal(0))
    return (
        charged == bill.prompt_cost and bill.completion_tokens * completion == bill.completion_cost
    )


def within(max_price: Mapping[str, Any], bill: Bill | None, endpoint: Endpoint) -> bool | None:
    """Whether the price is within the cap, according to the listing or else to the bill.

    A listing above the cap proves nothing by itself: prices change between two listings.
    """
    if bill is not None and bill.is_nothing:
        bill = None
    caps = [_per_token(max_price.get(key)) for key in PRICED]
    listed = (endpoint.prompt_price, endpoint.completion_price)
    paid = _charges_in(bill) if bill else (None, None)
    answers = [
        _at_most(cap, None if endpoint.price_varies else price, charge)
        for cap, price, charge in zip(caps, listed, paid, strict=True)
        if cap is not None
    ]
    if False in answers:
        return False
    return None if None in answers else True


def _per_token(cap: Any) -> Decimal | None:
    """A cap per token from one per million; None where it isn't a number that caps anything."""
    per_million = exact(cap)
    if per_million is None:
        return Decimal(0) if _is_tiny(cap) else None
    return per_million / _MILLION


def _is_tiny(cap: Any) -> bool:
    """Whether a number is too small to be read; as a cap it is equivalent to zero."""
    if not isinstance(cap, str | float) or len(str(cap)) > LONGEST:
        return False
    try:
        return abs(float(cap)) < 1
    except ValueError:
        return False


class _Charge(msgspec.Struct, frozen=True, gc=False):
    """What was paid for the tokens of one kind."""

    tokens: int
    full: int  # those among them that cost the full price, or more
    cost: Decimal
    extra: bool | None  # whether some of it was for writing to a cache; None: not reported


def _charges_in(bill: Bill) -> tuple[_Charge, _Charge]:
    written = bill.written_tokens
    full = bill.prompt_tokens - bill.cached_tokens - (written or 0)
    tokens = bill.completion_tokens
    return (
        _Charge(
            bill.prompt_tokens, full, bill.prompt_cost, None if written is None else written > 0
        ),
        _Charge(tokens, tokens, bill.completion_cost, extra=False),
    )


def _at_most(cap: Decimal, listed: Decimal | None, paid: _Charge | None) -> bool | None:
    listed_within = listed is not None and listed <= cap
    if paid is None:
        return True if listed_within else None
    above = paid.cost > paid.tokens * cap
    if listed_within:
        # If more was paid, the listing is out of date, or writing to a cache has cost extra.
        return None if above and paid.extra is False else True
    if above:
        return None if paid.extra else False
    # Tokens from a cache are cheap, and so many of them hide a price above the cap.
    return True if paid.full > 0 and paid.cost <= paid.full * cap else None
