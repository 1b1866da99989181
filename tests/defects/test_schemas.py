"""A JSON Schema is followed as its draft says; a hostile one costs a bounded number of steps."""

import json
import re
import socket
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.defects.budget import DEEPEST, STEPS, Budget, NotJudged
from app.defects.schemas import satisfies
from app.defects.sound import followed, leads_to_a_schema, sizes_of

LEAF = {"type": "string"}


def judged(schema: Any, value: Any, steps: int = STEPS) -> bool | None:
    return satisfies(schema, value, Budget(steps))


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "object", "required": ["a"]}, {"a": 1}, {}),
        ({"type": ["string", "null"]}, None, 1),
        ({"type": "integer"}, 2.0, True),
        ({"enum": ["a", 1, None]}, 1.0, True),
        ({"enum": ["a", [1]]}, "a", "b"),
        ({"const": 1}, 1, "1"),
        ({"items": {"type": "integer"}, "minItems": 1}, [1, 2], [1, "2"]),
        ({"uniqueItems": True}, [1, True, "1"], [1, 1.0]),
        ({"uniqueItems": False}, [1, 1], None),
        ({"uniqueItems": True, "type": "string"}, "aa", 1),
        ({"additionalProperties": False, "properties": {"a": {}}}, {"a": 1}, {"b": 1}),
        ({"additionalProperties": {"type": "null"}}, {"a": None}, {"b": 1}),
        ({"anyOf": [{"type": "string"}, {"minimum": 3}]}, 3, 2),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, None, 2),
        ({"not": {"type": "null"}}, 1, None),
        ({"multipleOf": 5, "exclusiveMinimum": 0}, 10, 11),
        ({"$defs": {"a": LEAF}, "items": {"$ref": "#/$defs/a"}}, ["x"], [1]),
        ({"definitions": {"a": LEAF}, "$ref": "#/definitions/a"}, "x", 1),
        (
            {"properties": {"next": {"$ref": "#"}, "v": LEAF}},
            {"next": {"v": "x"}},
            {"next": {"v": 1}},
        ),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://a/b", **LEAF},
            "x",
            1,
        ),
        ({"properties": {"$schema": LEAF, "nullable": LEAF}}, {"nullable": "x"}, {"nullable": 1}),
        ({"properties": {"pattern": LEAF, "enum": LEAF, "$ref": LEAF}}, {"enum": "x"}, {"$ref": 1}),
        ({"pattern": "^a$", "type": "string"}, "b", 1),
        ({"format": "email", "type": "string"}, "b", 1),
        ({"items": {"anyOf": [LEAF, {"const": 0}]}}, ["a", 0], [False]),
    ],
)
def test_it_is_followed(schema: Any, good: Any, bad: Any) -> None:
    assert judged(schema, good) is True
    if bad is not None or "type" in schema or "enum" in schema or "not" in schema:
        assert judged(schema, bad) is False


@pytest.mark.parametrize(
    "schema",
    [
        True,
        [],
        "object",
        {"type": "strnig"},
        {"type": 3},
        {"type": [["string"]]},
        {"required": "name"},
        {"required": [1]},
        {"enum": "abc"},
        {"exclusiveMinimum": True},
        {"minimum": "3"},
        {"minLength": "x"},
        {"multipleOf": 0.1},
        {"multipleOf": True},
        {"multipleOf": 0},
        {"items": [LEAF]},
        {"additionalProperties": "no"},
        {"properties": {"a": "string"}},
        {"properties": ["a"]},
        {"patternProperties": {"^a": LEAF}},
        {"unevaluatedProperties": False},
        {"type": "object", "nullable": True, "properties": {"a": {"nullable": True}}},
        {"properties": {"a": {"$id": "https://example.com/", "type": "null"}}},
        {"properties": {"a": {"$schema": "http://json-schema.org/draft-03/schema#"}}},
        {"not": {"pattern": "b"}},
        {"oneOf": [{"pattern": "a"}, {"pattern": "b"}]},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#anchor", "$anchor": "anchor"},
        {"$ref": "#/$defs/none"},
        {"$ref": 3},
        {"$ref": "#/" + "x/" * 300},
        {"$dynamicRef": "#"},
        {"properties": {"a": {"enum": [[1], [2]]}}},
        {"properties": {"a": {"const": [2]}}},
        {"properties": {"b": {"uniqueItems": True}}},
    ],
    ids=lambda schema: json.dumps(schema)[:60],
)
def test_in_doubt_nothing_is_said(schema: Any) -> None:
    """Of values that a strict reading would refuse."""
    found = [judged(schema, value) for value in (3, "x", {"a": [1], "b": [[1]]}, [True])]
    assert None in found
    assert False not in found


