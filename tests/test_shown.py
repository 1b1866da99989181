"""Text from outside, as it may be shown."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.shown import MOST_MARKS, json_text, one_line, shown

GONE = "\N{REPLACEMENT CHARACTER}"

# By what each could do: steer, reorder, hide, forge a line, or be no text at all.
HARMFUL = {
    "C0": "".join(map(chr, {*range(0x20)} - {0x09, 0x0A})) + "\x7f",
    "C1": "".join(map(chr, range(0x80, 0xA0))),
    "direction": "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "zero width": "\u00ad\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u3164",
    "lines": "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029",
    "surrogates": "\ud800\udbff\udc00\udfff",
    "tags": "\U000e0001\U000e0041\U000e007f",
    "private": "\ue000\U000f0000",
}


@pytest.mark.parametrize("kind", HARMFUL)
def test_t63_what_steers_reorders_or_hides_is_replaced_one_for_one(kind: str) -> None:
    for char in HARMFUL[kind]:
        assert shown(f"a{char}ü") == f"a{GONE}ü", hex(ord(char))
        assert shown(f"a{char}b") == f"a{GONE}b", hex(ord(char))


@pytest.mark.parametrize(
    "text",
    [
        "qwen/qwen3-coder",
        "über 上游 モデル кит 😀 ⚠️",
        "a\tb\nc",
        "85\u202fms \u00a0 \u3000",  # spaces of any width
        "é e\u0301 Việt ไม่ बहुत",
        "",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert shown(text) == text


def test_t63_marks_pile_up_to_four_and_no_further() -> None:
    piled = "e" + "\u0301" * 500 + "f\u0301"
    assert shown(piled) == "e" + "\u0301" * MOST_MARKS + GONE * (500 - MOST_MARKS) + "f\u0301"


def test_t63_one_line_is_one() -> None:
    assert one_line("a\nb\tc\u2028d") == f"a{GONE}b{GONE}c{GONE}d"
    assert one_line("plain") == "plain"


@given(st.text(st.characters()))
def test_t63_nothing_but_what_is_printable_is_left_and_the_length_stays(text: str) -> None:
    left = shown(text)
    assert len(left) == len(text)
    assert shown(left) == left
    for char in left:
        assert char in "\n\t" or unicodedata.category(char) == "Zs" or char.isprintable()
    assert len(one_line(text).splitlines()) <= 1
    left.encode()


@given(st.recursive(st.text(st.characters()), lambda inner: st.lists(inner, max_size=3)))
def test_t63_json_may_be_shown_and_says_exactly_the_same(value: object) -> None:
    for indent in (None, 2):
        told = json_text(value, indent=indent)
        assert shown(told) == told
        assert json.loads(told) == json.loads(json.dumps(value))


def test_json_keeps_letters_and_escapes_the_rest() -> None:
    told = json_text({"上游": "ü\x1b\x7f\u202e\U000e0041\ud800"})
    assert told == '{"上游": "ü\\u001b\\u007f\\u202e\\udb40\\udc41\\ud800"}'
