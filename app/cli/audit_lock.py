"""Lets one process at a time run an audit: two would ask, and pay, for the same answers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import SettingsError


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Hold an audit while the block lasts. Raises `SettingsError` if another process does."""
    other = running_in(folder, name)
    if other is not None:
        raise SettingsError(f"the audit {name} is running already, in the process {other}")
    file = _file(folder, name)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_text(str(os.getpid()), encoding="utf-8")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def running_in(folder: Path, name: str) -> int | None:
    """The process of this machine that runs an audit; None if there is none, or it was killed."""
    try:
        process = int(_file(folder, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return process if _is_there(process) else None


def _is_there(process: int) -> bool:
    if os.name == "nt":  # where the next would end it
        return True
    try:
        os.kill(process, 0)
    except PermissionError:  # another user's
        return True
    except (OSError, OverflowError):
        return False
    return True


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.pid"
