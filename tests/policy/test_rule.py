"""What a policy file says, as messages name it."""

import pytest

from app.policy.rule import rules_named


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        (["precise"], 'rule "precise"'),
        (["precise", "careful"], 'rules "precise" and "careful"'),
        (["a", "b", "c"], 'rules "a", "b" and "c"'),
    ],
)
def test_two_rules_are_not_named_as_one(rules: list[str], named: str) -> None:
    assert rules_named(rules) == named
