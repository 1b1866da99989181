"""Late costs: what a request cost that its answer did not say. PURE.

Nothing that the answer said is changed: only what was missing is added.
"""

from decimal import Decimal

import msgspec
from msgspec.structs import replace

from .receipt import Receipt


class LateCost(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What OpenRouter's own record says of one request, under the names that receipts have."""

    id: str  # the receipt's
    cost_usd: Decimal
    is_byok: bool | None = None
    upstream_cost_usd: Decimal | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None


ADDED = tuple(name for name in LateCost.__struct_fields__ if name != "id")


def with_cost(receipt: Receipt, late: LateCost) -> Receipt:
    """The receipt with what the record adds to it."""
    added = {name: getattr(late, name) for name in ADDED if getattr(receipt, name) is None}
    return replace(receipt, **added, cost_source="record")
