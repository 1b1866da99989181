"""How two `provider` objects meet, field by field. The laws over all fields: test_algebra.py."""

import sys
from typing import Any

import pytest

from app.errors import MalformedBody
from app.policy.merge import Conflict, fill, settle, tighten

Said = dict[str, Any]


@pytest.mark.parametrize(
    ("ours", "theirs", "met"),
    [
        # lists
        ({"only": ["a", "b"]}, {"only": ["b", "c"]}, {"only": ["b"]}),
        ({"only": ["deepinfra"]}, {"only": ["deepinfra/fp8"]}, {"only": ["deepinfra/fp8"]}),
        ({"only": ["deepinfra/fp8"]}, {"only": ["deepinfra"]}, {"only": ["deepinfra/fp8"]}),
        ({"ignore": ["a"]}, {"ignore": ["b"]}, {"ignore": ["b", "a"]}),
        ({"ignore": ["a"]}, {"only": ["a", "b"]}, {"ignore": ["a"], "only": ["b"]}),
        ({"quantizations": ["fp8", "bf16"]}, {"quantizations": ["bf16", "fp4"]},
         {"quantizations": ["bf16"]}),
        # caps and flags
        ({"max_price": {"prompt": 1}}, {"max_price": {"prompt": 2}}, {"max_price": {"prompt": 1}}),
        ({"max_price": {"prompt": 1}}, {"max_price": {"prompt": "0.5", "completion": 9}},
         {"max_price": {"prompt": "0.5", "completion": 9}}),
        ({"max_price": {"prompt": 1, "completion": 2}}, {"max_price": {"completion": 3}},
         {"max_price": {"prompt": 1, "completion": 2}}),
        ({"max_price": {"prompt": 1}}, {"max_price": {}}, {"max_price": {"prompt": 1}}),
        ({"zdr": True}, {"zdr": False}, {"zdr": True}),
        ({"zdr": False}, {"zdr": True}, {"zdr": True}),
        ({"require_parameters": True}, {"require_parameters": False}, {"require_parameters": True}),
        ({"enforce_distillable_text": False}, {"enforce_distillable_text": True},
         {"enforce_distillable_text": True}),
        ({"allow_fallbacks": False}, {"allow_fallbacks": True}, {"allow_fallbacks": False}),
        ({"allow_fallbacks": True}, {"allow_fallbacks": False}, {"allow_fallbacks": False}),
        ({"data_collection": "deny"}, {"data_collection": "allow"}, {"data_collection": "deny"}),
        ({"data_collection": "allow"}, {"data_collection": "deny"}, {"data_collection": "deny"}),
        # ordering
        ({"order": ["a"]}, {"order": ["b"]}, {"order": ["a"]}),
        ({"order": ["a"]}, {"sort": "price"}, {"order": ["a"]}),
        ({"sort": "price"}, {"order": ["b"]}, {"order": ["b"]}),
        ({"sort": "price"}, {"sort": "latency"}, {"sort": "price"}),
        ({}, {"sort": "latency"}, {"sort": "latency"}),
        ({"only": ["a"]}, {"order": ["b", "a/fp8"]}, {"only": ["a"], "order": ["a/fp8"]}),
        ({"only": ["a"]}, {"order": ["b"]}, {"only": ["a"]}),
        ({"ignore": ["a"]}, {"order": ["a/us", "b"]}, {"ignore": ["a"], "order": ["b"]}),
        ({"ignore": ["a"]}, {"order": ["a/us"]}, {"ignore": ["a"]}),
        # an order that nothing may leave binds like an only
        ({"order": ["a", "b"], "allow_fallbacks": False}, {"order": ["b", "c"]},
         {"order": ["a", "b"], "allow_fallbacks": False}),
        ({"order": ["a", "b"], "allow_fallbacks": False}, {"only": ["b", "c"]},
         {"only": ["b"], "order": ["b"], "allow_fallbacks": False}),
        ({"order": ["a", "b"]}, {"order": ["b"], "allow_fallbacks": False},
         {"order": ["b"], "allow_fallbacks": False}),
        ({"order": ["a"]}, {"order": ["b"], "allow_fallbacks": False},
         {"only": ["b"], "allow_fallbacks": False}),
        # wishes about speed: key by key, a bare number being the median
        ({"preferred_max_latency": {"p90": 2}}, {"preferred_max_latency": 1},
         {"preferred_max_latency": {"p50": 1, "p90": 2}}),
        ({"preferred_max_latency": 2}, {"preferred_max_latency": 1}, {"preferred_max_latency": 2}),
        ({"preferred_min_throughput": 5}, {"preferred_min_throughput": {"p50": 5, "p90": 1}},
         {"preferred_min_throughput": {"p50": 5, "p90": 1}}),
        ({"options": {"a": {"x": 1}}}, {"options": {"a": {"y": 1}, "b": {}}},
         {"options": {"a": {"x": 1}, "b": {}}}),
        # what says nothing
        ({"only": ["a"]}, {"only": []}, {"only": ["a"]}),
        ({"only": ["a"]}, {"only": None}, {"only": ["a"]}),
        ({"quantizations": ["fp8"]}, {"quantizations": []}, {"quantizations": ["fp8"]}),
        ({"max_price": {"prompt": 1}}, {"max_price": None}, {"max_price": {"prompt": 1}}),
        ({"zdr": True}, {"zdr": None}, {"zdr": True}),
        ({}, {"zdr": None, "order": []}, {}),
        # fields nobody knows are upstream's to judge
        ({"zdr": True}, {"new": None}, {"zdr": True, "new": None}),
    ],
)  # fmt: skip
def test_both_sides_hold(ours: Said, theirs: Said, met: Said) -> None:
    assert tighten(ours, theirs) == met


