"""Odd spellings of JSON mean what plain ones do."""

import json
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator.spelling import spelled, with_decoys

texts = st.text(st.characters(exclude_categories=()), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(texts, values, max_size=4), st.integers(0, 10_000))
def test_a_spelling_reads_as_what_was_spelled(value: dict[str, Any], number: int) -> None:
    raw = spelled(Random(number), [*value.items()], odd=0.5)
    assert json.loads(raw) == value


def test_some_spellings_are_odd() -> None:
    raw = {spelled(Random(n), [("model", "acme/big")], odd=0.5) for n in range(60)}
    assert len(raw) > 20
    assert any(b"\\/" in each for each in raw)
    assert any(b"\\u" in each for each in raw)


def test_a_decoy_stands_before_what_counts() -> None:
    pairs = [("a", 1), ("b", 2), ("a", 3)]
    for number in range(30):
        told = with_decoys(Random(number), pairs, [("a", 0), ("b", 0), ("c", 0)])
        assert len(told) == 5
        assert dict(told) == {"a": 3, "b": 2}
