"""Whose a preference is: whoever's value is sent."""

import json
from typing import Any

import pytest

from app.catalog.catalog import EMPTY
from app.policy.apply import apply
from app.policy.merge import Conflict, fill, tighten
from app.policy.request import read_request
from app.policy.rule import Clause
from app.policy.sides import Behind, Side, held, rejoined, sides_of
from tests.policy.sending import book_of

CLAUSE = Clause("zdr", True, "mine", "mine.yaml", 3)


def origins(rule: dict[str, Any], body: dict[str, Any]) -> dict[str, str]:
    """What is behind each field that is sent: P the policy, R the request, B both."""
    book, request = book_of(rule), read_request(json.dumps({"model": "q/q", **body}).encode())
    route = book.route_for(request, caller=None, user_agent="", catalog=EMPTY)
    sent = apply(request, route).preferences or {}
    sides = sides_of(route.parts, route.merge, request.provider)
    behind = {name: held(name, value, sides) for name, value in sent.items()}
    return {
        name: {(True, False): "P", (False, True): "R", (True, True): "B"}[
            bool(each.clauses), each.request
        ]
        for name, each in behind.items()
    }


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({"quantizations": ["fp8", "bf16"]}, {"quantizations": ["bf16"]}, {"quantizations": "R"}),
        ({"quantizations": ["bf16"]}, {"quantizations": ["fp8", "bf16"]}, {"quantizations": "P"}),
        ({"quantizations": ["fp8", "bf16"]}, {"quantizations": ["fp4", "bf16"]},
         {"quantizations": "B"}),
        ({"quantization_floor": "fp8"}, {"quantizations": ["bf16"]}, {"quantizations": "R"}),
        ({"max_price": {"prompt": 1}}, {"max_price": {"prompt": "0.5"}}, {"max_price": "R"}),
        ({"max_price": {"prompt": 1}}, {"max_price": {"prompt": 2}}, {"max_price": "P"}),
        ({"max_price": {"prompt": 1}}, {"max_price": {"prompt": "1.0"}}, {"max_price": "B"}),
        ({"max_price": {"prompt": 1}}, {"max_price": {"completion": 2}}, {"max_price": "B"}),
        *(({name: True}, {name: False}, {name: "P"})
          for name in ("zdr", "require_parameters", "enforce_distillable_text")),
        *(({name: False}, {name: True}, {name: "R"})
          for name in ("zdr", "require_parameters", "enforce_distillable_text")),
        *(({name: True}, {name: True}, {name: "B"})
          for name in ("zdr", "require_parameters", "enforce_distillable_text")),
        ({"data_collection": "allow"}, {"data_collection": "deny"}, {"data_collection": "R"}),
        ({"data_collection": "deny"}, {"data_collection": "allow"}, {"data_collection": "P"}),
        ({"allow_fallbacks": True}, {"allow_fallbacks": False}, {"allow_fallbacks": "R"}),
        ({"allow_fallbacks": False}, {"allow_fallbacks": True}, {"allow_fallbacks": "P"}),
        ({"ignore": ["a"]}, {"ignore": ["b"]}, {"ignore": "B"}),
        ({"ignore": ["a"]}, {}, {"ignore": "P"}),
        ({"only": ["a", "b"]}, {"only": ["a"]}, {"only": "R"}),
        ({"only": ["a"]}, {"only": ["a", "b"]}, {"only": "P"}),
        ({"only": ["a", "b"]}, {"only": ["b", "c"]}, {"only": "B"}),
        ({"only": ["a"]}, {"order": ["a", "b"]}, {"only": "P", "order": "R"}),
        ({"only": ["a", "b"]}, {"order": ["a"], "allow_fallbacks": False},
         {"only": "R", "order": "R", "allow_fallbacks": "R"}),
        ({"order": ["a"], "allow_fallbacks": False}, {"only": ["a", "b"]},
         {"only": "P", "order": "P", "allow_fallbacks": "P"}),
        ({"sort": "price"}, {"sort": "latency"}, {"sort": "P"}),
        ({"preferred_max_latency": {"p50": 1}}, {"preferred_max_latency": {"p90": 2}},
         {"preferred_max_latency": "B"}),
        ({"preferred_max_latency": 1}, {"preferred_max_latency": 2},
         {"preferred_max_latency": "P"}),
        ({"options": {"a": {"x": 1}}}, {"options": {"b": {"x": 1}}}, {"options": "B"}),
        # of a policy that replaces or fills
        ({"zdr": True, "merge": "replace"}, {"zdr": True, "only": ["a"]}, {"zdr": "P"}),
        ({"zdr": True, "only": ["a"], "merge": "fill"}, {"only": ["b"]}, {"zdr": "P", "only": "R"}),
        ({"max_price": {"prompt": 1, "completion": 2}, "merge": "fill"},
         {"max_price": {"prompt": 9, "completion": 9}}, {"max_price": "R"}),
        ({"max_price": {"prompt": 1, "completion": 2}, "merge": "fill"},
         {"max_price": {"prompt": 9}}, {"max_price": "B"}),
        ({"order": ["a"], "merge": "fill"}, {"sort": "price"}, {"sort": "R"}),
    ],
)  # fmt: skip
def test_t52_a_value_is_whoevers_held(
    ours: dict[str, Any], theirs: dict[str, Any], expected: dict[str, str]
) -> None:
    assert origins(ours, {"provider": theirs}) == expected


