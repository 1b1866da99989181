"""How many callers are connected, and which connections are turned away (T-65).

Rule 1  A connection beyond the bound is still accepted, and answered with a 503: a caller that
        waits in the system's queue learns nothing. Health checks are answered on it.
Rule 2  The number of those is limited, too. Connections beyond it are closed without an answer.
Rule 3  For each connection of a caller, a descriptor is left for one to upstream, and a share is
        left for the ledger, policies and logs.
"""

from collections import Counter
from enum import Enum

from .descriptors import Descriptors

ALWAYS_SERVED = frozenset({"/health", "/ready"})

MOST = 10_000  # whatever the system allows: each takes some 20 kB of memory
_KEPT_FOR_FILES = 64
_KEPT_FOR_HEALTH = 32


class Place(Enum):
    """How a new connection is treated."""

    SERVED = "served"
    HEALTH_ONLY = "health only"
    NONE = "none"


def most_connections(descriptors: int) -> int:
    """How many connections from callers this number of descriptors allows."""
    kept = min(_KEPT_FOR_FILES + _KEPT_FOR_HEALTH, descriptors // 2)
    return max(min((descriptors - kept) // 2, MOST), 1)


class Connections:
    """Counts connections as they open and close, and requests turned away without a receipt."""

    def __init__(self, most: int | None = None, *, descriptors: Descriptors | None = None) -> None:
        """`most`: the bound; None: as many as descriptors allow."""
        self.descriptors = Descriptors() if descriptors is None else descriptors
        self.most = most_connections(self.descriptors.most) if most is None else most
        self.open = 0
        self.turned_away: Counter[str] = Counter()  # by error code

    @property
    def are_full(self) -> bool:
        """Whether the bound on connections is reached."""
        return self.open >= self.most

    def opened(self, descriptor: int) -> Place:
        """Count a connection with this descriptor; returns how it is treated."""
        self.open += 1
        if not self.descriptors.are_left(descriptor):
            self.descriptors.ran_out(self.open)
            return Place.NONE
        if self.open <= self.most:
            return Place.SERVED
        return Place.HEALTH_ONLY if self.open <= self.most + _KEPT_FOR_HEALTH else Place.NONE

    def closed(self) -> None:
        """Count a connection that has ended."""
        self.open -= 1
