"""Ctrl-C and SIGTERM, for a command that goes on until it is stopped."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Stop:
    """Whether the command was asked to stop."""

    asked: bool = False


@contextmanager
def asked_to_stop() -> Iterator[Stop]:
    """Note a signal instead of being ended by it. A second one ends the process, as usual."""
    stop = Stop()

    def note(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.asked = True
        restore()

    def restore() -> None:
        for each, handler in before.items():
            signal.signal(each, handler)

    before = {each: signal.signal(each, note) for each in _SIGNALS}
    try:
        yield stop
    finally:
        restore()
