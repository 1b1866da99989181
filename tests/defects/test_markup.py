"""A text without any word of markup is not searched by pattern, and none is missed by that."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.defects.case import Case
from app.defects.markup import (
    _BYTE_WORDS,
    _BYTES,
    _CALL_WORDS,
    _CALLS,
    _GLYPH_WORDS,
    _GLYPHS,
    _REASONING,
    _REASONING_WORDS,
    _SPECIAL,
    _finds,
    undecoded_bytes,
)
from app.defects.offered import Offered
from app.defects.reading import Reading

PIECES = (
    *(
        "<tool_call>",
        "{",
        "<arg_key>",
        "<function=f>",
        "<|tool_calls_section_begin|>",
        "[TOOL_CALLS]",
    ),
    *(
        "<|tool_call_argument_begin|>",
        "functions.f:0",
        "<\uff5cDSML\uff5c",
        "<\uff5ctool▁calls",
        "<minimax:tool_call>",
    ),
    *(
        "<|channel|>",
        "commentary to=",
        "analysis",
        "<|python_tag|>",
        "<think>",
        "</thinking>",
        "[THINK]",
    ),
    *(
        "<0x0A>",
        "<0x",
        "Ġ",
        "Ċ",
        "▁",
        "âĢ",
        "â",
        "Ģ",
        "<\uff5cx\uff5c>",
        "a",
        " ",
        "\n",
        "\ufffd",
        "é",
    ),
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (_CALLS, _CALL_WORDS),
        (_REASONING, _REASONING_WORDS),
        (_BYTES, _BYTE_WORDS),
        (_GLYPHS, _GLYPH_WORDS),
    ],
)
def test_every_match_has_one_of_the_words(pattern: re.Pattern[str], words: tuple[str, ...]) -> None:
    @given(TEXTS)
    def check(text: str) -> None:
        assert _finds(pattern, words, text) == (pattern.search(text) is not None)

    check()


@given(TEXTS)
def test_glyphs_that_meet_where_a_special_token_was_are_found(text: str) -> None:
    case = Case(Reading(text=text), Offered({}), "chat", text)
    without = _SPECIAL.sub("", text)
    expected = "\ufffd" in text or _BYTES.search(text) or len(_GLYPHS.findall(without)) > 1
    assert undecoded_bytes(case) == bool(expected)
