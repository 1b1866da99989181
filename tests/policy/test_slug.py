"""The parts of a model's name; an odd spelling is no way round a rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.slug import Slug, read_slug, without_preset, without_variant
from tests.policy.json_texts import BOUNDED


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("qwen/qwen3", Slug("qwen/qwen3")),
        ("qwen/qwen3:nitro", Slug("qwen/qwen3", ("nitro",))),
        ("qwen/qwen3:free:online", Slug("qwen/qwen3", ("free", "online"))),
        ("~qwen/qwen-latest", Slug("qwen/qwen-latest", latest=True)),
        ("@preset/mine", Slug("@preset/mine", preset="mine")),
        ("qwen/qwen3@preset/mine", Slug("qwen/qwen3", preset="mine")),
        ("qwen/qwen3:free@preset/mine", Slug("qwen/qwen3", ("free",), "mine")),
        ("openrouter/auto", Slug("openrouter/auto")),
        ("gpt-5", Slug("gpt-5")),
        ("", Slug("")),
        (":", Slug("", ("",))),
    ],
)
def test_a_name_has_parts(name: str, slug: Slug) -> None:
    assert read_slug(name) == slug


@pytest.mark.parametrize(
    "odd",
    [
        *(" qwen/qwen3:online@preset/mine ", "QWEN/Qwen3:ONLINE@PRESET/Mine"),
        *("qwen/qwen3:online @preset/mine", "qwen/qwen3 : online@preset/mine"),
        "\tqwen/qwen3\n:\u00a0online\n@preset/mine",
    ],
)
def test_case_and_blanks_are_no_matter(odd: str) -> None:
    assert read_slug(odd) == Slug("qwen/qwen3", ("online",), "mine")


@pytest.mark.parametrize(
    ("name", "author"),
    [
        ("qwen/qwen3", "qwen"),
        ("~x-ai/grok-latest", "x-ai"),
        ("gpt-5", "gpt-5"),
        ("@preset/x", "@preset"),
    ],
)
def test_the_author_stands_before_the_slash(name: str, author: str) -> None:
    assert read_slug(name).author == author


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("Qwen/Qwen3", "Qwen/Qwen3"),
        ("Qwen/Qwen3@Preset/x", "Qwen/Qwen3"),
        ("qwen/qwen3:free @preset/x@preset/y", "qwen/qwen3:free"),
        ("@preset/x", ""),
    ],
)
def test_a_name_less_its_preset_is_otherwise_as_spelled(name: str, left: str) -> None:
    assert without_preset(name) == left


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("Qwen/Qwen3", "Qwen/Qwen3"),
        ("Qwen/Qwen3:Online", "Qwen/Qwen3"),
        ("qwen/qwen3:free: ONLINE :online", "qwen/qwen3:free"),
        ("qwen/qwen3:online@preset/x", "qwen/qwen3@preset/x"),
        ("qwen/qwen3@preset/x:online", "qwen/qwen3@preset/x:online"),
    ],
)
def test_a_name_less_a_variant_is_otherwise_as_spelled(name: str, left: str) -> None:
    assert without_variant(name, "online") == left


@BOUNDED
@given(st.text(max_size=30))
def test_what_was_taken_out_is_out(name: str) -> None:
    assert "online" not in read_slug(without_variant(name, "online")).variants
    if name.isascii():
        assert read_slug(without_preset(name)).preset is None
