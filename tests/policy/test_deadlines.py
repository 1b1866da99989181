"""Deadlines: durations to seconds, and the tightest of several."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.deadlines import Deadlines, behind, seconds_of
from tests.policy.sending import book_of, route

seconds = st.none() | st.floats(min_value=0.001, max_value=1e6)
deadlines = st.builds(Deadlines, seconds, seconds, seconds)


@pytest.mark.parametrize(
    ("duration", "expected"), [("200ms", 0.2), ("30s", 30), ("15m", 900), ("1h", 3600)]
)
def test_a_duration_has_a_unit(duration: str, expected: float) -> None:
    assert seconds_of(duration) == expected


@given(deadlines, deadlines)
def test_the_tightest_is_never_looser_than_either_and_the_order_never_matters(
    one: Deadlines, other: Deadlines
) -> None:
    both = one.tightest(other)
    assert both == other.tightest(one) == both.tightest(one)
    assert one.tightest(None) == one
    for joined, *sides in zip(both, one, other, strict=True):
        given_ones = [each for each in sides if each is not None]
        assert joined == (min(given_ones) if given_ones else None)


def test_a_route_has_the_deadlines_of_its_most_specific_rules() -> None:
    book = book_of(
        {"name": "all", "total": "1h", "stall": "1m"}, {"models": ["a/a"], "stall": "2m"}
    )
    found = route(book, {"model": "a/a"})
    assert found.deadlines == Deadlines(stall=120, total=3600)
    assert route(book_of({"zdr": True}), {"model": "a/a"}).deadlines is None


def test_t37_of_several_models_the_tightest_deadline_holds() -> None:
    book = book_of(
        {"name": "one", "models": ["a/a"], "total": "1h", "stall": "90s"},
        {"name": "two", "models": ["b/b"], "stall": "1m", "first_token": "5s"},
        {"name": "free", "models": ["c/c"]},
    )
    for models in itertools.permutations(["a/a", "b/b", "c/c"]):
        found = route(book, {"models": [*models]})
        assert found.deadlines == Deadlines(first_token=5, stall=60, total=3600)
        (clause,) = behind(60, found.origins["stall"])
        assert clause.rule == "two"
