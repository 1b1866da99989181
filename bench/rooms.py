"""Counts calls and bytecodes by room: the folders of `app/`, and what is not Pointsman's own."""

import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import CodeType, FrameType

_ROOT = f"{Path(__file__).parent.parent}/"
_OWN = f"{_ROOT}app/"


@cache
def room_of(code: CodeType) -> str:
    """`app/wire` or the like, else the library's name."""
    file = code.co_filename
    if file.startswith(_OWN):
        return "app/" + file.removeprefix(_OWN).partition("/")[0].removesuffix(".py")
    _, installed, name = file.rpartition("/site-packages/")
    if installed:
        return name.partition("/")[0].removesuffix(".py")
    if file.startswith(_ROOT):
        return "bench"
    return "asyncio" if "/asyncio/" in file else "other of Python's"


class Rooms:
    """Counts on the thread that starts it; entries of coroutines that go on are calls, too."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()  # of functions written in Python, by their room
        self.c_calls: Counter[str] = Counter()  # of functions written in C, by the caller's room
        self.bytecodes: Counter[str] = Counter()

    def start(self) -> None:
        sys.settrace(self._trace)
        sys.setprofile(self._profile)

    def stop(self) -> None:
        sys.setprofile(None)
        sys.settrace(None)

    def _profile(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            self.calls[room_of(frame.f_code)] += 1
        elif event == "c_call":
            self.c_calls[room_of(frame.f_code)] += 1

    def _trace(self, frame: FrameType, event: str, _: object):
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            self.bytecodes[room_of(frame.f_code)] += 1
        return self._trace
