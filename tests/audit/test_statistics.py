"""The twin test's numbers, against tables by hand and worked examples."""

import math
import random
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.answers import Answer, hashed
from app.audit.decide import measured
from app.audit.holm import holm
from app.audit.permutation import p_value
from app.audit.twin import Twin, twin
from tests.audit.toy import KEY

BILLION = 10**9


def said(*texts: str) -> tuple[Answer, ...]:
    return tuple(Answer(prefixes=hashed(text, KEY)) for text in texts)


def test_the_table_of_one_prompt_by_hand() -> None:
    """The answers are aaaa, aaab and aaxx, axxx. Their shares:

    aaaa-aaab 3/4, aaxx-axxx 1/4; aaaa-aaxx 1/2, aaaa-axxx 1/4, aaab-aaxx 1/2, aaab-axxx 1/4.
    """
    found = twin(said("aaaa", "aaab"), said("aaxx", "axxx"))
    assert (found.reference, found.own, found.across) == (0.75, 0.25, 0.375)
    observed = 0.75 + 0.25 - 2 * 0.375
    swapped_one = 0.5 + 0.25 - 2 * (0.75 + 0.25 + 0.5 + 0.25) / 4  # {aaaa, aaxx}, {aaab, axxx}
    swapped_two = 0.25 + 0.5 - 2 * (0.75 + 0.5 + 0.25 + 0.25) / 4  # {aaaa, axxx}, {aaab, aaxx}
    by_hand = [observed, swapped_one, swapped_two]
    assert found.effects[0] == round(observed * BILLION)
    assert sorted(found.effects) == sorted(round(each * BILLION) for each in 2 * by_hand)


def test_three_answers_have_twenty_splits() -> None:
    found = twin(said("aa", "aa", "ab"), said("ab", "ab", "bb"))
    assert len(found.effects) == math.comb(6, 3)
    assert sum(found.effects) != 0


@given(st.permutations(["aaaa", "aaab", "abbb", "cc"]))
def test_the_splits_are_the_same_whichever_answer_is_whose(texts: list[str]) -> None:
    found = twin(said(*texts[:2]), said(*texts[2:]))
    again = twin(said("aaaa", "aaab"), said("abbb", "cc"))
    assert sorted(found.effects) == sorted(again.effects)


def test_equal_answers_have_no_effect() -> None:
    found = twin(said("a", "a"), said("a", "a"))
    assert found == Twin(1, 1, 1, (0,) * 6)
    assert p_value([found.effects] * 50, random.Random(1)) == 1


@pytest.mark.parametrize("flips", [1, 2, 3, 4])
def test_deterministic_flips_have_p_near_a_third_to_their_number(flips: int) -> None:
    """Two of the six splits of a prompt on which the two always differ are as extreme."""
    same = twin(said("a", "a"), said("a", "a"))
    flipped = twin(said("a", "a"), said("b", "b"))
    rows = [flipped.effects] * flips + [same.effects] * (50 - flips)
    draws = 9999
    p, expected = p_value(rows, random.Random(flips), draws), (1 / 3) ** flips
    assert abs(p - expected) < 4 * math.sqrt(expected * (1 - expected) / draws) + 1 / draws


def test_a_p_value_is_never_zero_and_depends_on_the_seed_alone() -> None:
    flipped = twin(said("a", "a"), said("b", "b"))
    rows = [flipped.effects] * 50
    assert p_value(rows, random.Random(1)) == 1 / 2000
    noisy = [twin(said("a", "b"), said("b", "b")).effects] * 20
    assert p_value(noisy, random.Random(7)) == p_value(noisy, random.Random(7))


def test_holm_against_a_worked_example() -> None:
    """Of .01, .04, .03, .005: .005 x 4, .01 x 3, .03 x 2, and .04 x 1, which is raised to .06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()
    assert holm([0.5, 0.6]) == (1.0, 1.0)


@given(st.lists(st.floats(0, 1), max_size=6))
def test_holm_keeps_the_order_and_never_lowers(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(low <= high <= 1 for low, high in zip(values, adjusted, strict=True))
    for one, other in permutations(range(len(values)), 2):
        if values[one] < values[other]:
            assert adjusted[one] <= adjusted[other]


def row(reference: float, own: float, across: float) -> Twin:
    return Twin(reference, own, across, (0,) * 6)


def test_the_ratio_and_its_error_by_hand() -> None:
    """Own shares 1 and .8, across .9 and .6: the ratio is .75 / .9, the rests are -+ .0667."""
    what = measured([row(1, 1, 0.9), row(0.8, 0.8, 0.6)])
    assert what.ratio == pytest.approx(0.75 / 0.9)
    rest = 0.9 - 0.75 / 0.9
    assert what.error == pytest.approx(math.sqrt(2) * rest / (math.sqrt(2) * 0.9))
    low, high = what.interval or (0, 0)
    assert (low + high) / 2 == pytest.approx(what.ratio)
    assert high - low == pytest.approx(2 * 1.96 * what.error)


def test_where_one_repeats_itself_less_the_ratio_is_to_that_one() -> None:
    assert measured([row(0.9, 0.7, 0.4)] * 2).ratio == pytest.approx(0.4 / 0.7)
    assert measured([row(0.7, 0.9, 0.4)] * 2).ratio == pytest.approx(0.4 / 0.7)
    assert measured([row(0.85, 0.8, 0.4)] * 2).ratio == pytest.approx(0.4 / 0.825)


def test_without_any_agreement_there_is_no_ratio() -> None:
    what = measured([row(0.5, 0, 0.1)] * 50)
    assert (what.ratio, what.interval, what.could_find(1)) == (None, None, None)


def test_fifty_equal_prompts_still_leave_an_error() -> None:
    what = measured([row(1, 1, 1)] * 50)
    assert what.interval == pytest.approx((1 - 0.0196, 1 + 0.0196))
    assert what.could_find(1) == pytest.approx(0.05 + 0.842 * 0.01)


def test_what_could_be_found_grows_with_the_noise_and_the_number_of_tests() -> None:
    noisy = measured([row(0.9, 0.9, each / 50) for each in range(50)])
    alone, among_many = noisy.could_find(1), noisy.could_find(12)
    assert alone is not None
    assert among_many is not None
    assert 0.05 < alone <= among_many
    assert measured([row(0.1, 0.1, 0.1)] * 50).could_find(1) is None
    assert measured([row(0.16, 0.16, 1.6 * (n % 2)) for n in range(4)]).could_find(1) is None
