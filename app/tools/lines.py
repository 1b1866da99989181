"""The lines of a text, as files of configuration have them. PURE."""

import re

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def lines_of(text: str) -> list[str]:
    """The lines with their ends. Only a newline ends one; `str.splitlines` knows ten more ends."""
    return _LINE.findall(text)


def whole_lines(text: str) -> list[str]:
    """The same, with an end on the last one too."""
    lines = lines_of(text)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += line_end(text)
    return lines


def line_end(text: str) -> str:
    """How lines of this text end: with CR and LF if any does, else with LF."""
    return "\r\n" if "\r\n" in text else "\n"
