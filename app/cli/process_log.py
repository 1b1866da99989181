"""The process log: one line an event, to standard error."""

import logging
import sys

from app.shown import shown

MOST_LOGGED = 20_000  # characters of one entry, a stack trace included


def start_logging(level: str, *, who: str = "") -> None:
    """Begin it; uvicorn's own chatter only when it warns.

    `who` says it, where several do.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Timed(who))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("pointsman").setLevel(level.upper())
    # Nothing of this is shown, and one line is written per request.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - as logging's HOWTO has it
    logging.getLogger("uvicorn.error").addFilter(_without_known_noise)


class _Timed(logging.Formatter):
    """A time, and `who`, before each event; the further lines of one are indented.

    Whatever is logged is `shown`: no text from outside can steer a terminal, or begin a line that
    looks like an event.
    """

    def __init__(self, who: str) -> None:
        self._who = f"{who} " if who else ""
        super().__init__(f"%(asctime)s {self._who}%(message)s", datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if len(text) > MOST_LOGGED:
            text = f"{text[:MOST_LOGGED]}\n... {len(text) - MOST_LOGGED:,} characters more"
        indent = " " * len(f"{record.asctime} {self._who}")
        return shown(text).replace("\n", f"\n{indent}")


def _without_known_noise(record: logging.LogRecord) -> bool:
    """An answer left incomplete on purpose is no error: that is how a cut stays visible (T-06)."""
    return "without completing response" not in record.getMessage()
