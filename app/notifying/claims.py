"""Claims by file: what workers on one machine tell once while their ledger can't say so."""

import time
from contextlib import suppress
from pathlib import Path

KEPT_SECONDS = 86_400.0


class Claims:
    """Files in a folder that all workers share, each named by an event."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def claim(self, event_id: str) -> bool:
        """Whether this process is the first. If the folder can't say, it is: better told twice."""
        with suppress(OSError):
            self._prepare()
        try:
            (self._folder / event_id).touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            return False
        except OSError:
            pass
        return True

    def _prepare(self) -> None:
        """Make the folder, and delete old claims."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        oldest = time.time() - KEPT_SECONDS
        for each in self._folder.iterdir():
            with suppress(OSError):
                if each.stat().st_mtime < oldest:
                    each.unlink()
