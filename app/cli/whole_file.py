"""Files that a command writes: each appears whole, or not at all."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..errors import SettingsError, reason_of


@contextmanager
def whole_file(file: Path, *, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """Yield what to write to; the file is replaced once the block ends without an error.

    A new file has this mode, less what the umask takes. When this returns, the file is on disk, and
    a link still leads to it. A device or a pipe is written to directly. Raises `SettingsError` if
    the file can't be written.
    """
    try:
        if _is_special(file):
            with file.open("wb") as opened:
                yield opened
            return
        target = _target_of(file)
        draft = _draft_of(target)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL  # not through a link that is there already
            with os.fdopen(os.open(draft, flags, mode), "wb") as opened:
                yield opened
                to_disk(opened)
            draft.replace(target)
            names_to_disk(target.parent)
        finally:
            with suppress(OSError):  # the first error is the one to report
                draft.unlink()
    except OSError as error:
        raise SettingsError(f"can't write {file}: {reason_of(error)}") from error


def must_be_writable(file: Path) -> None:
    """Raise `SettingsError` if a file can't be written; nothing is written."""
    try:
        if not _is_special(file):
            draft = _draft_of(_target_of(file))
            draft.open("xb").close()
            draft.unlink()
    except OSError as error:
        raise SettingsError(f"can't write {file}: {reason_of(error)}") from error


def to_disk(opened: IO[bytes]) -> None:
    """Pass on what was written: to the disk if it is a file, or to the reader of a pipe."""
    opened.flush()
    if stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        os.fsync(opened.fileno())


def names_to_disk(folder: Path) -> None:
    """Keep the names of a folder's files on disk: those of new ones, too, after a power failure."""
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError:  # a file system without it
        pass
    finally:
        os.close(opened)


def _is_special(file: Path) -> bool:
    """Whether it is a device or a pipe, which is not to be replaced by a file."""
    return file.exists() and not file.is_file() and not file.is_dir()


def _target_of(file: Path) -> Path:
    """Where a link leads to, so that the file is replaced and not the link."""
    return Path(os.path.realpath(file)) if file.is_symlink() else file


def _draft_of(file: Path) -> Path:
    """A new name in the same folder. Raises `OSError` if the file is a folder."""
    if file.is_dir() or not file.name:
        raise IsADirectoryError("it is a folder; name a file in it")
    return file.with_name(f"{file.name}.{secrets.token_hex(4)}.partial")
