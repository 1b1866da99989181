"""What a request offers and asks for, in the shapes of each dialect."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.defects.json_text import MOST_VALUES, NOT_JSON, UNREAD, parsed
from app.defects.offered import LARGEST, Offered, asked_of, offered_of

SCHEMA = {"type": "object"}


def offered(request: dict[str, Any]) -> Offered:
    fields = msgspec.json.decode(json.dumps(request), type=dict[str, msgspec.Raw])
    return offered_of(asked_of(fields))


@pytest.mark.parametrize(
    ("tool", "names"),
    [
        ({"type": "function", "function": {"name": "a", "parameters": SCHEMA}}, {"a": SCHEMA}),
        ({"type": "function", "name": "a", "parameters": SCHEMA}, {"a": SCHEMA}),
        ({"name": "a", "input_schema": SCHEMA}, {"a": SCHEMA}),
        ({"type": "bash_20250124", "name": "bash"}, {"bash": None}),
        ({"type": "custom", "custom": {"name": "patch"}}, {"patch": None}),
        ({"type": "custom", "name": "patch"}, {"patch": None}),
        ({"type": "namespace", "name": "n", "tools": [{"name": "a"}]}, {"a": None}),
    ],
)
def test_a_tool_has_a_name_and_a_schema(tool: dict[str, Any], names: dict[str, Any]) -> None:
    found = offered({"tools": [tool]})
    assert (found.tools, found.closed, found.offers_tools) == (names, True, True)


@pytest.mark.parametrize(
    "request_",
    [
        {"tools": [{"type": "openrouter:web_search"}]},
        {"tools": [3]},
        {"tools": {"a": 1}},
        {"tools": [{"type": "namespace", "name": "n"}]},
        {"model": "@preset/mine"},
        {"model": "acme/sim-1@preset/mine"},
        {"models": ["acme/sim-1", "@preset/mine"]},
        {"preset": "mine"},
        {"tools": ["x" * LARGEST]},
        {"tools": [{"name": "a", "input_schema": {"enum": [0] * (MOST_VALUES + 1)}}]},
    ],
    ids=lambda request: json.dumps(request)[:50],
)
def test_there_may_be_tools_that_are_not_known(request_: dict[str, Any]) -> None:
    assert not offered(request_).closed


def test_a_request_without_tools_offers_none() -> None:
    requests: list[dict[str, Any]] = [{}, {"tools": []}, {"tools": None}, {"models": 3}]
    for request in requests:
        found = offered(request)
        assert (found.tools, found.closed, found.offers_tools) == ({}, True, False)
    assert offered({"functions": [{"name": "a"}]}).tools == {"a": None}


@pytest.mark.parametrize(
    ("request_", "structured", "structure"),
    [
        ({"response_format": {"type": "json_object"}}, True, None),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
            True,
            SCHEMA,
        ),
        ({"response_format": {"type": "json_schema"}}, True, None),
        ({"response_format": {"type": "text"}}, False, None),
        ({"response_format": "json"}, False, None),
        ({"text": {"format": {"type": "json_schema", "schema": SCHEMA}}}, True, SCHEMA),
        ({"text": {"verbosity": "low"}}, False, None),
        ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, True, SCHEMA),
        ({"output_format": {"type": "json_schema", "schema": SCHEMA}}, True, SCHEMA),
    ],
)
def test_a_format_is_asked_for(request_: Any, structure: Any, *, structured: bool) -> None:
    found = offered(request_)
    assert (found.structured, found.structure) == (structured, structure)


@pytest.mark.parametrize(
    ("request_", "most"),
    [
        ({"max_tokens": 9, "max_completion_tokens": 7}, 7),
        ({"max_output_tokens": 9}, 9),
        ({"max_tokens": None}, None),
        ({"max_tokens": "9"}, None),
        ({"max_tokens": True}, None),
        ({"max_tokens": -1}, None),
    ],
)
def test_a_limit_of_tokens(request_: Any, most: int | None) -> None:
    assert offered(request_).most_tokens == most


@pytest.mark.parametrize(
    ("request_", "forced"),
    [
        ({"tool_choice": "auto"}, False),
        ({"tool_choice": None}, False),
        ({"tool_choice": []}, False),
        ({"tool_choice": "required"}, True),
        ({"tool_choice": {"type": "function", "function": {"name": "a"}}}, True),
        ({"tool_choice": {"type": "auto"}}, False),
        ({"tool_choice": {"type": "any"}}, True),
        ({"tool_choice": ["auto"]}, False),
        ({"function_call": {"name": "a"}}, True),
    ],
)
def test_a_tool_may_be_forced(request_: Any, *, forced: bool) -> None:
    assert offered(request_).forced is forced


def test_a_text_that_ends_the_answer() -> None:
    assert offered({"stop": ["x"]}).stops
    assert offered({"stop_sequences": ["x"]}).stops
    assert not offered({"stop": None, "stop_sequences": []}).stops


def test_what_is_kept_of_a_request_is_a_copy_of_what_counts() -> None:
    body = b'{"messages": ["my prompt"], "tools": [ ], "model": "a"}'
    asked = asked_of(msgspec.json.decode(body, type=dict[str, msgspec.Raw]))
    assert asked == {"tools": b"[ ]", "model": b'"a"'}
    assert asked_of({"tools": msgspec.Raw(b"1" * (LARGEST + 1))}) == {"tools": b"!"}


@given(
    st.dictionaries(st.sampled_from(["tools", "text", "tool_choice", "max_tokens"]), st.binary())
)
def test_no_request_makes_it_fail(asked: dict[str, bytes]) -> None:
    assert isinstance(offered_of(asked), Offered)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        ("\N{GRINNING FACE}", NOT_JSON),
        ('"\\ud83d"', "\ud83d"),
        ("NaN", NOT_JSON),
        ("[-Infinity]", NOT_JSON),
        ("1e999", float("inf")),
        ("1" * 5000, float("inf")),
        ("[" * 40_000 + "]" * 40_000, UNREAD),
        ("[" + "0," * MOST_VALUES + "0]", UNREAD),
        ("", NOT_JSON),
        (b"\xff", NOT_JSON),
    ],
    ids=lambda each: "none" if each in (NOT_JSON, UNREAD) else repr(each)[:30],
)
def test_json_that_a_model_wrote(text: bytes | str, value: Any) -> None:
    found = parsed(text)
    assert found is value or found == value
