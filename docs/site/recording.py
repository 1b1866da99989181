"""Record a command in a terminal of its own: what it prints, line by line, and when."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_READ_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was printed, escape sequences included, and the second of its first byte."""

    at: float
    text: str


def record(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    columns: int,
    until: str,
    seconds: float,
) -> list[Line]:
    """Run a command until it has printed a line that has `until` in it; then interrupt it.

    Raises `TimeoutError` with what was printed if that line does not come within `seconds`.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    began = time.monotonic()
    process = subprocess.Popen(  # noqa: S603 - the caller's own words
        command,
        cwd=cwd,
        env={**environment, "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    lines: list[Line] = []
    rest = ""
    try:
        while not any(until in line.text for line in lines):
            left = began + seconds - time.monotonic()
            if left <= 0 or not select.select([ours], [], [], left)[0]:
                printed = "\n".join(line.text for line in lines)
                raise TimeoutError(f"no line with {until!r} within {seconds} s, but:\n{printed}")
            *whole, rest = re.split(r"\r?\n", rest + _read(ours, until, lines))
            lines += [Line(time.monotonic() - began, text) for text in whole]
    finally:
        process.terminate()
        process.wait()
        os.close(ours)
    return lines


def _read(ours: int, until: str, lines: Sequence[Line]) -> str:
    try:
        return os.read(ours, _READ_BYTES).decode()
    except OSError:  # the command ended
        printed = "\n".join(line.text for line in lines)
        raise TimeoutError(f"it ended without a line with {until!r}:\n{printed}") from None
