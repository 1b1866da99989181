"""A wall clock that never jumps.

For ages and for what came first. The system's clock is set now and then, by hours on a machine
that has just woken up; a listing would be from the future then, or a day old.
"""

import time

# It runs on while a laptop sleeps, and so must what is measured with it; `time.monotonic` may not.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def running() -> float:
    """Seconds that only ever grow, from a start that means nothing."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


_EPOCH = time.time() - running()


def steady() -> float:
    """Seconds since the epoch, by the wall clock as it was when this process began."""
    return _EPOCH + running()
