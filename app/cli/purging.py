"""Removes what Pointsman keeps of a user: settings, policies, receipts, copies and the log.

Rule 1  Only files that are Pointsman's by their names are removed, since `POINTSMAN_STATE` may name
        any folder. A folder is removed once it is empty.
Rule 2  Of a link, the link is removed.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..errors import ServiceError, reason_of

# Of the state folder, as docs/operate.md lists them.
STATE = (
    *("ledger.db", "ledger.db-wal", "ledger.db-shm"),
    *("demo-ledger.db", "demo-ledger.db-wal", "demo-ledger.db-shm", "demo.json"),
    *("catalog", "connected", "told", "scores", "session-guess.key", "audit.key"),
)
OWN = (".env", "pointsman.env", "policies")


def purge(
    *, folder: Path, state: Path, unit: Path, home: Path, dry_run: bool
) -> list[tuple[Path, str]]:
    """Remove everything, and return each path with its fate: `removed`, or `kept` if it is foreign.

    With `dry_run`, nothing is removed. Raises `ServiceError` if something can't be removed.
    """
    log = home / "Library" / "Logs" / "pointsman.log"
    ours = [*(folder / name for name in OWN), *(state / name for name in STATE), log]
    ours.append(unit.with_name(f"{unit.name}.d"))  # made by `systemctl edit`
    found = [each for each in ours if each.exists() or each.is_symlink()]
    if dry_run:
        return [(each, "would be removed:") for each in found]
    try:
        for each in found:
            _remove(each)
        for each in (folder, state, log.parent, unit.parent):
            _remove_empty(each, home)
    except OSError as error:
        raise ServiceError(f"can't remove {error.filename}: {reason_of(error)}") from error
    left = [(each, "kept") for each in _inside(folder, state)]
    return [(each, "removed") for each in found] + left


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _remove_empty(folder: Path, home: Path) -> None:
    """Remove a folder and those above it as far as they are empty, and inside the home folder."""
    for each in (folder, *folder.parents):
        if not each.is_relative_to(home) or each == home:
            return
        if each.is_dir() and any(each.iterdir()):
            return
        with suppress(FileNotFoundError, NotADirectoryError):
            each.rmdir()


def _inside(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from sorted(folder.iterdir())
