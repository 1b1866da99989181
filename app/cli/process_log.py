"""The process log: one line per event, to standard error.

At a terminal, a line begins with the local time of day; everywhere else with the date too and the
offset from UTC, since a file may be read days later and on another machine.
"""

import logging
import sys
from collections import deque
from datetime import datetime

from ..shown import shown

MOST_LOGGED = 20_000  # characters of one entry, a stack trace included
MOST_HELD = 100  # entries


def start_logging(level: str, *, who: str = "") -> None:
    """Start the process log; of uvicorn's own messages, only warnings and above are logged.

    `who` names the process, if there are several.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Timed(who, dated=not sys.stderr.isatty()))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("pointsman").setLevel(level.upper())
    # None of this is printed, and one line is written per request.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - as logging's HOWTO has it
    logging.getLogger("uvicorn.error").addFilter(_without_known_noise)


def hold_log() -> deque[str]:
    """Keep warnings and errors, the newest `MOST_HELD`, while the terminal is another program's."""
    start_logging("warning")
    held: deque[str] = deque(maxlen=MOST_HELD)
    handler = _Held(held)
    handler.setFormatter(Timed(dated=False))
    logging.getLogger().handlers = [handler]
    return held


class _Held(logging.Handler):
    def __init__(self, held: deque[str]) -> None:
        super().__init__()
        self._held = held

    def emit(self, record: logging.LogRecord) -> None:
        self._held.append(self.format(record))


class Timed(logging.Formatter):
    """Puts a time and `who` before each event; its continuation lines are indented.

    With `dated`, the time is 2026-11-21T09:30:00+01:00 instead of 09:30:00.

    Every logged text is `shown`: no text from outside can control a terminal, or begin a line that
    looks like an event.
    """

    def __init__(self, who: str = "", *, dated: bool) -> None:
        self._who = f"{who} " if who else ""
        self._dated = dated
        super().__init__(f"%(asctime)s {self._who}%(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's
        """Return the local time of an event."""
        del datefmt
        moment = datetime.fromtimestamp(record.created).astimezone()
        return moment.isoformat(timespec="seconds") if self._dated else f"{moment:%H:%M:%S}"

    def format(self, record: logging.LogRecord) -> str:
        """Return the entry, at most `MOST_LOGGED` characters of it."""
        text = super().format(record)
        if len(text) > MOST_LOGGED:
            text = f"{text[:MOST_LOGGED]}\n... {len(text) - MOST_LOGGED:,} characters more"
        indent = " " * len(f"{record.asctime} {self._who}")
        return shown(text).replace("\n", f"\n{indent}")


def _without_known_noise(record: logging.LogRecord) -> bool:
    """Drop uvicorn's error for an answer left incomplete on purpose, to show a cut (T-06)."""
    return "without completing response" not in record.getMessage()
