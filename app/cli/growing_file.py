"""Output that grows by whole lines: a file that is appended to, or a pipe while it is read."""

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..errors import SettingsError, reason_of

_BLOCK = 65_536


class Growing:
    """Where lines are written to. They are kept once `settle` has returned."""

    def __init__(self, file: IO[bytes], *, on_disk: bool) -> None:
        self.file = file
        self._on_disk = on_disk

    def settle(self) -> None:
        """Pass on what was written: to the disk, or to the reader."""
        self.file.flush()
        if self._on_disk:
            os.fsync(self.file.fileno())

    def reader_left(self, within: float) -> bool:
        """Wait so many seconds, or until the reader of a pipe leaves; return whether it has."""
        if not hasattr(select, "poll"):  # Windows
            time.sleep(within)
            return False
        look = select.poll()
        look.register(self.file.fileno(), 0)
        return bool(look.poll(within * 1000))


@contextmanager
def growing(output: Path | None, *, heading: bytes, begins: bytes) -> Iterator[Growing]:
    """Yield what to write to: a file, after the lines that it has, or standard output.

    A file without lines gets the heading first, and so does standard output each time. Half a line
    at a file's end, which a program that was killed leaves there, is cut off. Raises
    `SettingsError` if a file can't be written or begins with anything but `begins`, and
    `BrokenPipeError` if a pipe's reader has left.
    """
    name = "standard output" if output is None else str(output)
    try:
        file = _standard_output() if output is None else output.open("ab")
        try:
            if output is None or not output.is_file() or _is_fresh(output, begins):
                file.write(heading)
            target = Growing(file, on_disk=output is not None and output.is_file())
            target.settle()
            yield target
        finally:
            with suppress(BrokenPipeError):  # it was raised already
                file.close()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SettingsError(f"can't write {name}: {reason_of(error)}") from error


def _standard_output() -> IO[bytes]:
    """A buffer of our own: Python's would try to write the rest to a pipe without a reader."""
    return open(sys.stdout.fileno(), "wb", closefd=False)


def _is_fresh(output: Path, begins: bytes) -> bool:
    """Cut off half a line at the end; return whether no line is left."""
    with output.open("r+b") as file:
        first = file.read(len(begins))
        size = file.seek(0, os.SEEK_END)
        if first != begins[: min(size, len(begins))]:
            raise SettingsError(
                f"{output} has other lines than this format and version write; name another file"
            )
        whole = _end_of_last_line(file, size)
        if whole < size:
            file.truncate(whole)
    return not whole


def _end_of_last_line(file: IO[bytes], size: int) -> int:
    while size:
        begin = max(size - _BLOCK, 0)
        file.seek(begin)
        newline = file.read(size - begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        size = begin
    return 0
