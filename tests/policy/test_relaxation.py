"""The way out of an empty funnel: the fewest clauses, and of those the least harm."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from app.catalog.endpoint import Endpoint
from app.catalog.model import Model
from app.policy.filters import Asked
from app.policy.funnel import funnel
from app.policy.needs import Needs
from app.policy.relaxation import REQUEST, loosened, smallest_relaxation
from app.policy.rule import Clause
from tests.policy.listings import row
from tests.policy.random_routing import case
from tests.policy.reading import read


def offer(tag: str, quantization: str | None = "fp8", **fields: Any) -> Endpoint:
    return read({**row(tag, tag.partition("/")[0].title(), quantization), **fields})


def priced(tag: str, prompt: str, completion: str) -> Endpoint:
    return offer(tag, pricing={"prompt": prompt, "completion": completion})


def origins(**clauses: Any) -> dict[str, tuple[Clause, ...]]:
    """One clause for each key; the precision ones stand behind `quantizations`, as they do."""
    behind: dict[str, tuple[Clause, ...]] = {}
    fields = {"pin": "only", "quantization_floor": "quantizations"}
    fields["unknown_quantization"] = "quantizations"
    for key, value in clauses.items():
        name = fields.get(key, key)
        behind[name] = (*behind.get(name, ()), Clause(key, value, "mine", "mine.yaml", 3))
    return behind


def way_out(endpoints: list[Endpoint], asked: Asked) -> str:
    assert not funnel(endpoints, asked).survivors
    found = smallest_relaxation(endpoints, asked)
    assert found is not None
    return str(found)


FP8 = {"quantizations": ["fp8", "mxfp8", "fp16", "bf16", "fp32"]}


@pytest.mark.parametrize(
    ("endpoints", "asked", "expected"),
    [
        ([offer("novita/fp8")], Asked({"only": ["together"]}), "only: add novita"),
        (
            [offer("novita/fp8")],
            Asked({"only": ["together"]}, origins=origins(pin=["together"])),
            "pin: add novita",
        ),
        (
            [offer("novita")],
            Asked({"order": ["together"], "allow_fallbacks": False}),
            "order: add novita",
        ),
        (
            [offer("novita/fp8")],
            Asked({"ignore": ["novita", "novita/fp8", "x"]}),
            "ignore: leave out novita, novita/fp8",
        ),
        (
            [priced("novita", "0", "0.0000025"), priced("together", "0", "0.000003")],
            Asked({"max_price": {"completion": 2}}),
            "max_price.completion: 2 -> 2.5",
        ),
        (
            [priced("novita", "0.00001", "0.0000001")],
            Asked({"max_price": {"prompt": "0.5", "completion": 0}}),
            "max_price.prompt: 0.5 -> 10 and max_price.completion: 0 -> 0.1",
        ),
        (
            [offer("novita", "fp4"), offer("together", "int4")],
            Asked(FP8, origins=origins(quantization_floor="fp8")),
            "quantization_floor: fp8 -> fp4",
        ),
        (
            [offer("novita", "unknown")],
            Asked(FP8, origins=origins(quantization_floor="fp8")),
            "unknown_quantization: auto -> allow",
        ),
        (
            [offer("novita", "unknown")],
            Asked(FP8, origins=origins(quantization_floor="fp8", unknown_quantization="deny")),
            "unknown_quantization: deny -> allow",
        ),
        (
            [
                offer("novita", "unknown")
            ],  # the policy allows it, so the caller's list is in the way
            Asked(FP8, origins=origins(quantization_floor="fp8", unknown_quantization="allow")),
            "quantizations: add unknown",
        ),
        (
            [offer("novita", "unknown")],
            Asked(FP8, origins=origins(quantizations=["fp8", "bf16"])),
            "quantizations: add unknown",
        ),
        (
            [offer("novita", None)],
            Asked(FP8, origins=origins(quantizations=["fp8"])),
            "quantizations: leave it out",
        ),
        ([offer("novita", None)], Asked(FP8), "quantizations: leave it out"),
        (
            [offer("novita", "q5_k")],
            Asked(FP8, origins=origins(quantization_floor="fp8")),
            "quantization_floor: fp8 -> left out",
        ),
        (
            [offer("novita", "bf16")],  # passes the floor, but not the list beside it
            Asked(
                {"quantizations": ["fp8"]},
                origins=origins(quantization_floor="fp8", quantizations=["fp8", "fp4"]),
            ),
            "quantizations: add bf16",
        ),
        (
            [offer("novita")],
            Asked({"zdr": True}, tells=lambda *_: False),
            "order: add novita and zdr: true -> false",  # and a surcharge, for which it is named
        ),
        (
            [offer("novita")],
            Asked({"data_collection": "deny"}, tells=lambda name, _: name[0] != "d"),
            "data_collection: deny -> allow",
        ),
        (
            [offer("novita", supported_parameters=[])],
            Asked({"require_parameters": True}, needs=Needs(parameters=frozenset({"seed"}))),
            "require_parameters: true -> false",
        ),
        ([offer("openai/priority")], Asked(), "order: add openai/priority"),
        ([offer("openai/priority")], Asked({"only": ["openai"]}), "only: add openai/priority"),
        (
            [offer("openai"), offer("openai/flex", "fp4")],
            Asked(FP8, needs=Needs(service_tier="flex")),
            "quantizations: add fp4",
        ),
        (
            [offer("novita", supported_parameters=[])],
            Asked(needs=Needs(tools=True)),
            "a request without tools",
        ),
        (
            [offer("novita")],
            Asked(
                needs=Needs(images=True),
                model=Model("acme/sim-1", None, frozenset({"text"}), None),
            ),
            "a request without images",
        ),
    ],
)
def test_the_way_out_says_what_to_write(
    endpoints: list[Endpoint], asked: Asked, expected: str
) -> None:
    assert way_out(endpoints, asked).partition(" (lets ")[0] == expected


def test_of_ways_that_change_as_many_clauses_the_least_harm_is_told() -> None:
    """Another provider before more money, that before precision, that before privacy."""
    everything = {
        "only": ["together"],
        "max_price": {"prompt": 0.5},
        "quantizations": ["fp8"],
        "zdr": True,
    }
    offers = {
        "only": priced("novita", "0", "0"),
        "max_price": priced("together", "0.000001", "0"),
        "quantization": offer("together/fp4", "fp4", pricing={"prompt": "0", "completion": "0"}),
        "zdr": priced("together/us", "0", "0"),
    }

    def tells(name: str, endpoint: Endpoint) -> bool | None:
        return endpoint.tag != "together/us" if name == "zdr" else None

    told = list(offers)
    for first in range(len(told)):
        left = [offers[name] for name in reversed(told[first:])]
        assert way_out(left, Asked(everything, tells=tells)).startswith(told[first])


def test_fewer_changes_go_first_and_the_request_is_touched_last() -> None:
    """The second would need one thing only, but the request can't do without it."""
    plain = offer("novita", "fp4", supported_parameters=["tools"])
    unable = offer("together", "fp8", supported_parameters=[])
    asked = Asked({"only": ["together"], "quantizations": ["fp8"]}, needs=Needs(tools=True))
    assert way_out([unable, plain], asked) == (
        "only: add novita and quantizations: add fp4 (lets novita through)"
    )


