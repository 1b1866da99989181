"""Files that a command writes: each appears whole, or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..errors import SettingsError, reason_of


@contextmanager
def whole_file(file: Path, *, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """Yield what to write to; the file is replaced once the block ends without an error.

    A new file has this mode, less what the umask takes. A device or a pipe is written to directly.
    Raises `SettingsError` if the file can't be written.
    """
    try:
        if _is_special(file):
            with file.open("wb") as opened:
                yield opened
            return
        draft = _draft_of(file)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL  # not through a link that is there already
            with os.fdopen(os.open(draft, flags, mode), "wb") as opened:
                yield opened
            draft.replace(file)
        finally:
            with suppress(OSError):  # the first error is the one to report
                draft.unlink()
    except OSError as error:
        raise SettingsError(f"can't write {file}: {reason_of(error)}") from error


def must_be_writable(file: Path) -> None:
    """Raise `SettingsError` if a file can't be written; nothing is written."""
    try:
        if not _is_special(file):
            draft = _draft_of(file)
            draft.open("xb").close()
            draft.unlink()
    except OSError as error:
        raise SettingsError(f"can't write {file}: {reason_of(error)}") from error


def _is_special(file: Path) -> bool:
    """Whether it is a device or a pipe, which is not to be replaced by a file."""
    return file.exists() and not file.is_file() and not file.is_dir()


def _draft_of(file: Path) -> Path:
    """A new name in the same folder. Raises `OSError` if the file is a folder."""
    if file.is_dir() or not file.name:
        raise IsADirectoryError("it is a folder; name a file in it")
    return file.with_name(f"{file.name}.{secrets.token_hex(4)}.partial")
