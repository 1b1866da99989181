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

PLENTY = 65_536  # the most requested, and the number assumed if the system sets no limit
LAST = 8  # reserved descriptors: a log, a ledger or a health check may need one
_TOLD_APART_SECONDS = 60.0
NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE})


def limit() -> int:
    """How many descriptors this process may have."""
    if sys.platform == "win32":
        return PLENTY
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return PLENTY if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Raise the limit as far as the system allows without additional rights.

    Shells allow 1,024 for the sake of programs that use `select`. Pointsman does not.
    """
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = PLENTY if hard == resource.RLIM_INFINITY else min(hard, PLENTY)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:  # macOS allows less than it reports
        log.debug("the limit of open files can't be raised from %d: %s", soft, error)


class Descriptors:
    """Detects that descriptors run out: logs it once a minute, and remembers it for as long.

    The system accepts no connection without a descriptor, and the event loop then closes
    connections silently.
    """

    def __init__(
        self, most: int | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`most`: the limit; by default, that of the system."""
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
        """Whether descriptors are left above `newest`, just given: the lowest that was free."""
        return newest < self.most - LAST

    def look(self, connections: int) -> None:
        """Try to get a descriptor; `connections` is the number that callers use."""
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
        """Record that no descriptors are left, and log it unless it was logged recently."""
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
