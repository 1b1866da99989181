"""The catalog's listings on disk, so that a restart begins with the listings known before.

One file for each listing, unchanged, dated by its own modification time. The copies are optional:
one that can't be read or written is ignored, and logged once at debug level. The reader checks a
copy as if upstream had just sent it; a file of another user, a link, or one that is larger than
any listing is skipped.
"""

import hashlib
import logging
import os
import stat
import tempfile
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from ..wire.listing import LARGEST

log = logging.getLogger("pointsman")

# Opening a named pipe would block, and a link may lead anywhere.
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_MOST = 500  # files
_HEAVIEST = 64_000_000  # bytes of all of them


class CatalogCopies:
    """Copies of one upstream's listings, by path; safe to share between processes."""

    def __init__(self, folder: Path, upstream: str) -> None:
        # A simulated upstream's listings must never be used for the real one.
        self._folder = folder / hashlib.sha256(upstream.encode()).hexdigest()[:12]

    def read(self, path: str) -> tuple[float, bytes] | None:
        """When a listing was fetched, in seconds since the epoch, and its body."""
        return opened_safely(self._file(path))

    def write(self, path: str, body: bytes) -> None:
        """Save a listing; concurrent readers see the whole old one or the whole new one."""
        try:
            for each in (*reversed(self._folder.parents[:2]), self._folder):
                each.mkdir(parents=True, exist_ok=True, mode=0o700)  # of the last folder alone
            handle, name = tempfile.mkstemp(dir=self._folder)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            Path(name).replace(self._file(path))
            self._forget_the_oldest()
        except OSError as error:
            log.debug("the copy of the catalog's %s could not be saved: %s", path, error)

    def _file(self, path: str) -> Path:
        return self._folder / f"{hashlib.sha256(path.encode()).hexdigest()[:24]}.json"

    def _forget_the_oldest(self) -> None:
        newest_first = sorted(map(_about, self._folder.iterdir()), reverse=True)
        sizes = accumulate(size for _, size, _ in newest_first)
        for place, (held, (*_, file)) in enumerate(zip(sizes, newest_first, strict=True)):
            if place >= _MOST or held > _HEAVIEST:
                file.unlink(missing_ok=True)


def opened_safely(path: Path) -> tuple[float, bytes] | None:
    """When a file of this user's was written, and its bytes; None if it must not be read."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _NO_LINKS), "rb") as file:
            about = os.fstat(file.fileno())
            return (about.st_mtime, file.read(LARGEST)) if _is_ours(about) else None
    except OSError:
        return None


def _about(file: Path) -> tuple[float, int, Path]:
    """When a file was written, and its size in bytes."""
    with suppress(OSError):
        about = file.lstat()
        return about.st_mtime, about.st_size, file
    return 0.0, 0, file


def _is_ours(about: os.stat_result) -> bool:
    mine = not hasattr(os, "getuid") or about.st_uid == os.getuid()
    return mine and stat.S_ISREG(about.st_mode) and about.st_size <= LARGEST
