"""Keeps two processes of this machine from doing the same thing to one file at a time.

The system lets go of a lock when its process ends, however it ends.
"""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..errors import SettingsError

if sys.platform != "win32":
    import fcntl

_HELD = frozenset({errno.EACCES, errno.EAGAIN})


def hold(opened: IO[Any], refusal: str) -> None:
    """Lock an open file until it is closed. Raises `SettingsError` if another process holds it.

    Where the system or the file system has no locks, nothing is held.
    """
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            raise SettingsError(refusal) from None


@contextmanager
def held(file: Path, refusal: str) -> Iterator[None]:
    """Hold a lock file while the block lasts; it is made if needed, and stays.

    Raises `SettingsError` if another process holds it. Where it can't be made, nothing is held.
    """
    try:
        opened = file.open("ab")
    except OSError:
        yield
        return
    with opened:
        hold(opened, refusal)
        yield
