"""The process log: when each event happened, at a terminal and in a file."""

import io
import logging
import sys
import time
from collections.abc import Iterator

import pytest

from app.cli.process_log import Timed, start_logging

SUMMER, WINTER = 1_782_883_800, 1_795_253_400  # 2026-07-01T05:30:00Z, 2026-11-21T09:30:00Z


@pytest.fixture(autouse=True)
def _in_madrid(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Madrid")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def _own_logging() -> Iterator[None]:
    """`start_logging` changes the process; put back what it changes."""
    root, ours = logging.getLogger(), logging.getLogger("pointsman")
    noisy = logging.getLogger("uvicorn.error")
    handlers, level, own_level, filters = root.handlers[:], root.level, ours.level, noisy.filters[:]
    names = ("logThreads", "logProcesses", "logMultiprocessing", "_srcfile")
    before = {name: getattr(logging, name) for name in names}
    root.handlers = []  # pytest's own would be closed
    yield
    root.handlers, noisy.filters = handlers, filters
    root.setLevel(level)
    ours.setLevel(own_level)
    for name, value in before.items():
        setattr(logging, name, value)


def formatted(created: float, message: str, *, dated: bool, who: str = "") -> str:
    record = logging.LogRecord("pointsman", logging.INFO, "", 0, message, None, None)
    record.created = created
    return Timed(who, dated=dated).format(record)


def test_a_dated_line_has_the_date_and_the_offset_from_utc() -> None:
    assert formatted(WINTER, "served", dated=True) == "2026-11-21T10:30:00+01:00 served"
    assert formatted(SUMMER, "served", dated=True) == "2026-07-01T07:30:00+02:00 served"


def test_at_a_terminal_a_line_has_the_local_time_of_day_alone() -> None:
    assert formatted(WINTER, "served", dated=False, who="[2]") == "10:30:00 [2] served"


@pytest.mark.parametrize("dated", [True, False])
def test_t63_further_lines_begin_below_the_text_and_look_like_no_event(*, dated: bool) -> None:
    first, second = formatted(WINTER, "one\n12:00:00 two", dated=dated, who="[1]").splitlines()
    assert second == " " * first.index("one") + "12:00:00 two"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("_own_logging")
@pytest.mark.parametrize(("stream", "digits"), [(io.StringIO, 25), (_Terminal, 8)])
def test_standard_error_decides_whether_lines_are_dated(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], digits: int
) -> None:
    err = stream()
    monkeypatch.setattr(sys, "stderr", err)
    start_logging("info")
    logging.getLogger("pointsman").info("served")
    moment, _, message = err.getvalue().partition(" ")
    assert (len(moment), message) == (digits, "served\n")
