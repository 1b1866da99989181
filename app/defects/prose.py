"""The parts of a text that are not code: what is quoted there is not the answer's own markup."""

import re

# A fence that is not closed runs to the end, as in Markdown; it may follow markup on its line.
_FENCE = re.compile(
    r"(?:^[ \t>]{0,40}|(?<=[>\]]))(?P<fence>`{3,}|~{3,}).*?(?:^[ \t>]{0,40}(?P=fence)|\Z)",
    re.DOTALL | re.MULTILINE,
)
_INLINE = re.compile(r"(?<!`)(?P<ticks>`{1,3})(?!`)[^`\n]{1,1000}(?P=ticks)(?!`)")


def prose_of(text: str) -> str:
    """`text` without code fences and inline code."""
    if "`" not in text and "~~~" not in text:
        return text
    return _INLINE.sub(" ", _FENCE.sub("\n", text))
