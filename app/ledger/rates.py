"""Rates: how often something happened, and how sure that is. PURE.

The interval is Wilson's score interval at 95 %: E. B. Wilson, Probable inference, the law of
succession, and statistical inference, Journal of the American Statistical Association 22 (1927),
209-212. It stays within 0 and 1, and says something for few requests and for a rate of zero, where
the usual "rate plus or minus" does not.
"""

from math import sqrt
from typing import Any, NamedTuple

_Z = 1.959963984540054  # of a normal distribution, 95 % lie within so many standard deviations
FEWEST = 20  # with fewer requests, a rate says little


class Rate(NamedTuple):
    """`found` among `of`; both are counts of requests, and `found` is at most `of`."""

    found: int = 0
    of: int = 0

    @property
    def share(self) -> float | None:
        """The rate itself; None without any request."""
        return self.found / self.of if self.of else None

    @property
    def low(self) -> float:
        """The lower end of the interval; 0 without any request."""
        return self._interval()[0]

    @property
    def high(self) -> float:
        """The upper end of the interval; 1 without any request."""
        return self._interval()[1]

    @property
    def is_faint(self) -> bool:
        """Whether it rests on so few requests that it says little."""
        return self.of < FEWEST

    def is_surely_above(self, other: "Rate") -> bool:
        """Whether the intervals part: this one begins above the end of the other."""
        return self.low > other.high

    def _interval(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        share, square = self.found / self.of, _Z * _Z
        middle = share + square / (2 * self.of)
        spread = _Z * sqrt((share * (1 - share) + square / (4 * self.of)) / self.of)
        whole = 1 + square / self.of
        low = (middle - spread) / whole if self.found else 0.0
        high = (middle + spread) / whole if self.found < self.of else 1.0
        return max(low, 0.0), min(high, 1.0)


def surest_first(rate: Rate) -> tuple[float, float]:
    """A key that sorts by what can be said with confidence: the highest lower end first.

    Thirty of a hundred thus come before one of two. Of those without a fault, the one that most
    requests speak for comes last.
    """
    return -rate.low, -rate.high


def rate_as_json(rate: Rate) -> dict[str, Any]:
    """The same for machines; `rate` is null without any request."""
    return {
        "found": rate.found,
        "of": rate.of,
        "rate": rate.share,
        "low": rate.low,
        "high": rate.high,
    }
