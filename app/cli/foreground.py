r"""Runs a program in the foreground, with our terminal, until it ends.

Ctrl-C and Ctrl-\ reach the program from the terminal itself, and are not ours: a coding agent
uses them for its own purposes. What is sent to this process alone (SIGTERM, SIGHUP) is passed on.
"""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from ..errors import reason_of

NOT_FOUND, NOT_STARTED, _BY_SIGNAL = 127, 126, 128

_FROM_THE_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
_TO_US = (signal.SIGTERM, signal.SIGHUP)


class CannotRun(Exception):
    """The program did not start: the exit code that a shell would give, and why."""

    def __init__(self, code: int, why: str) -> None:
        self.code = code
        super().__init__(why)


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program to its end; return its exit code, or 128 and the signal that ended it.

    Raises `CannotRun`.
    """
    with _left_to_it() as pass_on_to:
        try:
            process = subprocess.Popen(command, env=environment)  # noqa: S603 - the user's tool
        except FileNotFoundError as error:
            raise CannotRun(NOT_FOUND, reason_of(error)) from None
        except OSError as error:
            raise CannotRun(NOT_STARTED, reason_of(error)) from None
        pass_on_to.append(process)
        code = process.wait()
    return _BY_SIGNAL - code if code < 0 else code


@contextmanager
def _left_to_it() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Leave signals to the program; a handler, unlike ignoring them, is not inherited by it."""
    programs: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        del frame
        for each in programs:
            each.send_signal(number)

    before = {each: signal.signal(each, lambda *_: None) for each in _FROM_THE_TERMINAL}
    before |= {each: signal.signal(each, pass_on) for each in _TO_US}
    try:
        yield programs
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
