"""Output that grows by whole lines: a file that is appended to, or a pipe while it is read.

Rule 1  Lines are kept once `put` has returned: on disk, or with the reader of a pipe.
Rule 2  They belong to the file of a name. If that file is renamed, removed or emptied, as programs
        that rotate files do, a new one begins, and what may have gone into the old one too late to
        be seen there is written again.
Rule 3  One process at a time writes to a file: two would write every line twice.
"""

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..errors import SettingsError, reason_of
from .one_at_a_time import hold
from .whole_file import names_to_disk, to_disk

_BLOCK = 65_536


class Growing:
    """Where lines are written to, with a heading at the beginning."""

    def __init__(self, output: Path | None, *, heading: bytes, begins: bytes) -> None:
        """`output` None: standard output. A file must begin with `begins`, or be new."""
        self._output, self._heading, self._begins = output, heading, begins
        self._file = self._opened()

    def put(self, write: Callable[[IO[bytes]], object]) -> None:
        """Have whole lines written and pass them on; `write` is called again for a new file."""
        if self._is_gone(or_empty=True):
            self._open_anew()
        while True:
            write(self._file)
            to_disk(self._file)
            if not self._is_gone():
                return
            self._open_anew()

    def reader_left(self, within: float) -> bool:
        """Wait so many seconds, or until the reader of a pipe leaves; return whether it has."""
        if not hasattr(select, "poll"):  # Windows
            time.sleep(within)
            return False
        look = select.poll()
        look.register(self._file.fileno(), 0)
        return bool(look.poll(within * 1000))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _is_gone(self, *, or_empty: bool = False) -> bool:
        """Whether the name leads to another file by now, or to none; or the file is empty."""
        if self._output is None:
            return False
        try:
            there = self._output.stat()
        except FileNotFoundError:
            return True
        another = not os.path.samestat(there, os.fstat(self._file.fileno()))
        return another or (or_empty and self._output.is_file() and not there.st_size)

    def _open_anew(self) -> None:
        self._file.close()
        self._file = self._opened()

    def _opened(self) -> IO[bytes]:
        file = _standard_output() if self._output is None else self._output.open("ab")
        try:
            if self._output is None or not self._output.is_file() or self._is_fresh(file):
                file.write(self._heading)
            to_disk(file)
        except BaseException:
            with suppress(OSError):  # the first error is the one to report
                file.close()
            raise
        return file

    def _is_fresh(self, file: IO[bytes]) -> bool:
        """Hold the file and cut off half a line at its end; return whether no line is left."""
        assert self._output is not None  # noqa: S101 - standard output is never asked about
        hold(file, f"another export writes to {self._output}; stop it, or name another file")
        fresh = _is_fresh(self._output, self._begins)
        if fresh:
            names_to_disk(self._output.resolve().parent)
        return fresh


@contextmanager
def growing(output: Path | None, *, heading: bytes, begins: bytes) -> Iterator[Growing]:
    """Yield what to write to: a file, after the lines that it has, or standard output.

    A file without lines gets the heading first, and so does standard output each time. Half a line
    at a file's end, which a program that was killed leaves there, is cut off. Raises
    `SettingsError` if a file can't be written, is written to by another export, or begins with
    anything but `begins`, and `BrokenPipeError` if a pipe's reader has left.
    """
    name = "standard output" if output is None else str(output)
    try:
        target = Growing(output, heading=heading, begins=begins)
        try:
            yield target
        finally:
            with suppress(BrokenPipeError):  # it was raised already
                target.close()
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
