"""Which models a pattern speaks for."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.pattern import glob, model_pattern
from app.policy.slug import read_slug
from tests.policy.json_texts import BOUNDED


@pytest.mark.parametrize(
    ("pattern", "model", "covered"),
    [
        ("qwen/qwen3", "qwen/qwen3", True),
        ("qwen/qwen3", "Qwen/QWEN3 ", True),
        ("qwen/qwen3", "qwen/qwen3-coder", False),
        ("qwen/*", "qwen/qwen3", True),
        ("qwen/*", "qwen2/x", False),
        ("*", "anything at all", True),
        ("*", "@preset/mine", True),
        ("*/*coder*", "qwen/qwen3-coder-next", True),
        ("qwen/qwen?", "qwen/qwen3", True),
        ("qwen/qwen?", "qwen/qwen", False),
        ("qwen/qwen.", "qwen/qwen3", False),
        # variants
        ("qwen/qwen3", "qwen/qwen3:nitro", True),
        ("qwen/qwen3", "qwen/qwen3:free:online", True),
        ("qwen/qwen3:nitro", "qwen/qwen3:nitro", True),
        ("qwen/qwen3:nitro", "qwen/qwen3:free:nitro", True),
        ("qwen/qwen3:nitro", "qwen/qwen3", False),
        ("qwen/qwen3:nitro", "qwen/qwen3:nitro2", False),
        ("qwen/*:*", "qwen/qwen3:free", True),
        ("qwen/*:*", "qwen/qwen3", False),
        # presets
        ("qwen/qwen3", "qwen/qwen3@preset/mine", True),
        ("@preset/*", "@preset/mine", True),
        ("qwen/*", "@preset/mine", False),
        # the newest of a family
        ("openai/*", "~openai/gpt-latest", True),
        ("openai/gpt-latest", "~openai/gpt-latest", True),
        ("~openai/*", "~openai/gpt-latest", True),
        ("~openai/*", "openai/gpt-5", False),
        ("~*", "~openai/gpt-latest", True),
        ("~*", "openai/gpt-5", False),
        # routers
        ("openrouter/auto", "openrouter/auto", True),
        ("qwen/*", "openrouter/auto", False),
    ],
)
def test_a_pattern_covers(pattern: str, model: str, covered: bool) -> None:  # noqa: FBT001
    assert model_pattern(pattern).covers(read_slug(model)) is covered


@pytest.mark.parametrize(
    ("text", "exact", "literals"),
    [
        ("*", False, 0),
        ("a/b", True, 3),
        ("a/b:c", True, 5),
        ("a/?*", False, 2),
        ("a/*:c", False, 4),
    ],
)
def test_a_patterns_weight_is_its_literal_characters(text: str, exact: bool, literals: int) -> None:  # noqa: FBT001
    pattern = model_pattern(text)
    assert (pattern.exact, pattern.literals) == (exact, literals)


NAMES = st.text(alphabet="ab/-", max_size=8)


def naive(pattern: str, name: str) -> bool:
    """A glob by its definition, one character at a time."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(naive(pattern[1:], name[cut:]) for cut in range(len(name) + 1))
    return bool(name) and pattern[0] in {"?", name[0]} and naive(pattern[1:], name[1:])


@BOUNDED
@given(st.text(alphabet="ab/-*?", max_size=6), NAMES)
def test_a_glob_means_what_it_says(pattern: str, name: str) -> None:
    assert bool(glob(pattern).match(name)) is naive(pattern, name)


def test_no_name_makes_a_glob_think_for_long() -> None:
    began = time.perf_counter()
    assert not glob("*a" * 20 + "b").match("a" * 256)
    assert time.perf_counter() - began < 0.5
