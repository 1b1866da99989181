"""The way out of an empty funnel: the fewest clauses, and of those the least harm."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from app.catalog.endpoint import Endpoint
from app.catalog.model import Model
from app.policy.filters import Asked
from app.policy.forecast.funnel import funnel
from app.policy.forecast.relaxation import Relaxation, loosened, smallest_relaxation
from app.policy.forecast.ways import NEED
from app.policy.requirements import Needs
from app.policy.rule import Clause
from app.policy.sides import Side
from tests.policy.listings import row
from tests.policy.random_routing import case
from tests.policy.reading import read


def offer(tag: str, quantization: str | None = "fp8", **fields: Any) -> Endpoint:
    return read({**row(tag, tag.partition("/")[0].title(), quantization), **fields})


def priced(tag: str, prompt: str, completion: str) -> Endpoint:
    return offer(tag, pricing={"prompt": prompt, "completion": completion})


def side(preferences: dict[str, Any], **clauses: Any) -> Side:
    """The policy's side: a clause for each key; the precision ones stand behind `quantizations`."""
    behind: dict[str, tuple[Clause, ...]] = {}
    fields: dict[str, tuple[str, ...]] = {"pin": ("only", "order")}
    fields |= dict.fromkeys(("quantization_floor", "unknown_quantization"), ("quantizations",))
    for key, value in (clauses or preferences).items():
        for name in fields.get(key, (key,)):
            behind[name] = (*behind.get(name, ()), Clause(key, value, "mine", "mine.yaml", 3))
    return Side(preferences, behind)


def policy(
    preferences: dict[str, Any], clauses: dict[str, Any] | None = None, **more: Any
) -> Asked:
    """What a policy asks, the request nothing of its own."""
    return Asked(preferences, sides=(side(preferences, **(clauses or {})),), **more)


def found(endpoints: list[Endpoint], asked: Asked) -> Relaxation:
    assert not funnel(endpoints, asked).survivors
    way = smallest_relaxation(endpoints, asked)
    assert way is not None
    return way


def way_out(endpoints: list[Endpoint], asked: Asked) -> str:
    return str(found(endpoints, asked))


FP8 = {"quantizations": ["fp8", "mxfp8", "fp16", "bf16", "fp32"]}


