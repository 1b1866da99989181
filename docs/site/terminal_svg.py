"""A recorded terminal as an SVG that plays once, light or dark as its reader's pages are. PURE.

Rule 1  The picture at rest is whole: a line is hidden only while its animation lasts. So a program
        that plays nothing, and a reader who asks for less motion, see all of it.
Rule 2  Each piece of text has its place and its length, so columns are columns in any font.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from .recording import Line

_CHAR, _ROW, _SIZE = 8.4, 18, 14  # pixels: a character's width, a line's height, the font's size
_PAD, _BAR = 18, 30  # around the text, and the window's title above it
_TYPED_FROM, _TYPED_EVERY, _STARTED = 0.4, 0.07, 0.3  # seconds; the last from Enter to output

_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_CLASSES = {"1": "b", "2": "d", "31": "r", "32": "g", "33": "y"}
_STYLE = f"""\
svg {{ --paper: #fff; --bar: #eef0ec; --line: #d5d8d0; --ink: #1b211f; --soft: #5a645f;
  --green: #14704a; --red: #b3261e; --yellow: #8a5a00; }}
@media (prefers-color-scheme: dark) {{
  svg {{ --paper: #121614; --bar: #1d2321; --line: #39423e; --ink: #e7ebe8; --soft: #9aa6a0;
    --green: #63cf97; --red: #ff8a80; --yellow: #f2c14e; }}
}}
text {{ font: {_SIZE}px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: var(--ink); white-space: pre; }}
.paper {{ fill: var(--paper); stroke: var(--line); }}
.bar {{ fill: var(--bar); }}
.b {{ font-weight: 700; }}
.d {{ fill: var(--soft); }}
.g {{ fill: var(--green); }}
.r {{ fill: var(--red); }}
.y {{ fill: var(--yellow); }}
@media (prefers-reduced-motion: no-preference) {{
  .w {{ animation: wait step-end; }}
}}
@keyframes wait {{ from, to {{ opacity: 0; }} }}
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of one line in one style, from a column on."""

    column: int
    text: str
    style: str


def pieces(line: str) -> Iterator[Piece]:
    """Yield the pieces of a printed line. Raises `ValueError` for any escape but colours."""
    column, style = 0, ""
    first, *rest = _SGR.split(line)
    for code, text in [("", first), *zip(rest[::2], rest[1::2], strict=True)]:
        if "\x1b" in text:
            raise ValueError(f"only colours can be drawn, and this line has more: {line!r}")
        style = " ".join(_CLASSES[each] for each in code.split(";") if each in _CLASSES)
        bare = text.lstrip(" ")
        if bare.rstrip(" "):
            yield Piece(column + len(text) - len(bare), bare.rstrip(" "), style)
        column += len(text)


def text_of(line: str) -> str:
    """Return a printed line as a reader sees it."""
    shown = ""
    for piece in pieces(line):
        shown = shown.ljust(piece.column) + piece.text
    return shown


def drawn(command: str, lines: Sequence[Line], *, columns: int, told: str) -> str:
    """Return the SVG of a command that is typed, and of what it then printed when."""
    enter = _TYPED_FROM + _TYPED_EVERY * len(command) + _STARTED
    height = _BAR + 2 * _PAD + _ROW * (len(lines) + 1)
    width = round(columns * _CHAR + 2 * _PAD)
    typed = [
        _text(0, Piece(0, "$", "d"), 0),
        *(
            _text(0, Piece(2 + place, letter, "b"), _TYPED_FROM + _TYPED_EVERY * place)
            for place, letter in enumerate(command)
            if letter != " "
        ),
    ]
    printed = [
        _text(row, piece, enter + line.at)
        for row, line in enumerate(lines, start=1)
        for piece in pieces(line.text)
    ]
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                f'width="{width}" height="{height}" role="img" aria-labelledby="t">'
            ),
            f'<title id="t">{escape(told)}</title>',
            f"<style>\n{_STYLE}</style>",
            f'<rect class="paper" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>',
            f'<path class="bar" d="M1 {_BAR}V9q0-8 8-8H{width - 9}q8 0 8 8V{_BAR}z"/>',
            *(f'<circle class="paper" cx="{x}" cy="15.5" r="5"/>' for x in (19, 37, 55)),
            *typed,
            *printed,
            "</svg>\n",
        ]
    )


def _text(row: int, piece: Piece, at: float) -> str:
    x, y = _PAD + piece.column * _CHAR, _BAR + _PAD + row * _ROW + _SIZE
    waits = f' style="animation-duration:{at:.2f}s"' if at else ""
    named = f' class="{" ".join(filter(None, [piece.style, "w" if at else ""]))}"'
    length = f' textLength="{len(piece.text) * _CHAR:.1f}"' if len(piece.text) > 1 else ""
    return f'<text x="{x:.1f}" y="{y}"{named}{waits}{length}>{escape(piece.text)}</text>'
