"""A name loses the blanks that any reader of it might take off."""

import sys

import pytest

from app.catalog.catalog import listing_key
from app.catalog.trimming import BLANKS, trimmed
from app.policy.slug import read_slug

JAVASCRIPT = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


def test_all_that_python_and_javascript_trim_is_trimmed() -> None:
    assert set(filter(str.isspace, map(chr, range(sys.maxunicode + 1)))) <= set(BLANKS)
    assert set(JAVASCRIPT) <= set(BLANKS)


@pytest.mark.parametrize("blank", BLANKS)
def test_a_model_is_the_same_one_with_any_blank_around_its_name(blank: str) -> None:
    odd = f"{blank}Qwen/Qwen3-Coder{blank}:nitro{blank}"
    assert read_slug(odd) == read_slug("qwen/qwen3-coder:nitro")
    assert listing_key(f"{blank}qwen/qwen3-coder{blank}") == "qwen/qwen3-coder"


def test_what_stands_inside_stays() -> None:
    assert trimmed("\ufeff a\ufeffb \ufeff") == "a\ufeffb"
