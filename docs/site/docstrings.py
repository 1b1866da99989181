"""Docstrings as reStructuredText, which is what Sphinx reads them as. PURE.

Ours are plain text: `code` between backticks, numbered rules, lists, and characters that mean
themselves.
"""

import re

_CODE = re.compile(r"`([^`]+)`")
_SPECIAL = re.compile(r"[\\*|_]")
_RULE = re.compile(r"^(Rule \w+)  +(.*(?:\n +.*)*)", re.MULTILINE)


def as_rst(docstring: str) -> str:
    """Return a docstring as reStructuredText that shows the same text."""
    if docstring.startswith("Alias for field number "):
        return ""  # Python's own, of each field of a named tuple
    return _RULE.sub(_paragraph, _inline(docstring))


def _inline(text: str) -> str:
    *pairs, last = _CODE.split(text)
    plain = [_SPECIAL.sub(r"\\\g<0>", each) for each in (*pairs[::2], last)]
    code = [f"``{each}``" for each in pairs[1::2]]
    return "".join(part for pair in zip(plain, [*code, ""], strict=True) for part in pair)


def _paragraph(rule: re.Match[str]) -> str:
    return f"\n**{rule[1]}:** " + "\n".join(line.strip() for line in rule[2].split("\n"))