@pytest.mark.parametrize(
    ("endpoints", "asked", "expected"),
    [
        ([offer("novita/fp8")], policy({"only": ["together"]}), "only: add novita"),
        (
            [offer("novita/fp8")],
            policy({"only": ["together"]}, {"pin": ["together"]}),
            "pin: add novita",
        ),
        (
            [offer("novita")],
            policy({"order": ["together"], "allow_fallbacks": False}),
            "order: add novita",
        ),
        (
            [offer("novita/fp8")],
            policy({"ignore": ["novita", "novita/fp8", "x"]}),
            "ignore: remove novita, novita/fp8",
        ),
        (
            [priced("novita", "0", "0.0000025"), priced("together", "0", "0.000003")],
            policy({"max_price": {"completion": 2}}),
            "max_price.completion: 2 -> 2.5",
        ),
        (
            [priced("novita", "0.00001", "0.0000001")],
            policy({"max_price": {"prompt": "0.5", "completion": 0}}),
            "max_price.prompt: 0.5 -> 10 and max_price.completion: 0 -> 0.1",
        ),
        (
            [offer("novita", "fp4"), offer("together", "int4")],
            policy(FP8, {"quantization_floor": "fp8"}),
            "quantization_floor: fp8 -> fp4",
        ),
        (
            [offer("novita", "unknown")],
            policy(FP8, {"quantization_floor": "fp8"}),
            "unknown_quantization: auto -> allow",
        ),
        (
            [offer("novita", "unknown")],
            policy(FP8, {"quantization_floor": "fp8", "unknown_quantization": "deny"}),
            "unknown_quantization: deny -> allow",
        ),
        (
            [offer("novita", "q5_k")],  # neither the floor nor the answer about `unknown` admits it
            policy(FP8, {"quantization_floor": "fp8", "unknown_quantization": "deny"}),
            "quantization_floor: fp8 -> removed and unknown_quantization: deny -> allow",
        ),
        (
            [offer("novita", "unknown")],
            policy(FP8, {"quantizations": ["fp8", "bf16"]}),
            "quantizations: add unknown",
        ),
        (
            [offer("novita", None)],
            policy(FP8, {"quantizations": ["fp8"]}),
            "quantizations: remove it",
        ),
        (
            [offer("novita", "q5_k")],
            policy(FP8, {"quantization_floor": "fp8"}),
            "quantization_floor: fp8 -> removed",
        ),
        (
            [offer("novita", "bf16")],  # passes the floor, but not the list beside it
            policy(
                {"quantizations": ["fp8"]},
                {"quantization_floor": "fp8", "quantizations": ["fp8", "fp4"]},
            ),
            "quantizations: add bf16",
        ),
        (
            [offer("novita")],
            policy({"zdr": True}, tells=lambda *_: False),
            "order: add novita and zdr: true -> false",  # and a surcharge, for which it is named
        ),
        (
            [offer("novita")],
            policy({"data_collection": "deny"}, tells=lambda name, _: name[0] != "d"),
            "data_collection: deny -> allow",
        ),
        (
            [offer("novita", supported_parameters=[])],
            policy({"require_parameters": True}, needs=Needs(parameters=frozenset({"seed"}))),
            (
                "no endpoint supports seed: remove it from the request, "
                "or require_parameters: true -> false"
            ),
        ),
        ([offer("openai/priority")], policy({}), "order: add openai/priority"),
        ([offer("openai/priority")], policy({"only": ["openai"]}), "only: add openai/priority"),
        (
            [offer("openai"), offer("openai/flex", "fp4")],
            policy(FP8, needs=Needs(service_tier="flex")),
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
        (
            [offer("novita")],
            Asked(
                needs=Needs(service_tier="flex", tools=True),
                set_by={"tools": Clause("set.tools", [], "mine", "mine.yaml", 3)},
            ),
            "set.tools: remove it",
        ),
    ],
)
def test_the_way_out_says_what_to_write(
    endpoints: list[Endpoint], asked: Asked, expected: str
) -> None:
    assert way_out(endpoints, asked).partition(" (allows ")[0] == expected


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
        assert way_out(left, policy(everything, tells=tells)).startswith(told[first])


def test_fewer_changes_go_first_and_the_request_is_touched_last() -> None:
    """The second would need one thing only, but the request can't do without it."""
    plain = offer("novita", "fp4", supported_parameters=["tools"])
    unable = offer("together", "fp8", supported_parameters=[])
    asked = policy({"only": ["together"], "quantizations": ["fp8"]}, needs=Needs(tools=True))
    assert way_out([unable, plain], asked) == (
        "only: add novita and quantizations: add fp4 (allows novita)"
    )


def test_where_nobody_is_offered_there_is_no_way_out() -> None:
    assert smallest_relaxation([], Asked({"only": ["novita"]})) is None


def test_a_way_that_a_wish_for_a_format_would_undo_is_not_told() -> None:
    """Only one of the order may serve; it is left out since another one takes the format."""
    able = offer("together", supported_parameters=["response_format"])
    needs = Needs(parameters=frozenset({"response_format"}))
    asked = policy({"order": ["novita"], "allow_fallbacks": False}, needs=needs)
    assert way_out([offer("novita"), able], asked).startswith("order: add together")


def test_a_request_is_told_to_do_without_only_where_that_would_help() -> None:
    """Without pictures the first would still lose to the second, which the order leaves out."""
    able = offer("together", supported_parameters=["response_format"])
    reads = Model("acme/sim-1", None, frozenset({"text"}), None)
    needs = Needs(images=True, parameters=frozenset({"response_format"}))
    preferences = {"order": ["novita"], "allow_fallbacks": False}
    way = way_out([offer("novita"), able], policy(preferences, needs=needs, model=reads))
    assert way.startswith("a request without images and order: add together")


def test_prices_that_no_float_can_say_stay_text() -> None:
    dear = priced("novita", "0.12345678901234567890123", "0")
    way = found([dear], Asked({"max_price": {"prompt": 1}}))
    assert way.changes[0].value == "123456.78901234567890123"


@pytest.mark.slow
def test_no_smaller_set_of_changes_would_do() -> None:
    """Over random cases: with any one of the changes left out, no endpoint is left still."""
    seen = 0
    for number in range(4000):
        one = case(number)
        endpoints = [read(offered) for offered in one.model["endpoints"]]
        asked = Asked(one.body.get("provider") or {}, tells=lambda *_: True)
        if funnel(endpoints, asked).survivors:
            continue
        way = found(endpoints, asked)
        assert not any(change.harm == NEED for change in way.changes)
        for fewer in combinations(way.changes, len(way.changes) - 1):
            partly = loosened(asked, fewer)
            assert partly is None or not funnel(endpoints, partly).survivors, number
        seen += len(way.changes) > 1
    assert seen > 20


# --- whose value is to be changed -------------------------------------------------------------


def both(ours: Side, theirs: dict[str, Any], sent: dict[str, Any], **more: Any) -> Asked:
    return Asked(sent, sides=(ours, Side(theirs)), **more)


REQUESTS: list[tuple[list[Endpoint], dict[str, Any], str]] = [
    ([offer("novita")], {"only": ["together"]}, "provider.only in the request: add novita"),
    (
        [offer("novita")],
        {"order": ["together"], "allow_fallbacks": False},
        "provider.order in the request: add novita",
    ),
    ([offer("novita")], {"ignore": ["novita"]}, "provider.ignore in the request: remove novita"),
    (
        [offer("novita", "unknown")],
        {"quantizations": ["fp8"]},
        "provider.quantizations in the request: add unknown (or remove it)",
    ),
    (
        [offer("novita", None)],
        {"quantizations": ["fp8"]},
        "provider.quantizations in the request: remove it",
    ),
    (
        [priced("novita", "0", "0.0000025")],
        {"max_price": {"completion": "2"}},
        "provider.max_price.completion in the request: 2 -> 2.5 (or remove it)",
    ),
    (
        [
            offer("novita", supported_parameters=["seed"]),
            offer("together", supported_parameters=["min_p"]),
        ],
        {"require_parameters": True},
        (
            "novita lacks min_p: remove it from the request, "
            "or provider.require_parameters in the request: true -> false"
        ),
    ),
]


@pytest.mark.parametrize(("endpoints", "theirs", "expected"), REQUESTS)
def test_t52_a_value_of_the_requests_is_to_be_changed_in_the_request(
    endpoints: list[Endpoint], theirs: dict[str, Any], expected: str
) -> None:
    needs = Needs(parameters=frozenset({"seed", "min_p"}))
    asked = both(side({"zdr": True}), theirs, theirs, needs=needs)
    assert way_out(endpoints, asked).partition(" (allows ")[0].startswith(expected)


def test_t52_what_both_ask_is_to_be_changed_in_both() -> None:
    ours, theirs = side({"only": ["groq", "together"]}), {"only": ["groq", "together"]}
    way = way_out([offer("novita")], both(ours, theirs, theirs))
    assert way == (
        "only: add novita and provider.only in the request: add novita (or remove it) "
        "(allows novita)"
    )


def test_t52_of_an_order_and_the_word_that_nothing_may_leave_it_the_order_is_to_be_changed() -> (
    None
):
    ours, sent = side({"order": ["groq"]}), {"order": ["groq"], "allow_fallbacks": False}
    asked = both(ours, {"allow_fallbacks": False}, sent)
    assert way_out([offer("novita")], asked) == "order: add novita (allows novita)"


def test_t52_of_models_under_several_rules_each_change_says_whose_it_is() -> None:
    sides = [side({"quantizations": ["fp8"]}), side({"max_price": {"prompt": 0.5}})]
    sent = {"quantizations": ["fp8"], "max_price": {"prompt": 0.5}}
    way = way_out([offer("novita", "fp4")], Asked(sent, sides=(*sides, Side({"zdr": False}))))
    assert way == (
        'quantizations: add fp4 in rule "mine" (mine.yaml:3) and '
        'max_price.prompt: 0.5 -> 1 in rule "mine" (mine.yaml:3) (allows novita)'
    )


@pytest.mark.parametrize(
    ("ours", "merge", "told"),
    [
        (
            {"zdr": False},
            "tighten",
            "provider.order in the request: add openai/priority (allows openai/priority)",
        ),
        ({"order": ["groq"]}, "tighten", "order: add openai/priority (allows openai/priority)"),
        # a policy that lets one endpoint answer has the say over orders, unless it only fills
        (
            {"allow_fallbacks": False},
            "tighten",
            "order: add openai/priority (allows openai/priority)",
        ),
        (
            {"allow_fallbacks": False},
            "fill",
            "provider.order in the request: add openai/priority (",
        ),
    ],
)
def test_an_endpoint_is_named_where_the_word_would_hold(
    ours: dict[str, Any], merge: str, told: str
) -> None:
    theirs = {"sort": "price"}
    asked = both(side(ours), theirs, {**ours, **theirs}, merge=merge)
    assert way_out([offer("openai/priority")], asked).startswith(told)


def filling(ours: dict[str, Any], clauses: dict[str, Any], theirs: dict[str, Any]) -> Asked:
    """Under `merge: fill`, where the request's list takes the place of the policy's."""
    giving_way = Side({}, side(ours, **clauses).origins, whole=ours)
    return Asked(theirs, sides=(giving_way, Side(theirs)), merge="fill")


def test_t52_to_leave_a_value_out_is_no_way_where_the_policys_would_fill_the_gap() -> None:
    lists = {"quantizations": ["fp8"]}, {"quantizations": ["bf16"]}
    asked = filling(lists[0], {"quantization_floor": "fp8"}, lists[1])
    assert way_out([offer("novita", "fp4")], asked) == (
        "provider.quantizations in the request: add fp4 (allows novita)"
    )
    assert way_out([offer("novita", None)], asked) == (
        "provider.quantizations in the request: remove it and "
        "quantization_floor: fp8 -> removed (allows novita)"
    )
    names = filling({"only": ["groq"]}, {}, {"only": ["together"]})
    assert way_out([offer("novita")], names) == (
        "provider.only in the request: add novita (allows novita)"
    )


def test_what_the_sides_would_leave_nothing_of_together_is_no_way() -> None:
    """Joined anew, the policy's `ignore` would shut out all that the request then wants."""
    asked = both(side({"zdr": True}), {"only": ["groq"]}, {"zdr": True, "only": ["groq"]})
    way = found([offer("novita")], asked)
    against = replace(asked, sides=(side({"ignore": ["novita", "groq"]}), *asked.sides[1:]))
    assert loosened(asked, way.changes) is not None
    assert loosened(against, way.changes) is None


# --- the smallest is the smallest -------------------------------------------------------------


def lets(endpoints: list[Endpoint], asked: Asked) -> str:
    """Whom the way out lets through."""
    return found(endpoints, asked).endpoint.tag


def test_under_caps_of_nothing_the_cheapest_is_told() -> None:
    dear, cheap = (
        priced("a-dear", "0.00001", "0.00001"),
        priced("z-cheap", "0.0000002", "0.0000008"),
    )
    asked = policy({"max_price": {"prompt": 0, "completion": 0}})
    assert way_out([dear, cheap], asked) == (
        "max_price.prompt: 0 -> 0.2 and max_price.completion: 0 -> 0.8 (allows z-cheap)"
    )


@pytest.mark.parametrize(
    ("caps", "told"),
    [
        # 0.4 more for input against 0.5 more for output, though that is a smaller share of it
        ({"prompt": 0.1, "completion": 2}, "a"),
        ({"prompt": 0.1, "completion": 2.2}, "b"),
        ({"prompt": 0, "completion": 2}, "a"),
    ],
)
def test_added_cost_is_compared_as_money_not_as_a_share(caps: dict[str, float], told: str) -> None:
    a, b = priced("a", "0.0000005", "0.000001"), priced("b", "0", "0.0000025")
    assert lets([a, b], policy({"max_price": caps})) == told
    assert lets([b, a], policy({"max_price": caps})) == told


def test_a_fee_weighs_as_much_as_it_adds_to_ten_thousand_tokens() -> None:
    fee = offer("fee", pricing={"prompt": "0", "completion": "0", "request": "0.01"})
    for price, told in (("0.0000009", "tokens"), ("0.0000011", "fee")):
        tokens = priced("tokens", price, "0")
        asked = policy({"max_price": {"prompt": 0, "request": 0}})
        assert lets([fee, tokens], asked) == told


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (
            {"only": ["google-vertex/europe"]},
            "only: add google-vertex (allows google-vertex)",
        ),
        ({"only": ["azura"]}, "only: azura is not a provider, write azure (allows azure)"),
        ({"only": ["azura/us"]}, "only: azura/us is not a provider, write azure (allows azure)"),
        (
            {"only": ["zzz", "groq"]},
            "only: zzz is not a provider, add amazon-bedrock (allows amazon-bedrock)",
        ),
        ({"only": ["zzz", "azura"]}, "only: azura is not a provider, write azure (allows azure)"),
        ({"only": ["groq"]}, "only: add amazon-bedrock (allows amazon-bedrock)"),
        ({"only": ["Google"]}, "only: add google-vertex (allows google-vertex)"),
        (
            {"only": ["moonshot"]},
            "only: moonshot is not a provider, add amazon-bedrock (allows amazon-bedrock)",
        ),
        ({"only": ["x" * 99]}, "only: add amazon-bedrock (allows amazon-bedrock)"),
        (
            {"order": ["anthropi", "groq"], "allow_fallbacks": False},
            "order: anthropi is not a provider, write anthropic (allows anthropic)",
        ),
    ],
)
def test_ties_go_to_the_same_provider_then_to_the_nearest_name(
    wanted: dict[str, Any], told: str
) -> None:
    tags = ("amazon-bedrock", "anthropic", "azure", "google-vertex")
    assert way_out([*map(offer, tags)], policy(wanted)).startswith(told)


