"""Where randomness comes from: a seeded `random.Random`, passed in."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Chance(Protocol):
    """The part of `random.Random` that is used."""

    def choices(self, population: Sequence[T], *, k: int) -> list[T]:
        """Return `k` independent draws, each equally likely."""
        ...
