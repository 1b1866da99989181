"""The pool: questions of our own, short, no two alike; and draws that can be repeated."""

import difflib
import re

import pytest

from app.audit.pool import POOL
from app.audit.prompts import DIGEST, draw

SHORT = 80  # characters: fewer than 25 tokens


def test_the_pool_is_large_and_short() -> None:
    assert 380 <= len(POOL) <= 450
    assert max(map(len, POOL)) <= SHORT
    assert all(len(prompt.split()) <= 20 for prompt in POOL)
    assert all(prompt == prompt.strip() for prompt in POOL)


def test_no_two_prompts_are_alike() -> None:
    told = [re.sub(r"\W+", " ", prompt.lower()).strip() for prompt in POOL]
    assert len(set(told)) == len(told)
    near = [
        (one, other)
        for place, one in enumerate(told)
        for other in told[:place]
        if set(one.split()) == set(other.split())
        or (one[:12] == other[:12] and difflib.SequenceMatcher(None, one, other).ratio() > 0.9)
    ]
    assert near == []


def test_no_prompt_is_about_the_user_or_a_touchy_topic() -> None:
    touchy = r"\b(my|god|war|kill|sex|vote|party|religio\w*|politic\w*|president|disease|race)\b"
    assert [prompt for prompt in POOL if re.search(touchy, prompt.lower())] == []


def test_some_prompts_are_in_other_languages() -> None:
    scripts = ("д-я", "β-ω", "ぁ-ん", "一-鿿", "가-힣", "ऀ-ॿ", "؀-ۿ")
    assert all(any(re.search(f"[{each}]", prompt) for prompt in POOL) for each in scripts)


def test_a_draw_depends_on_its_seed_alone() -> None:
    assert draw(1, 50) == draw(1, 50)
    assert draw(1, 200)[:50] == draw(1, 50)
    assert set(draw(1, 50)) != set(draw(2, 50))
    assert len(set(draw(1, len(POOL)))) == len(POOL)


def test_a_draw_stays_what_it_was() -> None:
    """Stored answers are to these prompts: a change of the draw must change the pool's digest."""
    assert DIGEST == "022c29d5da0d0624"
    assert draw(1, 2) == ("Why do we blink?", "Why do cyclists ride behind each other in races?")


@pytest.mark.parametrize("number", [0, -1, len(POOL) + 1])
def test_a_draw_can_not_be_empty_or_larger_than_the_pool(number: int) -> None:
    with pytest.raises(ValueError, match="an audit takes 1 to"):
        draw(1, number)
