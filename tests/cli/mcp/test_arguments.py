"""What tools accept, and what they say of what they don't."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.cli.mcp import shapes
from app.cli.mcp.arguments import LONGEST_PROVIDER, checked, small
from app.cli.mcp.fault import Fault
from app.cli.mcp.tools import TOOLS
from app.ledger.wanted import NAMES


def test_defaults_are_filled_in_and_what_is_given_stays() -> None:
    assert checked(shapes.BUDGET_ARGUMENTS, {}) == {"limit": 20}
    given = {"model": "qwen/*", "failed": True, "limit": 5}
    assert checked(shapes.LOG_ARGUMENTS, given) == given


@pytest.mark.parametrize(
    ("schema", "arguments", "told"),
    [
        (shapes.LOG_ARGUMENTS, {"modle": "x"}, "modle: not an argument of this tool; did you mean"),
        (shapes.CHECK_ARGUMENTS, {"messages": ["CANARY"]}, "messages: not an argument"),
        (shapes.EXPLAIN_ARGUMENTS, {"messages": ["CANARY"]}, "messages: not an argument"),
        (shapes.LOG_ARGUMENTS, {"x" * 5000: 1}, "known are model, alias"),
        (shapes.LOG_ARGUMENTS, {"limit": 0}, "limit: must be 1 or more"),
        (shapes.LOG_ARGUMENTS, {"limit": 101}, "limit: must be 100 or less"),
        (shapes.LOG_ARGUMENTS, {"limit": True}, "limit: must be of the type integer"),
        (shapes.LOG_ARGUMENTS, {"model": "CANARY" * 99}, "model: must have at most 200 characters"),
        (shapes.LOG_ARGUMENTS, {"model": ""}, "model: must not be empty"),
        (
            shapes.LOG_ARGUMENTS,
            {"verdict": "CANARY"},
            "must be one of kept, broken, unproven, none",
        ),
        (shapes.LOG_ARGUMENTS, {"status": 99}, "status: must be 100 or more"),
        (shapes.LOG_ARGUMENTS, {"before": "../CANARY"}, "before: must be a receipt's id"),
        (shapes.RECEIPT_ARGUMENTS, {"receipt": "a/b"}, "receipt: must be a receipt's id"),
        (shapes.STATS_ARGUMENTS, {"by": ["CANARY"]}, "by.0: must be one of provider"),
        (shapes.STATS_ARGUMENTS, {"by": ["model", "model"]}, "by: must name each once"),
        (shapes.STATS_ARGUMENTS, {"by": []}, "by: must have at least 1 entries"),
        (shapes.EXPLAIN_ARGUMENTS, {"provider": "CANARY"}, "provider: must be of the type object"),
        (
            shapes.EXPLAIN_ARGUMENTS,
            {"provider": {str(n): n for n in range(41)}},
            "provider: must have at most 40 keys",
        ),
    ],
)
def test_a_wrong_argument_is_named_with_what_it_may_be_and_never_repeated(
    schema: shapes.Schema, arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(Fault) as caught:
        checked(schema, arguments)
    assert told in str(caught.value)
    assert "CANARY" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_provider_object_is_bounded() -> None:
    assert small(None) is None
    assert small({"only": ["novita"]}) == {"only": ["novita"]}
    with pytest.raises(Fault, match=f"provider: must have at most {LONGEST_PROVIDER}"):
        small({"only": ["x" * LONGEST_PROVIDER]})


@pytest.mark.parametrize("name", TOOLS)
def test_schemas_are_strict_and_every_value_is_bounded(name: str) -> None:
    tool = TOOLS[name]
    for schema in (tool.takes, tool.answers):
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
    assert tool.answers["required"] == [*tool.answers["properties"]]
    for each in tool.takes["properties"].values():
        assert each["description"]
        bounds = {"enum", "maxLength", "maximum", "pattern", "uniqueItems", "maxProperties"}
        assert each["type"] == "boolean" or bounds & each.keys(), each


@pytest.mark.parametrize("name", ["log", "stats", "score"])
def test_receipts_are_chosen_by_the_filters_of_commands(name: str) -> None:
    assert {*NAMES} <= TOOLS[name].takes["properties"].keys()
