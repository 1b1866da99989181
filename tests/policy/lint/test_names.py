"""Names that nothing has: here callers, which the settings know and no catalog."""

from typing import Any

import pytest

from app.policy.lint.checks import lint
from tests.policy.sending import book_of

FOR_BOB: dict[str, Any] = {"name": "a", "models": ["*"], "callers": ["bob"], "zdr": True}


@pytest.mark.parametrize(
    ("callers", "said"),
    [
        (frozenset(), "POINTSMAN_CALLER_KEYS is not set"),
        (frozenset({"bobby"}), 'no caller named "bob"; did you mean bobby?'),
        (frozenset({"alice"}), 'no caller named "bob"; it has alice'),
    ],
)
def test_a_rule_for_a_caller_without_a_key_is_found(callers: frozenset[str], said: str) -> None:
    (found,) = lint(book_of(FOR_BOB), callers=callers)
    assert (found.severity, found.code) == ("warning", "unknown-caller")
    assert said in found.message


@pytest.mark.parametrize("callers", [None, frozenset({"bob", "eve"})])
def test_callers_that_have_a_key_or_that_are_not_known_are_no_mistake(
    callers: frozenset[str] | None,
) -> None:
    assert lint(book_of(FOR_BOB), callers=callers) == ()
