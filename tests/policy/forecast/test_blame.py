"""What is behind the fall of an endpoint: each side is asked alone."""

from typing import Any

import pytest

from app.catalog.endpoint import Endpoint
from app.policy.filters import Asked
from app.policy.forecast.blame import together
from app.policy.forecast.funnel import Drop, funnel
from app.policy.requirements import Needs
from app.policy.rule import Clause
from app.policy.sides import Side
from tests.policy.listings import row
from tests.policy.reading import read

LISTED = ["fp8", "bf16"]


def offer(tag: str, quantization: str | None = "fp8", **fields: Any) -> Endpoint:
    return read({**row(tag, tag.partition("/")[0].title(), quantization), **fields})


def clause(key: str, value: Any, line: int = 3) -> Clause:
    return Clause(key, value, "mine", "mine.yaml", line)


def ours(preferences: dict[str, Any]) -> Side:
    return Side(preferences, {key: (clause(key, value),) for key, value in preferences.items()})


def drops(sent: dict[str, Any], *sides: Side, endpoint: Endpoint, **more: Any) -> list[Drop]:
    return [*funnel([endpoint], Asked(sent, sides=sides, **more)).dropped]


def behind(sent: dict[str, Any], *sides: Side, endpoint: Endpoint, **more: Any) -> list[str]:
    """The keys of the clauses that are behind its one fall, and the request where it is."""
    (drop,) = drops(sent, *sides, endpoint=endpoint, **more)
    keys = [clause.key for clause in drop.clauses]
    return keys + ["request"] * drop.behind.request


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("unknown", ["request"]),
        ("bf16", ["quantizations"]),
        ("fp4", ["quantizations", "request"]),
    ],
)
def test_t52_of_a_list_both_have_narrowed_each_is_behind_what_its_own_shuts_out(
    label: str, expected: list[str]
) -> None:
    """The shipped policy admits `unknown` for closed models; the request's list doesn't."""
    policy, request = ours({"quantizations": ["fp8", "unknown"]}), {"quantizations": LISTED}
    sent = {"quantizations": ["fp8"]}
    assert behind(sent, policy, Side(request), endpoint=offer("a", label)) == expected


@pytest.mark.parametrize(
    ("policy", "request_", "sent", "expected"),
    [
        # an order that nothing may leave binds like an `only`, which is what is sent
        ({"only": ["a", "b"]}, {"order": ["b", "c"], "allow_fallbacks": False},
         {"only": ["b"], "order": ["b"], "allow_fallbacks": False}, ["request"]),
        ({"order": ["b"], "allow_fallbacks": False}, {"only": ["a", "b"]},
         {"only": ["b"], "order": ["b"], "allow_fallbacks": False}, ["order", "allow_fallbacks"]),
        # an `only` is short of what another ignores
        ({"ignore": ["a"]}, {"only": ["a", "b"]}, {"only": ["b"], "ignore": ["a"]}, ["ignore"]),
        ({"ignore": ["a"]}, {"only": ["b"]}, {"only": ["b"], "ignore": ["a"]},
         ["ignore", "request"]),
        # one orders, the other forbids fallbacks
        ({"order": ["b"]}, {"allow_fallbacks": False}, {"order": ["b"], "allow_fallbacks": False},
         ["order", "request"]),
        ({"zdr": True, "allow_fallbacks": True}, {"order": ["b"], "allow_fallbacks": False},
         {"zdr": True, "order": ["b"], "allow_fallbacks": False}, ["request"]),
        ({"max_price": {"prompt": 9}}, {"max_price": {"prompt": 0.5}},
         {"max_price": {"prompt": 0.5}}, ["request"]),
        ({}, {"require_parameters": True}, {"require_parameters": True}, ["request"]),
    ],
)  # fmt: skip
def test_t52_each_filter_names_the_side_that_alone_makes_it_fall(
    policy: dict[str, Any], request_: dict[str, Any], sent: dict[str, Any], expected: list[str]
) -> None:
    needs = Needs(parameters=frozenset({"seed"}))
    found = behind(sent, ours(policy), Side(request_), endpoint=offer("a"), needs=needs)
    assert found == expected


