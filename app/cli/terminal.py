"""Tables, colours and JSON on a terminal; plain `print` is guarded by `guard`.

Rule 1  Text is never read as markup, emoji codes or links, and each piece of it is `shown`.
Rule 2  A `str` is printed on one line, and so is a cell of a table unless it is made of `lines`.
        A `Text` keeps its lines: make it of parts that are one line each.
Rule 3  JSON is printed by `print_json`, which escapes what may not be shown.
Rule 4  No line is wider than the terminal. In a pipe or a file nothing is cut, folded or left out,
        unless the environment variable COLUMNS sets a width.
"""

import os
import sys
from collections.abc import Iterator
from typing import IO, Any

from rich import console as rich_console
from rich import table as rich_table
from rich.console import ConsoleOptions, Group, RenderableType
from rich.segment import Segment
from rich.text import Text

from ..shown import json_text, one_line, shown

_UNCUT = 10_000  # columns


class Console(rich_console.Console):
    """Rich's console, which prints text from outside literally and interprets nothing in it."""

    def __init__(
        self,
        *,
        stderr: bool = False,
        file: IO[str] | None = None,
        width: int | None = None,
    ) -> None:
        written_to = file or (sys.stderr if stderr else sys.stdout)
        if width is None and not written_to.isatty() and "COLUMNS" not in os.environ:
            width = _UNCUT
        super().__init__(
            stderr=stderr,
            file=file,
            width=width,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def print(self, *objects: Any, **options: Any) -> None:
        """Print objects, each text on one line."""
        super().print(*(one_line(o) if isinstance(o, str) else o for o in objects), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Render an object, each piece of text as `shown`; cursor movements are Rich's own."""
        for each in super().render(renderable, options):
            yield each if each.control else Segment(shown(each.text), each.style)


class Table(rich_table.Table):
    """A table without rules between its cells, each of which is one line."""

    def __init__(self, *, gap: int = 2, show_header: bool = True) -> None:
        super().__init__(
            box=None,
            pad_edge=False,
            padding=(0, gap, 0, 0),
            header_style="dim",
            show_header=show_header,
        )

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        """Add a row; texts in it are put on one line each."""
        super().add_row(*map(_cell, cells), **options)


def hanging(console: Console, text: Text, *, indent: int, label: Text | None = None) -> Text:
    """A text that is broken where the terminal ends, with all lines but the first indented.

    With a `label` before it, which should be as wide as the indent, the text is one column. Print
    it with `soft_wrap`: in a pipe, whatever COLUMNS says, only its own line breaks break it.
    """
    width = max(console.width - indent, 1) if console.is_terminal else _UNCUT
    broken = text.wrap(console, width)
    for line in broken:
        line.rstrip()
    return (label or Text()) + Text(f"\n{' ' * indent}").join(broken)


def lines(*texts: Text) -> Group:
    """A cell of several lines."""
    return Group(*map(_cell, texts))


def print_json(value: Any, *, indent: int | None = None) -> None:
    """Print a value as JSON at once."""
    print(json_text(value, indent=indent), flush=True)


def _cell(cell: RenderableType | None) -> RenderableType:
    if isinstance(cell, Text):
        cell = cell.copy()
        cell.plain = one_line(cell.plain)  # as long as before, so its styles stay where they are
        return cell
    return Text(one_line(cell)) if isinstance(cell, str) else cell or ""
