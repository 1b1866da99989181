"""Keeps one audit from being run by two processes of this machine, which would pay for it twice.

Each audit has one byte of a file in the state folder, which its process holds a lock on. The system
lets go of it when the process ends, however it ends.
"""

import errno
import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import SettingsError

if sys.platform != "win32":
    import fcntl

_FILE = "audits.lock"
_HELD = frozenset({errno.EACCES, errno.EAGAIN})


@contextmanager
def alone(state: Path, audit: str) -> Iterator[None]:
    """Hold an audit while the block lasts. Raises `SettingsError` if another process holds it.

    Where the system or the folder has no locks, nothing is held.
    """
    if sys.platform == "win32":
        yield
        return
    try:
        file = (state / _FILE).open("ab")
    except OSError:
        yield
        return
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(audit))
        except OSError as error:
            if error.errno in _HELD:
                raise SettingsError(
                    f"another process runs the audit {audit}; wait until it ends, or stop it there"
                ) from None
        yield


def is_run_elsewhere(state: Path, audit: str) -> bool:
    """Whether another process of this machine holds an audit."""
    try:
        with alone(state, audit):
            return False
    except SettingsError:
        return True


def _place(audit: str) -> int:
    return int.from_bytes(hashlib.blake2b(audit.encode(), digest_size=7).digest(), "big")
