"""How many files and sockets this process may have open, and whether they run out (T-65)."""

import errno
import logging
import os
import sys
import time
from collections.abc import Callable

if sys.platform != "win32":
    import resource

log = logging.getLogger("pointsman")

PLENTY = 65_536  # more are not asked for; where the system sets no limit, so many are counted on
LAST = 8  # of them are not given to callers: a log, a ledger or a health check may need one
_TOLD_APART_SECONDS = 60.0
NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE})


def limit() -> int:
    """How many descriptors this process may have."""
    if sys.platform == "win32":
        return PLENTY
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return PLENTY if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Have as many descriptors as the system gives without asking for more rights.

    Shells allow 1,024 for the sake of programs that use `select`. None runs here.
    """
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = PLENTY if hard == resource.RLIM_INFINITY else min(hard, PLENTY)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:  # macOS gives less than it says
        log.debug("the limit of open files can't be raised from %d: %s", soft, error)


class Descriptors:
    """Notices that descriptors run out: says so once a minute, and remembers it for as long.

    The system accepts no connection without one, and the event loop then closes connections
    without a word.
    """

    def __init__(
        self, most: int | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`most`: how many there may be, if that isn't asked of the system."""
        self.most = limit() if most is None else most
        self._clock = clock
        self._short_at: float | None = None
        self._told_at: float | None = None

    @property
    def are_short(self) -> bool:
        """Whether they have run out within the last minute."""
        at = self._short_at
        return at is not None and self._clock() - at < _TOLD_APART_SECONDS

    def are_left(self, newest: int) -> bool:
        """Whether there are more behind `newest`, a descriptor just given: the lowest free one."""
        return newest < self.most - LAST

    def look(self, connections: int) -> None:
        """Try whether one can be had; `connections` is how many of them callers have."""
        try:
            newest = os.open(os.devnull, os.O_RDONLY)
        except OSError as error:
            if error.errno in NONE_LEFT:
                self.ran_out(connections)
            return
        os.close(newest)
        if not self.are_left(newest):
            self.ran_out(connections)

    def ran_out(self, connections: int) -> None:
        """Note that there are none left, and say so unless that was said a moment ago."""
        now = self._short_at = self._clock()
        if self._told_at is not None and now - self._told_at < _TOLD_APART_SECONDS:
            return
        self._told_at = now
        log.error(
            "file descriptors run out: this process may have %d, and callers' connections take %d "
            "of them. Callers are turned away until some are closed. Raise the limit (ulimit -n, "
            "or LimitNOFILE= in a systemd unit), or lower POINTSMAN_MAX_CONNECTIONS",
            *(self.most, connections),
        )
