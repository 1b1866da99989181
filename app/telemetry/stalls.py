"""Stalls: how long the event loop was blocked, and in which code.

A blocked loop delays every stream of the process. A late tick shows for how long. A separate
thread inspects the loop's stack when a tick is a second late, and at no other time: the blocking
code can be seen only while it blocks.

Rule 1  Code locations are reported: file, line, function. No value of any variable is read.
Rule 2  Each stall is reported once, when it is over.
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
    """Ticked by the event loop a few times a second; read by each scrape."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ticked_at: float | None = None
        self._thread = 0
        self._seen: tuple[float | None, tuple[str, ...]] = (None, ())  # the tick, and the code
        # The longest of this minute and of the previous one, so that no scrape comes too late.
        self._longest = self._longest_before = 0.0
        self._window_began = clock()

    @property
    def longest(self) -> float:
        """The longest stall within the last minute or two, in seconds."""
        self._turn(self._clock())
        return max(self._longest, self._longest_before)

    def tick(self, every: float) -> None:
        """Record that the loop is alive; this is due `every` seconds after the previous call.

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
        """Watch for stalls from a thread."""
        over = threading.Event()
        thread = threading.Thread(target=self._watch, args=(over,), daemon=True, name="stalls")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _watch(self, over: threading.Event) -> None:
        """Sleep until the last tick is a second old; inspect the loop if no tick came meanwhile.

        Once for each tick: later inspections would show the same.
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
    """Return the code locations of a stack, the innermost first."""
    places: list[str] = []
    while frame is not None and len(places) < _MOST_PLACES:
        file = Path(frame.f_code.co_filename)
        shown = file.relative_to(_ROOT) if file.is_relative_to(_ROOT) else Path(*file.parts[-2:])
        places.append(f"{shown}:{frame.f_lineno} in {frame.f_code.co_name}")
        frame = frame.f_back
    return tuple(places)
