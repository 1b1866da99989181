"""Hashes of prefixes say where two answers part, and nothing else about them."""

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.answers import LONGEST, Answer, Collected, common, hashed, mark_of, share
from app.audit.twin import evened
from tests.audit.toy import KEY

TEXTS = st.text(st.characters(exclude_categories=()), max_size=30)  # lone surrogates too


def said(text: str, tokens: int | None = None) -> Answer:
    return Answer(prefixes=hashed(text, KEY), completion_tokens=tokens)


def share_of_texts(one: str, other: str) -> float:
    longer = max(len(one), len(other))
    same = next(
        (place for place, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1),
        min(len(one), len(other)),
    )
    return same / longer if longer else 1.0


@given(TEXTS, TEXTS, TEXTS)
def test_the_share_by_hashes_is_that_of_the_texts(start: str, one: str, other: str) -> None:
    assert share(said(start + one), said(start + other)) == share_of_texts(
        start + one, start + other
    )


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("", "", 1), ("", "a", 0), ("abcd", "abxy", 0.5), ("ab", "abcd", 0.5), ("ä€", "ä€", 1)],
)
def test_the_share_is_the_common_prefix_over_the_longer_one(
    one: str, other: str, expected: float
) -> None:
    assert share(said(one), said(other)) == share(said(other), said(one)) == expected


def test_without_the_key_a_text_can_not_be_tried_character_by_character() -> None:
    unkeyed = hashlib.blake2b(b"a", digest_size=4).digest()
    assert unkeyed not in {hashed("a", KEY), hashed("a", b"another key, 16+")}
    assert hashed("a", KEY) != hashed("a", b"another key, 16+")
    assert mark_of(KEY) != mark_of(b"another key, 16+")
    assert KEY.hex() not in mark_of(KEY)


def test_of_a_long_text_only_the_beginning_is_kept() -> None:
    assert said("x" * 10_000).length == LONGEST
    assert common(said("x" * 10_000).prefixes, said("x" * 500).prefixes) == LONGEST


def test_an_answer_of_too_many_tokens_is_cut_where_the_longest_of_the_others_ends() -> None:
    kept, cut = evened((said("one two", 16), said("one two three four", 40)))
    assert share(kept, cut) == 1
    kept, cut = evened((said("one two", 16), said("one", 17)))
    assert cut.length == 3


def test_where_all_answers_are_too_long_each_is_cut_in_proportion() -> None:
    one, other = evened((said("x" * 64, 64), said("x" * 32, 32)))
    assert one.length == other.length == 16


def test_answers_without_usage_are_not_cut() -> None:
    assert [each.length for each in evened((said("ab"), said("abcd")))] == [2, 4]


def test_collected_answers_are_kept_as_json() -> None:
    """Without the text: what is written has the hashes alone."""
    kept = Collected(
        tag="host/fp8", answers=((said("secret", 3), said("")),), dropped={"cached": 1}
    )
    raw = msgspec.json.encode(kept)
    assert msgspec.json.decode(raw, type=Collected) == kept
    assert b"secret" not in raw