# --- hostile ones -----------------------------------------------------------------------------


def doubling(levels: int, how: str) -> dict[str, Any]:
    """A schema of some lines that is applied two to the power of its levels times."""
    steps: dict[str, Any] = {
        f"a{at}": {how: [{"$ref": f"#/$defs/a{at + 1}"}] * 2} for at in range(levels)
    }
    return {"$defs": {**steps, f"a{levels}": LEAF}, "$ref": "#/$defs/a0"}


def nested(levels: int, inner: Any, key: str) -> Any:
    for _ in range(levels):
        inner = {key: inner}
    return inner


LONG_NAMES = [f"{number:09}" for number in range(20_000)]
HOSTILE: dict[str, tuple[Any, Any]] = {
    "anyOf, doubled 40 times": (doubling(40, "anyOf"), 3),
    "allOf, doubled 20 times": (doubling(20, "allOf"), "x"),
    "oneOf, doubled 20 times": (doubling(20, "oneOf"), "x"),
    "a $ref to itself": ({"$ref": "#"}, {}),
    "allOf of itself": ({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}, {}),
    "not itself": ({"not": {"$ref": "#"}}, {}),
    "two that lead to each other": (
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        1,
    ),
    "an exponential pattern": ({"pattern": "^(a+)+$", "not": {}}, "a" * 100_000 + "b"),
    "an exponential name": ({"patternProperties": {"^(a+)+$": {}}}, {"a" * 5000 + "b": 1}),
    "an exponential name, led to": (
        {
            "properties": {"patternProperties": {"^(a+)+$": {}}},
            "$ref": "#/properties",
            "additionalProperties": False,
        },
        {"a" * 5000 + "b": 1},
    ),
    "a long enum for each of many": ({"items": {"enum": LONG_NAMES}}, ["x"] * 20_000),
    "long names for each of many": ({"items": {"required": LONG_NAMES}}, [{}] * 20_000),
    "an enum of lists": ({"enum": [[[1] * 10_000]] * 100}, [[1] * 10_000]),
    "many that should differ": ({"items": {"uniqueItems": True}}, [[[n] for n in range(9000)]] * 3),
    "a long text, printed again and again": (
        {"anyOf": [{"type": "null"}] * 40_000},
        "x" * 200_000,
    ),
    "a deep schema": (nested(10_000, LEAF, "items"), []),
    "a deep value": ({"items": {"$ref": "#"}}, nested(10_000, 1, "a")),
    "a large schema": ({"properties": dict.fromkeys(LONG_NAMES * 9, LEAF)}, {}),
    "a schema of a million values": ({"examples": [0] * 1_000_000}, {}),
    "an enormous number": ({"multipleOf": 10**300}, 10**299),
    "names that are no keywords, for each of many": (
        {"allOf": [{"items": {"properties": {"a": dict.fromkeys(LONG_NAMES, 1)}}}] * 50},
        [{"a": 1}] * 20_000,
    ),
    "the same, led to": (
        {"properties": dict.fromkeys(LONG_NAMES, LEAF), "items": {"$ref": "#/properties"}},
        [1] * 20_000,
    ),
    "nothing, for each of many": ({"allOf": [{"items": {}}] * 1000}, [1] * 20_000),
    "names that are missing": (
        {"anyOf": [{"required": LONG_NAMES}, {"required": LONG_NAMES}] * 10},
        {},
    ),
    "a remote schema": ({"$ref": "http://127.0.0.1:9/"}, {}),
}


class Counted(Budget):
    """A budget that counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def charge(self, steps: int) -> None:
        self.asked += 1
        super().charge(steps)


# Of these, the library itself can say something at once.
SAID = {
    "an exponential pattern": None,
    "a long enum for each of many": False,
    "an enormous number": False,
    "a schema of a million values": True,  # of an annotation
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_given_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By counting: no more keywords are applied than there are steps, and none runs a regex."""
    schema, value = HOSTILE[name]
    for function in ("search", "match", "compile"):
        monkeypatch.setattr(re, function, None)
    monkeypatch.setattr(socket, "socket", None)
    budget = Counted()
    assert satisfies(schema, value, budget) is SAID.get(name)
    # Each keyword asks three times; values are counted in eights, each asked for.
    assert budget.asked <= 9 * STEPS


