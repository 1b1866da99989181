"""The README's moving picture: what it shows is what `make run` prints (`docs/site/picture.py`)."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from docs.site.picture import COLUMNS, COMMAND, TOLD, recorded
from docs.site.recording import Line, record
from docs.site.terminal_svg import Piece, drawn, pieces, text_of

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "images" / "run.svg"
SVG = "{http://www.w3.org/2000/svg}"

_SMALL = 150_000  # bytes


def rows(picture: str) -> list[str]:
    """The lines of a picture as a reader sees them, without the typed one."""
    found: dict[float, dict[float, str]] = {}
    for text in ET.fromstring(picture).iter(f"{SVG}text"):  # noqa: S314 - we drew it
        row = found.setdefault(float(text.attrib["y"]), {})
        row[float(text.attrib["x"])] = text.text or ""
    (_, first), *rest = sorted(found.items())
    assert "".join(first[x] for x in sorted(first)) == "$" + COMMAND.replace(" ", "")
    return [" ".join(row[x] for x in sorted(row)) for _, row in rest]


def shape(line: str) -> str:
    """A line without what differs from run to run: times, ids, figures."""
    line = " ".join(line.split())
    row = re.match(r"\d\d:\d\d:\d\d \w{8} (\S+) (\S+) ", line)
    return f"row {row[1]} {row[2]}" if row else re.sub(r"\d+", "0", line)


def test_the_picture_shows_what_the_demo_prints() -> None:
    """The file is that of an earlier run; what is recorded now has the same lines."""
    lines = recorded()
    now = [shape(text_of(line.text)) for line in lines if line.text]
    drawn_now = drawn(COMMAND, lines, columns=COLUMNS, told=TOLD)
    assert [shape(row) for row in rows(drawn_now)] == now
    in_the_file = [shape(row) for row in rows(PICTURE.read_text(encoding="utf-8"))]
    assert in_the_file == now, "the demo prints something else now: make picture"
    assert sum(each.startswith("row kept ") for each in now) == 3
    assert max(len(text_of(line.text)) for line in lines) <= COLUMNS


def test_the_picture_is_small_and_stands_alone() -> None:
    text = PICTURE.read_text(encoding="utf-8")
    assert len(text) < _SMALL
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg|127\.0\.0\.1:4477)", text)
    assert "<script" not in text
    assert "prefers-color-scheme: dark" in text


def test_a_reader_who_asks_for_less_motion_sees_all_at_once() -> None:
    """Only an animation hides a line, and there is one only if motion is not refused."""
    style = drawn("x", [Line(1, "y")], columns=10, told="z").partition("</style>")[0]
    outside = re.sub(
        r"@media \(prefers-reduced-motion: no-preference\) \{.*?\n\}", "", style, flags=re.DOTALL
    )
    assert "animation:" in style
    assert "animation:" not in outside
    assert "opacity" not in re.sub(r"@keyframes.*", "", style)


def test_lines_come_in_their_order_after_the_command() -> None:
    picture = drawn("ab", [Line(0.5, "one"), Line(2, "two")], columns=10, told="a & b")
    times = [float(each) for each in re.findall(r"animation-duration:([\d.]+)s", picture)]
    assert times == sorted(times)
    assert times[-1] - times[-2] == pytest.approx(1.5)
    assert "a &amp; b" in picture


def test_colours_become_styles_at_their_columns() -> None:
    line = "\x1b[2mid \x1b[0m  \x1b[1;31mno <x>\x1b[0m  "
    assert list(pieces(line)) == [Piece(0, "id", "d"), Piece(5, "no <x>", "b r")]
    assert text_of(line) == "id   no <x>"
    with pytest.raises(ValueError, match="only colours"):
        list(pieces("\x1b[2K"))


def environment() -> Mapping[str, str]:
    return dict(os.environ)


def test_a_recording_has_lines_in_a_terminal_of_that_width_with_their_times() -> None:
    program = "import os; print(os.get_terminal_size().columns); print('end'); input()"
    lines = record(
        [sys.executable, "-c", program],
        cwd=ROOT,
        environment=environment(),
        columns=77,
        until="end",
        seconds=30,
    )
    assert [line.text for line in lines] == ["77", "end"]
    assert 0 < lines[0].at <= lines[1].at


def test_a_command_that_ends_or_hangs_is_reported_with_what_it_printed() -> None:
    for program, told in (("print('bye')", "ended .*bye"), ("print(1); input()", "within .*1")):
        with pytest.raises(TimeoutError, match=f"(?s){told}"):
            record(
                [sys.executable, "-c", program],
                cwd=ROOT,
                environment=environment(),
                columns=80,
                until="never",
                seconds=2,
            )
