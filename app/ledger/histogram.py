"""Histogram: a distribution of values, small enough to keep one for every hour. PURE.

Rule 1  Buckets grow by a tenth each, from 0.1 up, so that a percentile is never off by more than
        a tenth, both for milliseconds and for tokens per second.
Rule 2  A histogram is one big number with 32 bits for each bucket: to merge two is to add them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

GROWTH = 1.1
_LOWEST = 0.1
_LAST = 200  # holds everything from 19 million up
_BITS = 32
_MASK = (1 << _BITS) - 1
_LOG_GROWTH = math.log(GROWTH)
_LOG_LOWEST = math.log(_LOWEST)


@dataclass(frozen=True, slots=True)
class Bar:
    """The number of values from `low` up to `high`."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution of values; histograms of parts add up to the histogram of the whole."""

    packed: int = 0

    def __add__(self, other: "Histogram") -> "Histogram":
        return Histogram(self.packed + other.packed)

    @property
    def count(self) -> int:
        """The number of values."""
        return sum(count for _, count in self._counts())

    def percentile(self, percent: float) -> float | None:
        """The value that `percent` of all values are below; None if there are no values."""
        left = self.count * percent / 100
        value = None
        for bucket, count in self._counts():
            value = _floor(bucket) * GROWTH ** min(1.0, left / count)
            if left <= count:
                break
            left -= count
        return value

    def bars(self) -> tuple[Bar, ...]:
        """The buckets that are not empty, lowest first."""
        return tuple(
            Bar(_floor(bucket), _floor(bucket + 1), count) for bucket, count in self._counts()
        )

    def _counts(self) -> Iterator[tuple[int, int]]:
        bucket, left = 0, self.packed
        while left:
            if left & _MASK:
                yield bucket, left & _MASK
            left >>= _BITS
            bucket += 1


def of_one(value: float | None) -> int:
    """The packed histogram of one value; empty if the value is absent or makes no sense."""
    if value is None or not 0 < value < math.inf:
        return 0
    bucket = math.floor((math.log(value) - _LOG_LOWEST) / _LOG_GROWTH)
    return 1 << (_BITS * min(max(bucket, 0), _LAST))


def to_bytes(packed: int) -> bytes:
    """A packed histogram as it is stored: the number of its first bucket, then the counts."""
    if not packed:
        return b""
    first = ((packed & -packed).bit_length() - 1) // _BITS
    packed >>= first * _BITS
    return bytes([first]) + packed.to_bytes((packed.bit_length() + 7) // 8, "little")


def from_bytes(stored: bytes) -> int:
    """The packed histogram from its stored form."""
    if not stored:
        return 0
    return int.from_bytes(stored[1:], "little") << (stored[0] * _BITS)


def _floor(bucket: int) -> float:
    return _LOWEST * GROWTH**bucket
