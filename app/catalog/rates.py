"""Rates: every price in a row of a listing, and how high each can become. PURE.

Rule 1  A price that is listed but can't be read (`-1` stands for "it depends") is unknown, and not
        zero: nothing that is bounded by it is bounded.
Rule 2  An override applies at some time of day, or to long prompts. Only the length of a prompt is
        known beforehand, so at any other condition the highest price counts (openrouter.md §5.3).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from ..exact_numbers import exact, whole

_MOST_OVERRIDES = 100
_DEAREST = 1_000_000  # USD per token

Prices = Mapping[str, Decimal | None]  # None: listed, and not a price


class Override(NamedTuple):
    """Other prices, for prompts of more than `above` tokens and perhaps only at some times."""

    above: int
    prices: Prices


@dataclass(frozen=True, slots=True)
class Rates:
    """The prices of one endpoint, in USD per token or each, by the names that OpenRouter lists."""

    listed: Prices = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()

    def highest(self, name: str, prompt_tokens: int | None) -> Decimal | None:
        """The most that a price can be for a prompt of at most so many tokens (None: of any size).

        0 if the row doesn't list it at all; None if it can't be told.
        """
        found = [
            each.prices[name]
            for each in self.overrides
            if name in each.prices and (prompt_tokens is None or prompt_tokens > each.above)
        ]
        if name in self.listed:
            found.append(self.listed[name])
        told = [price for price in found if price is not None]
        return max(told, default=Decimal(0)) if len(told) == len(found) else None


def read_rates(pricing: Mapping[str, object]) -> Rates:
    """The rates in a row's `pricing`; every price is unknown if its overrides can't be read."""
    listed = _prices(pricing)
    rows = pricing.get("overrides") or []
    if not isinstance(rows, list) or len(rows) > _MOST_OVERRIDES:
        return Rates(dict.fromkeys(listed))
    read = [Override(_above(row), _prices(row)) for row in rows if isinstance(row, dict)]
    return Rates(listed, tuple(read)) if len(read) == len(rows) else Rates(dict.fromkeys(listed))


_NO_PRICES = frozenset({"overrides", "discount", "min_prompt_tokens"})
_TIMES = ("utc_", "min_", "max_")


def _prices(named: Mapping[str, object]) -> Prices:
    return {
        name: _price(value)
        for name, value in named.items()
        if name not in _NO_PRICES and not name.startswith(_TIMES)
    }


def _price(value: object) -> Decimal | None:
    if value is None:
        return Decimal(0)  # as not listed
    price = exact(value)
    return price if price is not None and 0 <= price < _DEAREST else None


def _above(row: Mapping[str, object]) -> int:
    """The length above which an override applies; any, if it says none or can't be read."""
    above = whole(row.get("min_prompt_tokens"))
    return -1 if above is None else above
