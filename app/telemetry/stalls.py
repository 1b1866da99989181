"""How long the event loop has stood still, and what it was at.

Whatever blocks the loop holds up every stream of the process. A tick that comes late shows for how
long. A thread of its own looks at the loop's stack, when a tick is late by a second, and at no
other time: only while it lasts can be seen what lasts.

Rule 1  Code places are told: file, line, function. No value of any variable is read.
Rule 2  Each stall is told once, when it is over.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

log = logging.getLogger("pointsman")

TOLD_SECONDS = 1.0
_WINDOW_SECONDS = 60.0
_MOST_PLACES = 8
_ROOT = Path(__file__).parent.parent.parent


class Stalls:
    """Ticked by the event loop, a few times a second; read by whoever scrapes."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ticked_at: float | None = None
        self._thread = 0
        self._seen: tuple[float | None, tuple[str, ...]] = (None, ())  # behind which tick, and what
        # The longest of this minute and of the one before, so that no scrape comes too late.
        self._longest = self._longest_before = 0.0
        self._window_began = clock()

    @property
    def longest(self) -> float:
        """Seconds of the longest stall within the last minute or two."""
        self._turn(self._clock())
        return max(self._longest, self._longest_before)

    def tick(self, every: float) -> None:
        """Note that the loop is alive, who should have said so `every` seconds after the last time.

        Must be called on the event loop.
        """
        now = self._clock()
        before, self._ticked_at = self._ticked_at, now
        late = 0.0 if before is None else max(now - before - every, 0.0)
        self._thread = threading.get_ident()
        self._turn(now)
        self._longest = max(self._longest, late)
        if late >= TOLD_SECONDS:
            behind, places = self._seen
            shown = " < ".join(places) if places and behind == before else "an unknown place"
            log.warning(
                "the event loop was blocked for %.1f s, and every stream with it, at: %s",
                *(late, shown),
            )

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look, from a thread, at what lasts too long."""
        over = threading.Event()
        thread = threading.Thread(target=self._watch, args=(over,), daemon=True, name="stalls")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _watch(self, over: threading.Event) -> None:
        """Sleep until the last tick is a second old, and look at the loop if it still is the last.

        Once for each tick: what is next to be seen is the same.
        """
        patience, looked_at = TOLD_SECONDS, None
        while not over.wait(patience):
            ticked_at, now = self._ticked_at, self._clock()
            age = 0.0 if ticked_at is None else now - ticked_at
            patience = TOLD_SECONDS if age >= TOLD_SECONDS else TOLD_SECONDS - age
            if ticked_at is not None and age >= TOLD_SECONDS and ticked_at != looked_at:
                looked_at = ticked_at
                frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - made for this
                self._seen = ticked_at, places_of(frame)

    def _turn(self, now: float) -> None:
        passed = int((now - self._window_began) / _WINDOW_SECONDS)
        if passed:
            self._longest_before = self._longest if passed == 1 else 0.0
            self._longest = 0.0
            self._window_began += passed * _WINDOW_SECONDS


def places_of(frame: FrameType | None) -> tuple[str, ...]:
    """Where a stack is, the innermost place first."""
    places: list[str] = []
    while frame is not None and len(places) < _MOST_PLACES:
        file = Path(frame.f_code.co_filename)
        shown = file.relative_to(_ROOT) if file.is_relative_to(_ROOT) else Path(*file.parts[-2:])
        places.append(f"{shown}:{frame.f_lineno} in {frame.f_code.co_name}")
        frame = frame.f_back
    return tuple(places)