@pytest.mark.parametrize(
    ("ours", "theirs", "conflict"),
    [
        ({"only": ["a"]}, {"only": ["b"]}, Conflict("only", ["a"], ["b"])),
        ({"only": ["a"]}, {"only": ["a/priority"]}, Conflict("only", ["a"], ["a/priority"])),
        ({"only": ["a/fp8"]}, {"only": ["a/fp4"]}, Conflict("only", ["a/fp8"], ["a/fp4"])),
        ({"only": ["a/fp8"]}, {"ignore": ["a"]}, Conflict("ignore", ["a/fp8"], ["a"])),
        ({"ignore": ["a"]}, {"only": ["a/fp8"]}, Conflict("ignore", ["a/fp8"], ["a"])),
        ({"quantizations": ["fp8"]}, {"quantizations": ["fp4"]},
         Conflict("quantizations", ["fp8"], ["fp4"])),
        ({"order": ["a"], "allow_fallbacks": False}, {"only": ["b"]},
         Conflict("only", ["a"], ["b"])),
        ({"only": ["a"]}, {"order": ["b"], "allow_fallbacks": False},
         Conflict("only", ["a"], ["b"])),
        # a side that leaves nobody by itself
        ({}, {"only": ["a"], "ignore": ["a"]}, Conflict("ignore", ["a"], ["a"])),
        ({}, {"only": ["a"], "order": ["b"], "allow_fallbacks": False}, Conflict("only", [], [])),
        ({"order": ["a"], "ignore": ["a"], "allow_fallbacks": False}, {},
         Conflict("ignore", ["a"], ["a"])),
    ],
)  # fmt: skip
def test_an_empty_meet_is_a_conflict(ours: Said, theirs: Said, conflict: Conflict) -> None:
    assert tighten(ours, theirs) == conflict


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"only": ["a"]}, {"only": "a"}),
        ({"only": ["a"]}, {"only": [1]}),
        ({"only": ["a"]}, {"ignore": {"a": 1}}),
        ({"only": ["a"]}, {"order": "a"}),
        ({"ignore": ["a"]}, {"ignore": "b"}),
        ({"quantizations": ["fp8"]}, {"quantizations": "fp8"}),
        ({"max_price": {"prompt": 1}}, {"max_price": 1}),
        ({"preferred_max_latency": 1}, {"preferred_max_latency": True}),
        ({"preferred_max_latency": 1}, {"preferred_max_latency": [1]}),
        ({"options": {"a": {}}}, {"options": 5}),
    ],
)
def test_what_must_be_read_and_has_the_wrong_type_is_malformed(ours: Said, theirs: Said) -> None:
    with pytest.raises(MalformedBody, match=r"^provider\."):
        tighten(ours, theirs)


@pytest.mark.parametrize(
    "price",
    [
        *(None, True, False, [], {}, "", "free", "NaN", "Infinity", "-Infinity", "sNaN"),
        *(".0_1", "1_0", "0x1", " 0.1", "0.1 ", "\u0661", "1e9999", "+0.1", "."),
    ],
)
def test_a_price_that_upstream_might_read_otherwise_is_malformed(price: Any) -> None:
    with pytest.raises(MalformedBody, match="max_price requires numbers"):
        tighten({"max_price": {"prompt": 1}}, {"max_price": {"prompt": price}})