def test_t52_of_several_prices_only_the_clauses_that_hold_are_named() -> None:
    caps = [Clause(f"max_price.{key}", 1, "mine", "mine.yaml", 3) for key in ("prompt", "request")]
    ours = Side({"max_price": {"prompt": 1, "request": 1}}, {"max_price": tuple(caps)})
    theirs = Side({"max_price": {"prompt": 0.5}})
    sent = {"prompt": 0.5, "request": 1}
    assert held("max_price", sent, (ours, theirs)) == Behind((caps[1],), request=True)


def test_a_field_that_is_not_sent_is_held_by_what_silences_it() -> None:
    order = Clause("order", ["a"], "mine", "mine.yaml", 3)
    ours = Side({"order": ["a"]}, {"order": (order,)})
    assert held("sort", None, (ours, Side({"sort": "price"}))) == Behind((order,))
    ignore = Clause("ignore", ["a"], "mine", "mine.yaml", 4)
    ours = Side({"ignore": ["a"]}, {"ignore": (ignore,)})
    assert held("order", None, (ours, Side({"order": ["a"]}))) == Behind((ignore,))
    alone = Clause("allow_fallbacks", False, "mine", "mine.yaml", 5)
    ours = Side({"allow_fallbacks": False, "ignore": ["b"]}, {"allow_fallbacks": (alone,)})
    assert held("order", None, (ours, Side({"order": ["a"]}))) == Behind((alone,))
    assert held("zdr", None, (ours, Side({"sort": "price"}))) == Behind()


@pytest.mark.parametrize("value", [5, "a", {"a": 1}, None])
def test_a_list_that_is_none_is_nobodys_mistake(value: Any) -> None:
    assert held("ignore", value, (Side({"ignore": value}),)).request is (value is not None)


def test_t52_models_that_are_listed_together_each_have_a_say() -> None:
    """The joined list is the narrower of two rules'; only that one is behind what it shuts out."""
    wide = {"name": "wide", "models": ["a/*"], "quantization_floor": "fp4"}
    narrow = {"name": "narrow", "models": ["b/*"], "quantizations": ["bf16"]}
    request = read_request(b'{"model": "a/a", "models": ["b/b", "c/c"]}')
    route = book_of(wide, narrow).route_for(request, caller=None, user_agent="", catalog=EMPTY)
    sides = sides_of(route.parts, route.merge, request.provider)
    behind = held("quantizations", route.preferences["quantizations"], sides)
    assert ([clause.rule for clause in behind.clauses], behind.request) == (["narrow"], False)


def test_two_models_under_one_rule_are_one_side() -> None:
    request = read_request(b'{"model": "a/a", "models": ["b/b"], "provider": {"sort": "price"}}')
    route = book_of({"zdr": True}).route_for(request, caller=None, user_agent="", catalog=EMPTY)
    ours, theirs = sides_of(route.parts, route.merge, request.provider)
    assert (ours.preferences, theirs.preferences) == ({"zdr": True}, {"sort": "price"})


@pytest.mark.parametrize(
    "theirs",
    [
        {"only": ["a"], "sort": "price"},
        {"order": ["a"], "sort": "price"},
        {"max_price": {"prompt": 3}},
        {"options": {"b": {"x": 1}}},
        {"max_price": None},
    ],
)
@pytest.mark.parametrize(
    "ours",
    [
        {"only": ["a", "b"], "zdr": True},
        {"order": ["b"], "max_price": {"prompt": 1, "completion": 2}},
        {"options": {"a": {"x": 1}, "b": {"x": 2}}, "sort": "latency"},
    ],
)
@pytest.mark.parametrize("merge", ["tighten", "replace", "fill"])
def test_the_sides_come_to_what_is_sent(
    ours: dict[str, Any], theirs: dict[str, Any], merge: str
) -> None:
    joined = {"tighten": tighten, "fill": fill}[merge](ours, theirs) if merge != "replace" else ours
    assert rejoined(sides_of((Side(ours, {}),), merge, theirs), merge) == joined


def test_of_two_policies_the_one_that_lets_one_endpoint_answer_has_the_say_over_the_order() -> None:
    """As where the routes of two models are joined."""
    sides = (Side({"order": ["a"]}, {}), Side({"allow_fallbacks": False}, {}))
    assert rejoined(sides) == {"allow_fallbacks": False}


def test_sides_that_leave_nothing_between_them_come_to_nothing() -> None:
    sides = (Side({"only": ["a"]}), Side({"only": ["b"]}), Side({"zdr": True}))
    assert isinstance(tighten(sides[0].preferences, sides[1].preferences), Conflict)
    assert rejoined(sides) is None
    assert rejoined((Side({"zdr": True}), Side({"only": "novita"}))) is None


@pytest.mark.parametrize(
    ("behind", "text"),
    [
        (Behind(), ""),
        (Behind(request=True), "the request itself"),
        (Behind((CLAUSE,)), 'rule "mine" (mine.yaml:3)'),
        (Behind((CLAUSE,), request=True), 'rule "mine" (mine.yaml:3) and the request itself'),
    ],
)
def test_it_is_told_as_rules_and_the_request(behind: Behind, text: str) -> None:
    assert (str(behind), bool(behind)) == (text, bool(text))
