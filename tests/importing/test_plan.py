"""From what was found to rules and aliases."""

from typing import Any

import pytest

from app.importing.found import Found, Left, Place, found_as
from app.importing.plan import Plan, plan_of
from app.policy.file.schema import NAME


def found(name: str, model: str, line: int = 1, **provider: Any) -> Found:
    return found_as(name, model, provider, Place("theirs", line, ""))


def planned(*entries: Found) -> tuple[Plan, list[Left]]:
    return plan_of(entries, "tool")


def shape(plan: Plan) -> tuple[dict[tuple[str, ...], Any], dict[str, Any]]:
    rules = {rule.models: dict(rule.provider) for rule in plan.rules}
    return rules, {alias.name: (alias.model, dict(alias.provider)) for alias in plan.aliases}


def test_where_all_names_are_sent_alike_the_model_has_a_rule() -> None:
    plan, left = planned(found("x", "a/b", zdr=True), found("y", "a/b", zdr=True))
    assert shape(plan) == ({("a/b",): {"zdr": True}}, {"x": ("a/b", {}), "y": ("a/b", {})})
    assert left == []


@pytest.mark.parametrize("other", [{}, {"zdr": False}])
def test_where_they_are_not_each_alias_has_its_own_preferences(other: dict[str, Any]) -> None:
    plan, _ = planned(found("x", "a/b", zdr=True), found("y", "a/b", **other))
    assert shape(plan) == ({}, {"x": ("a/b", {"zdr": True}), "y": ("a/b", other)})


def test_a_model_that_is_asked_for_without_wishes_gets_no_rule_from_its_aliases() -> None:
    plan, _ = planned(found("x", "a/b", zdr=True), found("a/b", "a/b"))
    assert shape(plan) == ({}, {"x": ("a/b", {"zdr": True})})


def test_models_whose_provider_objects_are_equal_share_a_rule() -> None:
    plan, _ = planned(
        found("a/b", "a/b", only=["x"], zdr=True),
        found("c/d", "c/d", zdr=False),
        found("e/f", "e/f", zdr=True, only=["x"]),
    )
    assert [rule.models for rule in plan.rules] == [("a/b", "e/f"), ("c/d",)]
    assert [rule.name for rule in plan.rules] == ["a/b and 1 more from tool", "c/d from tool"]


def test_a_name_stands_for_the_model_that_came_first() -> None:
    plan, left = planned(
        found("x", "a/b", 1, zdr=True), found("X", "c/d", 2), found("x", "a/b", 3, zdr=True)
    )
    assert shape(plan)[1] == {"x": ("a/b", {})}
    assert [str(each) for each in left] == [
        "theirs:2: X as c/d: that name is taken by line 1, and stands for one model here"
    ]


def test_an_alias_is_not_called_like_a_model_that_another_stands_for() -> None:
    plan, left = planned(found("a/b", "a/b:nitro"), found("x", "a/b"))
    assert shape(plan)[1] == {"x": ("a/b", {})}
    assert left[0].what == "a/b for a/b:nitro"


def test_a_name_that_no_alias_can_have_is_dropped_but_its_wishes_are_kept() -> None:
    plan, left = planned(found("My Coder", "a/b", zdr=True))
    assert shape(plan) == ({("a/b",): {"zdr": True}}, {})
    assert left[0].what == "the name My Coder"


def test_a_model_that_no_rule_can_name_is_held_through_its_alias() -> None:
    plan, left = planned(found("x", "a/b:free:online", zdr=True))
    assert shape(plan) == ({}, {"x": ("a/b:free:online", {"zdr": True})})
    assert left == []


def test_a_model_that_neither_can_name_is_left_out_if_it_had_wishes() -> None:
    plan, left = planned(
        found("a/b:free:online", "a/b:free:online", zdr=True), found("c/d:x:y", "c/d:x:y")
    )
    assert shape(plan) == ({}, {})
    assert [each.what for each in left] == ["a/b:free:online"]


def test_rules_have_legible_names_of_their_own_however_long_their_models_are() -> None:
    long = [f"author/{'x' * 200}{end}" for end in "abc"]
    plan, _ = planned(
        found("*", "*", sort="price"),
        *(found(model, model, ignore=[end]) for model, end in zip(long, "abc", strict=True)),
    )
    names = [rule.name for rule in plan.rules]
    assert names[0] == "every model from tool"
    assert len(set(names)) == 4
    assert all(NAME.fits(name) and name.removesuffix(" (2)").removesuffix(" (3)") for name in names)


def test_a_shared_rule_can_be_split_and_a_part_taken_out() -> None:
    plan, _ = planned(
        found("a/b", "a/b", zdr=True),
        found("c/d", "c/d", zdr=True),
        found("x", "e/f", sort="price"),
    )
    split = plan.split(plan.rules[0])
    assert [rule.models for rule in split.rules] == [("a/b",), ("c/d",), ("e/f",)]
    assert len({rule.name for rule in split.rules}) == 3
    less = split.without(split.rules[1]).without(split.aliases[0])
    assert shape(less) == ({("a/b",): {"zdr": True}, ("e/f",): {"sort": "price"}}, {})
    assert [each.asked for each in less.wanted] == ["a/b"]
