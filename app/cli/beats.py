"""When each worker last gave a sign of life, in memory that it shares with the supervisor."""

import time
from mmap import mmap


class Beats:
    """One number for each worker; made before any of them, so that all have the same."""

    def __init__(self, count: int) -> None:
        self._moments = memoryview(mmap(-1, 8 * count)).cast("d")

    def beat(self, number: int) -> None:
        """Worker `number` is alive."""
        self._moments[number - 1] = time.monotonic()

    def forget(self, number: int) -> None:
        """Whatever was heard of worker `number` was another one of that number."""
        self._moments[number - 1] = 0.0

    def silent_for(self, number: int) -> float | None:
        """Seconds since worker `number` was heard of; None as long as it has yet to begin."""
        heard = self._moments[number - 1]
        return time.monotonic() - heard if heard else None