def test_a_pin_to_a_name_like_a_providers_means_that_provider_not_a_four_bit_host() -> None:
    endpoints = [offer("deepinfra/fp4", "fp4"), offer("moonshotai")]
    preferences = {"only": ["moonshot"], "order": ["moonshot"]}
    way = found(endpoints, policy(preferences, {"pin": ["moonshot"]}))
    assert str(way) == "pin: moonshot is not a provider, write moonshotai (allows moonshotai)"
    assert way.changes[0].value == ["moonshotai"]


def test_further_ties_go_to_the_least_price_then_by_tag() -> None:
    same = [priced("b", "0.000001", "0.000002"), priced("a", "0.000002", "0.000001")]
    asked = policy({"only": ["groq"]})
    assert lets(same, asked) == "a"
    assert lets([*same, priced("c", "0.000001", "0.000001")], asked) == "c"
    assert lets([offer("a-untold", pricing={}), *same], asked) == "a"


def test_of_endpoints_that_lack_parameters_the_one_that_lacks_fewest_is_told() -> None:
    needs = Needs(parameters=frozenset({"seed", "stop", "top_k", "top_p", "min_p"}))
    some = offer("z", supported_parameters=["seed"])
    endpoints = [offer("a", supported_parameters=[]), some]
    asked = policy({"require_parameters": True}, needs=needs)
    assert way_out(endpoints, asked) == (
        "no endpoint supports min_p, stop, top_k and 1 more: remove it from the request, "
        "or require_parameters: true -> false (allows z)"
    )
    set_by = {"seed": Clause("set.seed", 1, "mine", "mine.yaml", 3)}
    alone = replace(asked, needs=Needs(parameters=frozenset({"seed"})), set_by=set_by)
    assert "no endpoint supports seed: remove it from `set`, or" in way_out(endpoints[:1], alone)


@pytest.mark.parametrize("cap", [-1, "-1", -(10**30), 1e-30])
def test_a_cap_that_even_a_free_endpoint_exceeds_has_a_way_out(cap: object) -> None:
    """A share of no price is no number."""
    asked = Asked({"max_price": {"prompt": cap, "completion": cap}})
    free, dear = priced("novita", "0", "0.0000025"), priced("together", "0.1", "0.1")
    told = way_out([dear, free] if cap != 1e-30 else [dear], asked)
    assert told.startswith("provider.max_price.prompt in the request: ")