def test_what_is_given_up_costs_no_more_than_its_steps() -> None:
    budget = Counted()
    assert satisfies(doubling(20, "allOf"), "x", budget) is None
    assert budget.left < 0
    assert STEPS < budget.asked < STEPS * 3.1
    assert satisfies({}, {}, budget) is None  # the next of the same answer gets nothing more


def test_keywords_inside_one_another_are_bounded() -> None:
    assert judged(nested(DEEPEST // 2, LEAF, "not"), 1) is not None
    assert judged({"$ref": "#"}, 1) is None
    budget = Budget()
    for _ in range(DEEPEST):
        budget.enter()
    with pytest.raises(NotJudged, match="too deep"):
        budget.enter()


def test_a_check_that_was_given_up_leaves_the_next_one_whole() -> None:
    budget = Budget()
    assert satisfies({"$ref": "#"}, 1, budget) is None
    assert satisfies(LEAF, 1, budget) is False
    assert satisfies(nested(20, LEAF, "allOf"), 1, budget) is None  # no list
    assert satisfies({"allOf": [{"anyOf": [LEAF]}]}, "x", budget) is True


def test_sizes_are_those_of_all_inside() -> None:
    value = {"a": ["xx", "yyy"], "b": 1}
    sizes = sizes_of(value, Budget())
    assert sizes[id(value["a"])] == 2 + 3 + 2 * 8
    assert sizes[id(value)] == sizes[id(value["a"])] + 2 * 8
    with pytest.raises(NotJudged):
        sizes_of(nested(100, 1, "a"), Budget())
    with pytest.raises(NotJudged):
        followed({"properties": {str(n): {} for n in range(100)}}, Budget(5))


@pytest.mark.parametrize(
    "ref",
    ["#", "#/$defs/a", "#/properties/properties", "#/items/anyOf/0", "#/definitions/a~1b/not"],
)
def test_a_ref_may_lead_to_a_schema(ref: str) -> None:
    assert leads_to_a_schema(ref)


@pytest.mark.parametrize(
    "ref",
    [
        *(None, "", "a", "#a", "/items", "a#/items", "#/", "#/properties", "#/properties/a/$defs"),
        *("#/%24defs/a", "#/default", "#/$defs/properties/properties", "#/items/" * 40),
    ],
)
def test_a_ref_may_not_lead_to_anything_else(ref: str | None) -> None:
    assert not leads_to_a_schema(ref)


def test_a_schema_is_copied_with_its_keywords_alone() -> None:
    schema = {
        "type": "object",
        "title": "no keyword",
        "properties": {"title": {"type": "string", "x": 1}, "b": True},
        "anyOf": [{"required": ["a"], "examples": [{"items": 3}]}, False],
        "$defs": ["no map"],
        "allOf": "no list",
        "items": {"not": {"x": {}}},
    }
    assert followed(schema, Budget()) == {
        "type": "object",
        "properties": {"title": {"type": "string"}, "b": True},
        "anyOf": [{"required": ["a"]}, False],
        "$defs": ["no map"],
        "allOf": "no list",
        "items": {"not": {}},
    }


# --- the same as the library, where it is followed ----------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(["", "a", "bb"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=6,
)
KEYWORDS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(["object", "array", "string", "integer", "null", "boolean"]),
    "enum": st.lists(st.sampled_from([None, True, 1, 0, "a", "bb"]), max_size=3),
    "const": st.sampled_from([None, False, 0, "a"]),
    "required": st.lists(st.sampled_from("ab"), max_size=2),
    "minimum": st.integers(0, 5),
    "maxLength": st.integers(0, 2),
    "minItems": st.integers(0, 2),
    "uniqueItems": st.booleans(),
    "additionalProperties": st.booleans(),
    "multipleOf": st.integers(1, 3),
}
SCHEMAS = st.recursive(
    st.fixed_dictionaries({}, optional=KEYWORDS),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "contains": inner,
            "if": inner,
            "then": inner,
        },
    ),
    max_leaves=5,
)


@given(schema=SCHEMAS, value=VALUES)
def test_what_is_judged_is_judged_as_the_library_does(schema: Any, value: Any) -> None:
    expected = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert judged(schema, value) in {expected, None}
