"""The time of each worker's last heartbeat, in memory shared with the supervisor."""

import time
from mmap import mmap


class Beats:
    """One number for each worker; created before the workers, so that all share it."""

    def __init__(self, count: int) -> None:
        self._moments = memoryview(mmap(-1, 8 * count)).cast("d")

    def beat(self, number: int) -> None:
        """Record that worker `number` is alive."""
        self._moments[number - 1] = time.monotonic()

    def forget(self, number: int) -> None:
        """Discard the heartbeat of worker `number`: it was from the previous worker there."""
        self._moments[number - 1] = 0.0

    def silent_for(self, number: int) -> float | None:
        """Return the seconds since the heartbeat of worker `number`; None before its first."""
        heard = self._moments[number - 1]
        return time.monotonic() - heard if heard else None
