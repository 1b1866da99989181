"""The ceiling of an audit, kept to the request. PURE.

Rule 1  A request is sent only if what was spent, the most that those under way can cost, and the
        most that it can cost itself, together stay within the ceiling.
Rule 2  The most that a request can cost is what the listing says of a long prompt and a whole
        answer; or what the same endpoint has charged for one before, if that was more: some
        endpoints ignore `max_tokens`. Once one has, it is reckoned of those under way, too.
Rule 3  Until an endpoint has charged for a request, it gets one at a time: so one answer at most of
        an endpoint that charges more than it lists comes as a surprise.
Rule 4  A request whose cost was not told is counted at the most that it could cost.
"""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

_NOTHING = Decimal(0)


class Purse:
    """What one audit has spent, and what its requests under way may add to that. USD.

    `dearest`: the most that endpoints have charged for a request in earlier runs, by tag.
    """

    def __init__(
        self,
        ceiling: Decimal,
        spent: Decimal = _NOTHING,
        dearest: Mapping[str, Decimal] | None = None,
    ) -> None:
        self.ceiling = ceiling
        self.spent = spent
        self._dearest = dict(dearest or {})
        self._listed: dict[str, Decimal] = {}
        self._under_way: Counter[str] = Counter()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way: what is left will not become more."""
        return not self._under_way.total()

    @property
    def reserved(self) -> Decimal:
        """The most that the requests under way can cost."""
        return sum((n * self._most(tag) for tag, n in self._under_way.items()), _NOTHING)

    def take(self, tag: str, listed: Decimal) -> bool:
        """Reserve for a request to an endpoint, which costs `listed` at most by its prices.

        False: it has to wait for those under way, or the ceiling does not allow it.
        """
        if listed and self._under_way[tag] and tag not in self._dearest:
            return False
        number, before = self._under_way[tag], self._most(tag)
        reserved = self.reserved + (number + 1) * max(listed, before) - number * before
        if self.spent + reserved > self.ceiling:
            return False
        self._listed[tag] = max(listed, self._listed.get(tag, _NOTHING))
        self._under_way[tag] += 1
        return True

    def settle(self, tag: str, cost: Decimal | None) -> Decimal:
        """Count what a request has cost in place of what was reserved; return it."""
        charged = self._most(tag) if cost is None else cost
        self._under_way[tag] -= 1
        self.spent += charged
        if charged:
            self._dearest[tag] = max(charged, self._dearest.get(tag, _NOTHING))
        return charged

    def _most(self, tag: str) -> Decimal:
        return max(self._listed.get(tag, _NOTHING), self._dearest.get(tag, _NOTHING))