@pytest.mark.parametrize("price", [0, 0.5, 1, 1.0, "1", "0.5", ".5", "1.", "1e-7", "1.00", "5E-1"])
def test_the_lower_price_holds_as_the_caller_spelled_it(price: Any) -> None:
    theirs = {"max_price": {"prompt": price}}
    met = tighten({"max_price": {"prompt": 1}}, theirs)
    assert isinstance(met, dict)
    assert met["max_price"] is theirs["max_price"]


@pytest.mark.parametrize(
    ("field", "ours", "theirs"),
    [
        ("only", ["a", "b"], ["b"]),
        ("ignore", ["a"], ["b", "a"]),
        ("quantizations", ["fp8", "bf16"], ["bf16"]),
        ("preferred_max_latency", 5, {"p50": 5.0, "p90": 9}),
        ("options", {"a": {"x": 1}}, {"b": {}, "a": {"x": 1.0}}),
    ],
)
def test_what_is_theirs_unchanged_is_the_very_object_they_gave(
    field: str, ours: Any, theirs: Any
) -> None:
    met = tighten({field: ours}, {field: theirs})
    assert isinstance(met, dict)
    assert met[field] is theirs


@pytest.mark.parametrize("price", [1.0001, "1.01", 10, "1e3", 10**30])
def test_a_higher_price_is_lowered(price: Any) -> None:
    met = tighten({"max_price": {"prompt": 1}}, {"max_price": {"prompt": price}})
    assert met == {"max_price": {"prompt": 1}}


def test_what_no_policy_names_is_not_read() -> None:
    odd: Said = {
        "only": None,
        "max_price": "free",
        "quantizations": 5,
        "sort": {"by": 1},
        "new": [[]],
    }
    assert tighten({"zdr": True}, odd) == {"zdr": True, **{k: odd[k] for k in odd if k != "only"}}


@pytest.mark.parametrize(
    ("ours", "theirs", "met"),
    [
        ({"only": ["a"], "zdr": True}, {"only": ["b"]}, {"only": ["b"], "zdr": True}),
        ({"zdr": True}, {"zdr": False}, {"zdr": False}),
        ({"max_price": {"prompt": 1, "completion": 2}}, {"max_price": {"prompt": 9}},
         {"max_price": {"prompt": 9, "completion": 2}}),
        ({"options": {"a": {"x": 1}}}, {"options": {"b": {}}},
         {"options": {"a": {"x": 1}, "b": {}}}),
        ({"order": ["a"]}, {"sort": "price"}, {"sort": "price"}),
        ({"order": ["a"]}, {"sort": "price", "order": ["b"]}, {"order": ["b"]}),
        ({"order": ["a", "b"]}, {"only": ["b"]}, {"order": ["b"], "only": ["b"]}),
        ({"sort": "price"}, {"only": []}, {"sort": "price"}),
        ({"only": ["a"]}, {"ignore": ["a"]}, Conflict("ignore", ["a"], ["a"])),
    ],
)  # fmt: skip
def test_to_fill_is_to_say_what_the_caller_left_unsaid(
    ours: Said, theirs: Said, met: Said | Conflict
) -> None:
    assert fill(ours, theirs) == met


@pytest.mark.parametrize("field", ["max_price", "options"])
def test_to_fill_in_by_key_the_callers_object_must_be_one(field: str) -> None:
    with pytest.raises(MalformedBody, match=f"^provider.{field} must be an object"):
        fill({field: {"prompt": 1}}, {field: 5})


def test_an_object_is_settled_before_it_is_sent() -> None:
    assert settle({"order": ["a", "b"], "ignore": ["a"], "sort": "price", "only": []}) == {
        "order": ["b"],
        "ignore": ["a"],
    }
    assert settle({"order": ["a"], "ignore": ["a"], "sort": "price"}) == {
        "ignore": ["a"],
        "sort": "price",
    }


def calls_to_join(size: int) -> int:
    """How many functions are called to join two long lists that share little."""
    ours = [f"host-{n}" for n in range(0, 2 * size, 2)]
    theirs = [f"host-{n}/fp8" for n in range(size)]
    counted = 0

    def count(_frame: object, event: str, _arg: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        met = tighten({"only": ours, "ignore": ours[:9]}, {"only": theirs, "ignore": theirs[1::2]})
    finally:
        sys.setprofile(None)
    assert isinstance(met, dict)
    return counted


def test_t60_long_lists_are_joined_in_time_for_their_sum() -> None:
    """Never for their product, which held up every other request for seconds."""
    assert calls_to_join(400) < 3 * calls_to_join(200)
