"""A brake: too many events from one place must wait, longer each time. PURE except for a clock.

For each place there is one number that grows with each event and shrinks with time, so a burst
within the allowance costs nothing and is forgotten.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

_MINUTE = 60.0
_MOST_PLACES = 1024


class Brake:
    """Counts events by place; a new place replaces the one whose last event is oldest."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, most: int = _MOST_PLACES
    ) -> None:
        """`most`: how many places are known at a time."""
        self._clock = clock
        self._most = most
        self.places: OrderedDict[str, tuple[float, float]] = OrderedDict()  # level, and when

    def note(self, place: str, *, a_minute: int) -> int:
        """Count an event; returns the seconds to wait, 0 within the allowance of so many a minute.

        The wait grows to at most a minute, however many events follow.
        """
        now = self._clock()
        level, at = self.places.pop(place, (0.0, now))
        level = max(level - (now - at) * a_minute / _MINUTE, 0.0)
        level = min(level + 1, 2.0 * a_minute)
        self.places[place] = level, now
        if len(self.places) > self._most:
            self.places.popitem(last=False)
        return math.ceil(max(level - a_minute, 0.0) * _MINUTE / a_minute)
