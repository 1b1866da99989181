"""The catalog's listings on disk, so that a restart begins with what was known before.

One file for each listing, as it came, dated by its own modification time. Nothing here is needed:
a copy that can't be read or written is as good as none, and says so once in the debug log.
"""

import hashlib
import logging
import os
import tempfile
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("pointsman")

_MOST = 500  # files


class CatalogCopies:
    """Copies of one upstream's listings, by path; safe to share between processes."""

    def __init__(self, folder: Path, upstream: str) -> None:
        # A simulated upstream's listings must never be taken for the real one's.
        self._folder = folder / hashlib.sha256(upstream.encode()).hexdigest()[:12]

    def read(self, path: str) -> tuple[float, bytes] | None:
        """When a listing was fetched, in seconds since the epoch, and its body."""
        file = self._file(path)
        try:
            return file.stat().st_mtime, file.read_bytes()
        except OSError:
            return None

    def write(self, path: str, body: bytes) -> None:
        """Keep a listing; whoever reads meanwhile sees the old one or the new one, whole."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=self._folder)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            Path(name).replace(self._file(path))
            self._forget_the_oldest()
        except OSError as error:
            log.debug("no copy of the catalog's %s could be kept: %s", path, error)

    def _file(self, path: str) -> Path:
        return self._folder / f"{hashlib.sha256(path.encode()).hexdigest()[:24]}.json"

    def _forget_the_oldest(self) -> None:
        files = list(self._folder.iterdir())
        if len(files) <= _MOST:
            return
        for file in sorted(files, key=_written)[: len(files) - _MOST]:
            file.unlink(missing_ok=True)


def _written(file: Path) -> float:
    with suppress(OSError):
        return file.stat().st_mtime
    return 0.0
