"""Guards standard output and error: everything that a process prints there is first `shown`.

That is `print`, error messages, warnings, stack traces and the process log. Rich's colours bypass
the guard, so its output is guarded when it is rendered: see `terminal`.
"""

import io
import sys
from collections.abc import Iterable
from typing import IO, Any, cast

from ..shown import shown


def guard_output() -> None:
    """Pass only safe text to standard output and error from now on.

    A character that the terminal's encoding lacks becomes a question mark.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout = cast("Any", Guarded(sys.stdout))
    sys.stderr = cast("Any", Guarded(sys.stderr))


class Guarded:
    """A text stream that writes text as `shown`, and otherwise acts as the stream it wraps."""

    def __init__(self, stream: IO[str]) -> None:
        self.rich_proxied_file = stream  # the name by which Rich finds the stream to write to

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
