"""A wall clock that never jumps.

Used for ages and for ordering. The system's clock is adjusted now and then, by hours on a machine
that has just woken up; a listing would then be from the future, or a day old.
"""

import time

# This clock runs on while a laptop sleeps, as ages require; `time.monotonic` may not.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def running() -> float:
    """Seconds from an arbitrary start; they never decrease."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


_EPOCH = time.time() - running()


def steady() -> float:
    """Seconds since the epoch, by the wall clock as it was when this process began."""
    return _EPOCH + running()
