"""The ceiling of an audit, kept to the request. PURE.

Rule 1  A request is sent only if what was spent, the most that those under way can cost, and the
        most that it can cost itself, together stay within the ceiling.
Rule 2  The most that a request can cost is what the listing says of a long prompt and a whole
        answer; or what the same endpoint has charged for one before, if that was more: some
        endpoints ignore `max_tokens`.
Rule 3  A request whose cost was not told is counted at the most that it could cost.
"""

from decimal import Decimal


class Purse:
    """What one audit has spent, and what its requests under way may add to that. USD."""

    def __init__(self, ceiling: Decimal, spent: Decimal = Decimal(0)) -> None:
        self.ceiling = ceiling
        self.spent = spent
        self._reserved = Decimal(0)
        self._under_way = 0
        self._dearest: dict[str, Decimal] = {}

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way: what is left will not become more."""
        return not self._under_way

    def most(self, tag: str, listed: Decimal) -> Decimal:
        """The most that the endpoint's next request can cost; `listed` is by its prices."""
        return max(listed, self._dearest.get(tag, Decimal(0)))

    def take(self, most: Decimal) -> bool:
        """Reserve so much for a request; False if the ceiling does not allow it."""
        if self.spent + self._reserved + most > self.ceiling:
            return False
        self._reserved += most
        self._under_way += 1
        return True

    def settle(self, tag: str, most: Decimal, cost: Decimal | None) -> Decimal:
        """Count what a request has cost in place of what was reserved; return it."""
        self._reserved -= most
        self._under_way -= 1
        charged = most if cost is None else cost
        self.spent += charged
        self._dearest[tag] = max(charged, self._dearest.get(tag, Decimal(0)))
        return charged