def test_where_nobody_is_offered_there_is_no_way_out() -> None:
    assert smallest_relaxation([], Asked({"only": ["novita"]})) is None


def test_a_way_that_a_wish_for_a_format_would_undo_is_not_told() -> None:
    """Only one of the order may serve; it is left out since another one takes the format."""
    able = offer("together", supported_parameters=["response_format"])
    needs = Needs(parameters=frozenset({"response_format"}))
    asked = Asked({"order": ["novita"], "allow_fallbacks": False}, needs=needs)
    assert way_out([offer("novita"), able], asked).startswith("order: add together")


def test_a_request_is_told_to_do_without_only_where_that_would_help() -> None:
    """Without pictures the first would still lose to the second, which the order leaves out."""
    able = offer("together", supported_parameters=["response_format"])
    reads = Model("acme/sim-1", None, frozenset({"text"}), None)
    needs = Needs(images=True, parameters=frozenset({"response_format"}))
    preferences = {"order": ["novita"], "allow_fallbacks": False}
    found = way_out([offer("novita"), able], Asked(preferences, needs=needs, model=reads))
    assert found.startswith("a request without images and order: add together")


def test_prices_that_no_float_can_say_stay_text() -> None:
    dear = priced("novita", "0.12345678901234567890123", "0")
    found = smallest_relaxation([dear], Asked({"max_price": {"prompt": 1}}))
    assert found is not None
    assert found.changes[0].sent == "123456.78901234567890123"


def test_no_smaller_set_of_changes_would_do() -> None:
    """Over random cases: with any one of the changes left out, nobody is left still."""
    seen = 0
    for number in range(4000):
        one = case(number)
        endpoints = [read(offered) for offered in one.model["endpoints"]]
        asked = Asked(one.body.get("provider") or {}, tells=lambda *_: True)
        if funnel(endpoints, asked).survivors:
            continue
        found = smallest_relaxation(endpoints, asked)
        assert found is not None
        assert not any(change.key.startswith(REQUEST) for change in found.changes)
        for fewer in combinations(found.changes, len(found.changes) - 1):
            partly = loosened(asked.preferences, replace(found, changes=fewer))
            assert not funnel(endpoints, replace(asked, preferences=partly)).survivors, number
        seen += len(found.changes) > 1
    assert seen > 20


@pytest.mark.parametrize("cap", [-1, "-1", -(10**30), 1e-30])
def test_a_cap_that_even_a_free_endpoint_exceeds_has_a_way_out(cap: object) -> None:
    """A share of no price is no number."""
    asked = Asked({"max_price": {"prompt": cap, "completion": cap}})
    free, dear = priced("novita", "0", "0.0000025"), priced("together", "0.1", "0.1")
    told = way_out([dear, free] if cap != 1e-30 else [dear], asked)
    assert told.startswith("max_price.prompt: ")
