"""A model's own markup in the text of an answer, which its host should have read.

A word of markup alone proves nothing: a text may be about it. So each pattern also asks for what
surrounds the real one.

Nearly no text has any of these words. To look for each of them as it is takes a hundredth of the
time that the patterns take, which are tried at each character.
"""

import re

from .case import Case

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
_CALL_WORDS = (  # one of them is in all that the pattern matches; likewise below
    *("<tool_call>", "<function=", "<|tool_call", "functions.", "[TOOL_CALLS]"),
    "<\N{FULLWIDTH VERTICAL LINE}DSML\N{FULLWIDTH VERTICAL LINE}",
    "<\N{FULLWIDTH VERTICAL LINE}tool\N{LOWER ONE EIGHTH BLOCK}call",
    *("<|channel|>commentary to=", "<minimax:tool_call>", "<|python_tag|>"),
)
_REASONING = re.compile(
    r"\A\s{0,99}<think(?:ing)?>"
    r"|^\s{0,9}</think(?:ing)?>|</think(?:ing)?>[ \t]{0,9}$"
    r"|<\|channel\|>analysis"
    r"|\A\s{0,99}\[THINK\]",
    re.MULTILINE,
)
_REASONING_WORDS = ("think>", "thinking>", "<|channel|>analysis", "[THINK]")
# A space as byte-level BPE has it, between two words; in Maltese the letter begins a word.
_GLYPHS = re.compile(
    r"[a-z0-9,.;:!?)][\N{LATIN CAPITAL LETTER G WITH DOT ABOVE}"
    r"\N{LATIN CAPITAL LETTER C WITH DOT ABOVE}\N{LOWER ONE EIGHTH BLOCK}]\w"
    r"|\N{LATIN SMALL LETTER A WITH CIRCUMFLEX}\N{LATIN CAPITAL LETTER G WITH CEDILLA}"
)
_GLYPH_WORDS = (
    "\N{LATIN CAPITAL LETTER G WITH DOT ABOVE}",
    "\N{LATIN CAPITAL LETTER C WITH DOT ABOVE}",
    "\N{LOWER ONE EIGHTH BLOCK}",
    "\N{LATIN CAPITAL LETTER G WITH CEDILLA}",
)
# DeepSeek's special tokens have such spaces, and are markup of their own.
_SPECIAL = re.compile("<\N{FULLWIDTH VERTICAL LINE}[^<>\n]{1,60}>")
_MOST_GLYPHS = 1  # more of them are no accident
_BYTES = re.compile(r"<0x[0-9A-F]{2}>")
_BYTE_WORDS = ("<0x",)
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def call_as_text(case: Case) -> bool:
    """Whether a tool call was left in the text."""
    return case.offered.offers_tools and _finds(_CALLS, _CALL_WORDS, case.prose)


def reasoning_as_text(case: Case) -> bool:
    """Whether reasoning was left in the text."""
    return _finds(_REASONING, _REASONING_WORDS, case.prose)


def undecoded_bytes(case: Case) -> bool:
    """Whether the text has tokens or bytes that were not decoded."""
    text = case.prose
    if _finds(_BYTES, _BYTE_WORDS, text):
        return True
    if text.isascii():
        return False
    if _REPLACEMENT in text:
        return True
    if not _has_one_of(_GLYPH_WORDS, text):
        return False
    return len(_GLYPHS.findall(_SPECIAL.sub("", text))) > _MOST_GLYPHS


def _finds(pattern: re.Pattern[str], words: tuple[str, ...], text: str) -> bool:
    return _has_one_of(words, text) and pattern.search(text) is not None


def _has_one_of(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)
