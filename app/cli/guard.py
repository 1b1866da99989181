"""Guards standard output and error: all that a process prints there is first `shown`.

That is `print`, error messages, warnings, stack traces and the process log. Rich writes its colours
past the guard, so what it prints is guarded where it renders: see `terminal`.
"""

import io
import sys
from collections.abc import Iterable
from typing import IO, Any, cast

from app.shown import shown


def guard_output() -> None:
    """Let nothing reach standard output and error, from now on, but what may be shown.

    A character that the terminal's encoding lacks becomes a question mark.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout = cast("Any", Guarded(sys.stdout))
    sys.stderr = cast("Any", Guarded(sys.stderr))


class Guarded:
    """A text stream that passes on what is `shown`, and is the stream it wraps in all else."""

    def __init__(self, stream: IO[str]) -> None:
        self.rich_proxied_file = stream  # the name by which Rich finds where to write by itself

    def write(self, text: str) -> int:
        """Write a text as it may be shown."""
        self.rich_proxied_file.write(shown(text))
        return len(text)

    def writelines(self, texts: Iterable[str]) -> None:
        """Write several."""
        for text in texts:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)
