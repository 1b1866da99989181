"""How the clauses of several rules stack."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.book import Book
from app.policy.file.parse import read_book
from app.policy.policy_preferences import cascade
from app.policy.rule import Clause
from app.policy.tags import with_tiers
from tests.policy.json_texts import BOUNDED
from tests.policy.sending import FILE, book_of, route

KEYS = ("only", "order", "quantization_floor", "max_price.prompt", "set.user", "refuse.preset")


def layer(values: dict[str, Any]) -> dict[str, Clause]:
    return {key: Clause(key, value, "rule", FILE, 1) for key, value in values.items()}


def stack(*layers: dict[str, Any]) -> dict[str, Any]:
    return {key: clause.value for key, clause in cascade(map(layer, layers)).items()}


@pytest.mark.parametrize(
    ("layers", "standing"),
    [
        ([], {}),
        ([{"zdr": True}, {"zdr": False, "sort": "price"}], {"zdr": True, "sort": "price"}),
        ([{"max_price.prompt": 1}, {"max_price.prompt": 2, "max_price.completion": 3}],
         {"max_price.prompt": 1, "max_price.completion": 3}),
        ([{"set.user": "a"}, {"set.user": "b", "set.seed": 1}], {"set.user": "a", "set.seed": 1}),
        ([{"strip.a": True}, {"strip.b": True}], {"strip.a": True, "strip.b": True}),
        # a pin is an only and an order in one, and each of them is replaced by itself
        ([{"pin": ["a"]}, {"only": ["b"], "order": ["c"]}], {"only": ["a"], "order": ["a"]}),
        ([{"only": ["a"]}, {"pin": ["b"]}, {"order": ["c"]}], {"only": ["a"], "order": ["b"]}),
        ([{"order": ["a"]}, {"pin": ["b"]}], {"only": ["b"], "order": ["a"]}),
        ([{"zdr": True}, {"pin": ["b"]}], {"zdr": True, "only": ["b"], "order": ["b"]}),
    ],
)  # fmt: skip
def test_of_each_key_the_most_specific_clause_stands(
    layers: list[dict[str, Any]], standing: dict[str, Any]
) -> None:
    assert stack(*layers) == standing


@BOUNDED
@given(st.lists(st.dictionaries(st.sampled_from(KEYS), st.integers()), max_size=5))
def test_it_is_as_if_each_layer_were_written_over_the_more_general_ones(
    layers: list[dict[str, int]],
) -> None:
    written: dict[str, int] = {}
    for each in reversed(layers):
        written |= each
    assert stack(*layers) == written


# --- over a whole policy ----------------------------------------------------------------------

# From the most specific to the most general; each is more specific than the next by one reason.
PLACES: list[dict[str, Any]] = [
    {"models": ["*"], "callers": ["me"], "user_agents": ["cline*"]},
    {"models": ["*"], "callers": ["me"]},
    {"models": ["*"], "user_agents": ["cline*"]},
    {"models": ["qwen/qwen3-coder:nitro"]},
    {"models": ["qwen/qwen3-coder"]},
    {"models": ["qwen/qwen3-*"]},
    {"models": ["qwen/*"]},
    {"models": ["*"]},
]
CLAUSES = st.fixed_dictionaries(
    {},
    optional={
        "zdr": st.booleans(),
        "ignore": st.lists(st.sampled_from("abc"), min_size=1, unique=True),
        "data_collection": st.sampled_from(["allow", "deny"]),
        "quantization_floor": st.sampled_from(["fp4", "fp8", "bf16"]),
        "max_price": st.dictionaries(
            st.sampled_from(["prompt", "completion"]), st.sampled_from([1, 2.5]), min_size=1
        ),
        "sort": st.sampled_from(["price", "latency"]),
        "set": st.dictionaries(st.sampled_from(["user", "seed"]), st.integers(0, 9), min_size=1),
        "refuse": st.lists(st.sampled_from(["preset", "tools"]), min_size=1, unique=True),
        "merge": st.sampled_from(["tighten", "replace", "fill"]),
    },
)
POLICIES = st.lists(
    st.tuples(st.sampled_from(range(len(PLACES))), CLAUSES),
    min_size=1,
    max_size=5,
    unique_by=lambda pair: pair[0],
)
Drawn = list[tuple[int, dict[str, Any]]]


def told(book: Book) -> dict[str, Any]:
    asked = {"model": "qwen/qwen3-coder:nitro"}
    found = route(book, asked, caller="me", user_agent="cline/3")
    return {
        "rules": found.rules,
        "preferences": found.preferences,
        "merge": found.merge,
        "set": {key: clause.value for key, clause in found.set.items()},
        "refuse": {key: clause.value for key, clause in found.refuse.items()},
    }


def files(drawn: Drawn, cut: int) -> dict[str, str]:
    rules = [{"name": f"place {place}", **PLACES[place], **said} for place, said in drawn]
    halves = {"a.yaml": rules[:cut], "b.yaml": rules[cut:]}
    return {name: json.dumps({"version": 1, "rules": half}) for name, half in halves.items()}


@BOUNDED
@given(POLICIES, st.data())
def test_the_order_of_rules_never_matters(drawn: Drawn, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(drawn))
    cut = data.draw(st.integers(0, len(drawn)))
    assert told(read_book(files(drawn, 0))) == told(read_book(files(shuffled, cut)))


@BOUNDED
@given(POLICIES)
def test_each_field_is_the_most_specific_rules(drawn: Drawn) -> None:
    """Laid from the most general place to the most specific, key by key."""
    expected: dict[str, Any] = {"set": {}, "refuse": {}, "merge": "tighten", "max_price": {}}
    for _, said in sorted(drawn, reverse=True):
        for key, value in said.items():
            if key in {"set", "max_price"}:
                expected[key] = {**expected[key], **value}
            elif key == "refuse":
                expected[key] = expected[key] | dict.fromkeys(value, True)
            else:
                expected[key] = with_tiers(value) if key == "ignore" else value
    found = told(read_book(files(drawn, 0)))
    assert found["rules"] == tuple(f"place {place}" for place, _ in sorted(drawn))
    assert {key: found[key] for key in ("set", "refuse", "merge")} == {
        key: expected[key] for key in ("set", "refuse", "merge")
    }
    sent = {"zdr", "ignore", "data_collection", "max_price", "sort"}
    assert {key: value for key, value in found["preferences"].items() if key in sent} == {
        key: value for key, value in expected.items() if key in sent and value != {}
    }
    assert ("quantizations" in found["preferences"]) is ("quantization_floor" in expected)


def test_an_order_of_a_narrower_rule_leaves_the_pin_of_a_wider_one_in_force() -> None:
    """Who may serve is a hard clause: a rule that says only in which order can't take it away."""
    wide = {"models": ["qwen/*"], "pin": ["novita", "together"]}
    for order, sent in (
        (["together", "groq"], {"only": ["novita", "together"], "order": ["together"]}),
        (["groq"], {"only": ["novita", "together"]}),
    ):
        book = book_of(wide, {"models": ["qwen/qwen3"], "order": order})
        assert route(book, {"model": "qwen/qwen3"}).preferences == sent


def test_a_narrower_only_takes_the_place_of_a_wider_pins_own() -> None:
    book = book_of(
        {"models": ["qwen/*"], "pin": ["novita", "together"]},
        {"models": ["qwen/qwen3"], "only": ["together", "groq"]},
    )
    found = route(book, {"model": "qwen/qwen3"}).preferences
    assert found == {"only": ["together", "groq"], "order": ["together"]}
