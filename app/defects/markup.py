"""A model's own markup in the text of an answer, which its host should have read.

A word of markup alone proves nothing: a text may be about it. So each pattern also asks for what
surrounds the real one.
"""

import re

from .case import Case
from .prose import prose_of

_CALL_MARKS = (
    r"<tool_call>\s{0,9}[{<]",  # Hermes, Qwen
    r"<tool_call>\s{0,9}[\w.-]{1,99}\s{0,9}<arg_key>",  # GLM
    r"<function=[\w.-]{1,99}>",  # Qwen Coder, Llama
    r"<\|tool_calls?_(?:section_)?(?:argument_)?(?:begin|end)\|>",  # Kimi
    r"\bfunctions\.[\w-]{1,99}:\d{1,3}\s{0,9}[{<]",  # Kimi, without its special tokens
    r"\[TOOL_CALLS\]\s{0,9}[\w\[{]",  # Mistral
    "<\N{FULLWIDTH VERTICAL LINE}DSML\N{FULLWIDTH VERTICAL LINE}",  # DeepSeek 3.2
    "<\N{FULLWIDTH VERTICAL LINE}tool\N{LOWER ONE EIGHTH BLOCK}calls?",  # DeepSeek
    r"<\|channel\|>commentary to=",  # gpt-oss
    r"<minimax:tool_call>",
    r"<\|python_tag\|>",  # Llama
)
_CALLS = re.compile("|".join(_CALL_MARKS))
_REASONING = re.compile(
    r"\A\s{0,99}<think(?:ing)?>"
    r"|^\s{0,9}</think(?:ing)?>|</think(?:ing)?>[ \t]{0,9}$"
    r"|<\|channel\|>analysis"
    r"|\A\s{0,99}\[THINK\]",
    re.MULTILINE,
)
# A space as byte-level BPE has it, between two words; in Maltese the letter begins a word.
_GLYPHS = re.compile(
    r"[a-z0-9,.;:!?)][\N{LATIN CAPITAL LETTER G WITH DOT ABOVE}"
    r"\N{LATIN CAPITAL LETTER C WITH DOT ABOVE}\N{LOWER ONE EIGHTH BLOCK}]\w"
    r"|\N{LATIN SMALL LETTER A WITH CIRCUMFLEX}\N{LATIN CAPITAL LETTER G WITH CEDILLA}"
)
# DeepSeek's special tokens have such spaces, and are markup of their own.
_SPECIAL = re.compile("<\N{FULLWIDTH VERTICAL LINE}[^<>\n]{1,60}>")
_MOST_GLYPHS = 1  # more of them are no accident
_BYTES = re.compile(r"<0x[0-9A-F]{2}>")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def call_as_text(case: Case) -> bool:
    """Whether a tool call was left in the text."""
    offered = case.offered.offers_tools
    return offered and _CALLS.search(prose_of(case.reading.text)) is not None


def reasoning_as_text(case: Case) -> bool:
    """Whether reasoning was left in the text."""
    return _REASONING.search(prose_of(case.reading.text)) is not None


def undecoded_bytes(case: Case) -> bool:
    """Whether the text has tokens or bytes that were not decoded."""
    text = prose_of(case.reading.text)
    if _REPLACEMENT in text or _BYTES.search(text):
        return True
    return sum(1 for _ in _GLYPHS.finditer(_SPECIAL.sub("", text))) > _MOST_GLYPHS