def test_t52_beside_a_policy_that_lets_one_endpoint_answer_a_request_orders_only_if_it_fills() -> (
    None
):
    policy, request = ours({"allow_fallbacks": False}), Side({"order": ["b"]})
    sent = {"order": ["b"], "allow_fallbacks": False}
    asked = Asked(sent, sides=(policy, request), merge="fill")
    (drop,) = funnel([offer("a")], asked).dropped
    assert ([clause.key for clause in drop.clauses], drop.behind.request) == (
        ["allow_fallbacks"],
        True,
    )
    tightened = Asked({"allow_fallbacks": False}, sides=(policy, request))
    assert together(tightened, offer("a"), [offer("a")]) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [("data_collection", "deny"), ("zdr", True), ("enforce_distillable_text", True)],
)
def test_t52_a_switch_that_the_request_turned_is_the_requests(name: str, value: Any) -> None:
    def falls(_filter: str, _endpoint: Endpoint) -> bool:
        return _filter == "regional_surcharge"

    policy, request, a = ours({"sort": "price"}), Side({name: value}), offer("a")
    assert behind({name: value}, policy, request, endpoint=a, tells=falls) == ["request"]
    assert behind({name: value}, ours({name: value}), endpoint=a, tells=falls) == [name]


def test_a_price_is_blamed_on_the_caps_it_is_above() -> None:
    caps = {"prompt": 0.5, "completion": 9}
    origins = {"max_price": tuple(clause(f"max_price.{key}", cap) for key, cap in caps.items())}
    side = Side({"max_price": caps}, origins)
    assert behind({**side.preferences}, side, endpoint=offer("a")) == ["max_price.prompt"]


@pytest.mark.parametrize(
    ("clauses", "label", "expected"),
    [
        ({"quantization_floor": "fp8", "quantizations": ["fp4", "fp8"]}, "fp4",
         ["quantization_floor"]),
        ({"quantization_floor": "fp8", "quantizations": ["fp4", "fp8"]}, "bf16",
         ["quantizations"]),
        ({"quantization_floor": "fp8", "unknown_quantization": "deny"}, "fp4",
         ["quantization_floor"]),
        ({"quantization_floor": "fp8", "unknown_quantization": "deny"}, "unknown",
         ["unknown_quantization"]),
        ({"quantization_floor": "fp8"}, "unknown", ["quantization_floor"]),
        ({"quantization_floor": "fp8"}, "q5_k", ["quantization_floor"]),
        ({"quantization_floor": "fp8"}, None, ["quantization_floor"]),
        ({"unknown_quantization": "deny"}, None, ["unknown_quantization"]),
    ],
)  # fmt: skip
def test_of_the_clauses_about_precision_those_it_fails_are_behind_it(
    clauses: dict[str, Any], label: str | None, expected: list[str]
) -> None:
    origins = {"quantizations": tuple(clause(key, value) for key, value in clauses.items())}
    side = Side({"quantizations": ["fp8"]}, origins)
    assert behind({**side.preferences}, side, endpoint=offer("a", label)) == expected


def test_what_the_request_needs_is_its_own_unless_the_policy_has_set_it() -> None:
    needs = Needs(tools=True)
    assert behind({}, ours({"zdr": True}), endpoint=offer("a"), needs=needs) == ["request"]
    set_by = {"tools": clause("set.tools", [])}
    found = behind({}, ours({"zdr": True}), endpoint=offer("a"), needs=needs, set_by=set_by)
    assert found == ["set.tools"]


def test_a_tier_that_nothing_asks_for_is_nothings_doing() -> None:
    (drop,) = drops({}, ours({"zdr": True}), endpoint=offer("a/priority"))
    assert (drop.clauses, drop.behind.request) == ((), False)
    assert drop.because == "only requests that name its tag use it"


def test_an_order_takes_away_the_tier_that_a_variant_admits() -> None:
    policy, endpoint = ours({"order": ["b"]}), offer("a/priority")
    assert behind({"order": ["b"]}, policy, endpoint=endpoint, variants=("nitro",)) == ["order"]


def test_a_filter_is_called_by_the_clause_only_where_its_value_holds() -> None:
    floor, pin = clause("quantization_floor", "fp8"), clause("pin", ["a", "b"])
    policy = Side(
        {"quantizations": ["fp8", "bf16"], "only": ["a", "b"]},
        {"quantizations": (floor,), "only": (pin,)},
    )
    as_said = funnel([offer("c", "fp4")], Asked(policy.preferences, sides=(policy,)))
    assert str(as_said) == "1 -> pin 0"
    request = Side({"quantizations": ["bf16"], "only": ["b"]})
    narrowed = Asked(request.preferences, sides=(policy, request))
    endpoints = [offer("a", "fp8"), offer("b", "fp8")]
    assert str(funnel(endpoints, narrowed)) == "2 -> only 1 -> quantizations 0"
