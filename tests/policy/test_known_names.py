"""A name without an author that is no alias is answered here, with the name that was meant."""

from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.errors import UnknownModel
from app.policy.known_names import must_be_known
from tests.policy.sending import book_of

LISTED = EMPTY.with_models(
    [
        {"id": "anthropic/claude-sonnet-4.6"},
        {"id": "qwen/qwen3-coder"},
        {"id": "bare-one"},
    ]
)
ALIASES: dict[str, Any] = {"Quick": {"model": "qwen/qwen3-coder", "preferences": {"zdr": True}}}


def check(*names: str, catalog: Catalog = LISTED) -> None:
    must_be_known(names, book_of(aliases=ALIASES), catalog)


@pytest.mark.parametrize(
    "name", ["a/b", "a/b:free", "quick", " QUICK ", "@preset/x", "~a/b-latest", "bare-one"]
)
def test_a_name_with_an_author_an_alias_or_a_listed_one_passes(name: str) -> None:
    check("a/b", name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("claude-sonnet-4-6", "anthropic/claude-sonnet-4.6"),
        ("claude-sonnet-4.6", "anthropic/claude-sonnet-4.6"),
        ("Qwen3-Coder", "qwen/qwen3-coder"),
        ("quik", "Quick"),
    ],
)
def test_the_name_that_was_meant_is_named_with_the_way_out(name: str, meant: str) -> None:
    with pytest.raises(UnknownModel, match=rf'"{name}" is neither an alias .* mean {meant}\?'):
        check("a/b", name)


def test_where_nothing_is_near_the_form_of_names_is_told() -> None:
    with pytest.raises(UnknownModel, match=r"write author/model.*model: AUTHOR/MODEL"):
        check("zzz", catalog=EMPTY)
