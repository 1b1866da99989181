"""Budgets of rules: every one holds, whichever rule is more specific, and says what it is."""

import itertools
from decimal import Decimal

import pytest

from app.policy.budgets import dollars
from app.policy.lint.checks import lint
from tests.policy.sending import book_of, route


def shown(*models: str, **who: str) -> list[str]:
    book = book_of(
        {"name": "all", "budget": [{"usd": 50, "per": "month"}, {"usd": 5, "per": "day"}]},
        {"name": "ours", "models": ["a/*"], "budget": {"usd": 0.5, "per": "hour", "by": "tool"}},
        {"name": "ann", "models": ["a/a"], "callers": ["ann"],
         "budget": {"usd": 9, "per": "week", "by": "caller", "fail": "closed"}},
        {"name": "one", "models": ["b/b"], "budget": {"usd": 2, "per": "session"}},
        {"name": "aliased", "models": None, "budget": {"usd": 3, "per": "day", "by": "session"}},
        aliases={"mine": {"model": "c/c", "rule": "aliased"}},
    )  # fmt: skip
    found = route(book, {"models": [*models]}, caller=who.get("caller"))
    return [f"{each.rule}: {each}" for each in found.budgets]


ALL = ["all: $50 a month", "all: $5 a day"]


def test_the_budgets_of_every_rule_that_applies_hold() -> None:
    assert shown("z/z") == ALL
    assert shown("a/b") == ["ours: $0.5 an hour, for each tool", *ALL]
    assert shown("a/a", caller="ann")[0] == "ann: $9 a week, for each caller"
    assert len(shown("a/a", caller="ann")) == 4
    assert shown("mine") == ["aliased: $3 a day, for each session", *ALL]


def test_t37_of_several_models_every_budget_holds_once() -> None:
    for models in itertools.permutations(["a/b", "b/b", "mine"]):
        found = shown(*models)
        assert len(found) == len(set(found)) == 5
        assert "one: $2 a session" in found


def test_a_budget_knows_its_place_and_keeps_its_sum_when_its_limit_changes() -> None:
    book = book_of({"budget": {"usd": 5, "per": "day"}})
    (one,) = book.budgets
    (other,) = book_of({"budget": {"usd": 7.5, "per": "day", "by": "rule"}}).budgets
    assert one.place == 'rule "rule-0" (test.yaml:1)'
    assert one.counter == other.counter
    assert (one.limit, other.limit) == (5 * 10**12, 75 * 10**11)
    assert (one.fail, one.by) == ("open", "rule")
    assert book_of({"zdr": True}).budgets == ()


@pytest.mark.parametrize(
    ("usd", "expected"),
    [("5", "$5"), ("100", "$100"), ("0.250", "$0.25"), ("0.000001", "$0.000001")],
)
def test_an_amount_is_shown_as_it_is_written(usd: str, expected: str) -> None:
    assert dollars(Decimal(usd)) == expected


def test_a_rule_with_a_budget_of_its_own_is_never_without_effect() -> None:
    both = book_of(
        {"name": "wide", "zdr": True, "budget": {"usd": 5, "per": "day"}},
        {"name": "narrow", "zdr": True, "budget": {"usd": 5, "per": "day"}},
    )
    assert not [each for each in lint(both) if each.code == "shadowed-rule"]
