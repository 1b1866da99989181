"""What a caller asked for and did not get."""

from typing import Any

import pytest

from app.policy.overruled import Overruled
from tests.policy.sending import book_of, send

Said = dict[str, Any]


def lost(ours: Said, theirs: Said) -> dict[str, Overruled]:
    outgoing = send(book_of(ours), {"model": "q/q", "provider": theirs})
    return {each.field: each for each in outgoing.overruled}


@pytest.mark.parametrize(
    ("ours", "theirs", "sent"),
    [
        ({"only": ["a"]}, {"only": ["a", "b"]}, {"only": ["a"]}),
        ({"order": ["a"]}, {"order": ["b"]}, {"order": ["a"]}),
        ({"order": ["a"]}, {"sort": "price"}, {"sort": None}),
        ({"quantization_floor": "bf16"}, {"quantizations": ["fp8", "bf16"]},
         {"quantizations": ["bf16"]}),
        ({"max_price": {"prompt": 1}}, {"max_price": {"prompt": 2, "completion": 3}},
         {"max_price": {"prompt": 1, "completion": 3}}),
        ({"zdr": True}, {"zdr": False}, {"zdr": True}),
        ({"require_parameters": True}, {"require_parameters": False}, {"require_parameters": True}),
        ({"enforce_distillable_text": True}, {"enforce_distillable_text": False},
         {"enforce_distillable_text": True}),
        ({"allow_fallbacks": False}, {"allow_fallbacks": True}, {"allow_fallbacks": False}),
        ({"data_collection": "deny"}, {"data_collection": "allow"}, {"data_collection": "deny"}),
        ({"preferred_max_latency": 1}, {"preferred_max_latency": 2}, {"preferred_max_latency": 1}),
        ({"preferred_min_throughput": 9}, {"preferred_min_throughput": {"p50": 1}},
         {"preferred_min_throughput": 9}),
        ({"options": {"a": 1}}, {"options": {"a": 2}}, {"options": {"a": 1}}),
    ],
)  # fmt: skip
def test_a_wish_not_granted_is_noted_with_rule_and_reason(
    ours: Said, theirs: Said, sent: Said
) -> None:
    found = lost(ours, theirs)
    assert {field: each.sent for field, each in found.items()} == sent
    for field, each in found.items():
        assert (each.asked, each.rule) == (theirs[field], "rule-0")
        assert each.why


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"only": ["a", "b"]}, {"only": ["b", "a"]}),
        ({"ignore": ["a"]}, {"ignore": ["b"]}),
        ({"zdr": True}, {"zdr": None, "only": []}),
        ({"max_price": {"prompt": 5}}, {"max_price": {"prompt": 1}}),
        ({"max_price": {"prompt": 5}}, {"max_price": {"completion": 1}}),
        ({"max_price": {"prompt": 1}}, {"max_price": {"prompt": 1.0}}),
        ({"sort": "price"}, {"sort": "price"}),
        ({"zdr": True}, {"new": 5, "sort": "price"}),
    ],
)
def test_a_wish_granted_is_not_noted(ours: Said, theirs: Said) -> None:
    assert lost(ours, theirs) == {}


def test_to_replace_overrules_whatever_differs() -> None:
    found = lost({"only": ["a", "b"], "ignore": ["c"], "merge": "replace"},
                 {"only": ["a"], "ignore": 5, "zdr": True, "options": {}})  # fmt: skip
    assert {field: each.sent for field, each in found.items()} == {
        "only": ["a", "b"],
        "ignore": ["c", "c/flex", "c/priority", "c/ultrafast"],
        "zdr": None,
        "options": None,
    }
    assert {each.why for each in found.values()} == {
        "`merge: replace` sends only the policy's own preferences"
    }


def test_to_fill_overrules_only_what_nobody_could_have() -> None:
    found = lost({"order": ["a"], "ignore": ["b"], "merge": "fill"},
                 {"order": ["b"], "sort": "price", "zdr": False})  # fmt: skip
    assert list(found) == ["order"]
    assert (
        "no `sort` is sent beside an `order`, and no `order` entry that `only` or `ignore` exclude"
        in found["order"].why
    )


def test_every_rule_behind_a_field_is_named() -> None:
    book = book_of(
        {"name": "general", "max_price": {"prompt": 1}},
        {"name": "special", "models": ["q/*"], "max_price": {"completion": 1}},
    )
    theirs = {"max_price": {"prompt": 2, "completion": 2}}
    (found,) = send(book, {"model": "q/q", "provider": theirs}).overruled
    assert set(found.rule.split(", ")) == {"general", "special"}


def test_without_a_rule_nothing_is_overruled() -> None:
    assert lost({"models": ["x/*"], "zdr": True}, {"zdr": False, "only": ["a"]}) == {}


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ({"order": ["a"]}, [("sort", "price", None)]),
        ({"zdr": True}, []),
        ({"order": []}, []),
        ({"order": ["a"], "sort": "latency"}, [("sort", "latency", None)]),
    ],
)
def test_a_policys_sort_that_an_order_silences_is_told(theirs: Said, told: list[Any]) -> None:
    outgoing = send(book_of({"sort": "price"}), {"model": "q/q", "provider": theirs})
    assert [(each.field, each.asked, each.sent) for each in outgoing.overruled] == told
    assert all(each.rule == "rule-0" for each in outgoing.overruled)
