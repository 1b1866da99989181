"""What an answer says fits what was asked for: tools, structured outputs, schemas."""

import json
from typing import Any

import pytest

from app.simulator.examples import example
from tests.simulator.simulated import HELLO, TOOL, Simulated, endpoint, model, routed

CITY = TOOL["function"]["parameters"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "simulated"),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": ["null", "string"]}, None),
        ({"type": "boolean"}, True),
        ({"enum": ["red", "green"]}, "red"),
        ({"const": 7}, 7),
        ({"type": "string", "default": "as it is"}, "as it is"),
        ({"type": "array", "items": {"type": "number"}, "minItems": 3}, [1.5, 1.5, 1.5]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"$defs": {"N": {"type": "integer"}}, "$ref": "#/$defs/N"}, 1),
        (
            {"properties": {"path": {"type": "string"}, "n": {"type": "integer"}}},
            {"path": "hello.txt", "n": 1},
        ),
        (
            {"type": "object", "properties": {"a": True, "b": {}}, "required": ["a"]},
            {"a": "simulated"},
        ),
    ],
)
def test_an_example_fits_its_schema(schema: dict[str, Any], value: object) -> None:
    assert example(schema) == value


@pytest.mark.parametrize(
    ("path", "wanted", "answer"),
    [
        (
            "responses",
            {"text": {"format": {"type": "json_schema", "schema": CITY}}},
            {"city": "Lisbon"},
        ),
        ("chat/completions", {"response_format": {"type": "json_object"}}, {"simulated": True}),
        (
            "chat/completions",
            {"response_format": {"type": "json_schema", "json_schema": {"schema": CITY}}},
            {"city": "Lisbon"},
        ),
    ],
)
async def test_a_structured_output_is_json_that_fits(
    path: str, wanted: dict[str, Any], answer: dict[str, Any]
) -> None:
    body = {"model": "qwen/qwen3-coder", "messages": HELLO, "input": "hi", **wanted}
    told = (await Simulated().post(f"/{path}", body)).json()
    if path == "responses":
        text = told["output"][-1]["content"][0]["text"]
    else:
        text = told["choices"][0]["message"]["content"]
    assert json.loads(text) == answer


@pytest.mark.parametrize(
    ("path", "tool"),
    [
        ("messages", {"name": "get_weather", "input_schema": CITY}),
        ("chat/completions", TOOL),
        ("responses", {"type": "function", **TOOL["function"]}),
    ],
)
async def test_a_whole_answer_carries_its_call(path: str, tool: dict[str, Any]) -> None:
    body = {"model": "openai/gpt-5.6-luna", "messages": HELLO, "input": "hi", "tools": [tool]}
    told = (await Simulated().post(f"/{path}", body)).json()
    if path == "messages":
        (block,) = told["content"]
        assert (block["type"], block["name"], block["input"]) == (
            "tool_use",
            "get_weather",
            {"city": "Lisbon"},
        )
        assert told["stop_reason"] == "tool_use"
    elif path == "responses":
        assert json.loads(told["output"][-1]["arguments"]) == {"city": "Lisbon"}
    else:
        message = told["choices"][0]["message"]
        assert message["content"] is None
        assert message["reasoning"] == message["reasoning_details"][0]["text"]
        (call,) = message["tool_calls"]
        assert json.loads(call["function"]["arguments"]) == {"city": "Lisbon"}


def test_a_schema_that_requires_itself_ends_too() -> None:
    node: dict[str, Any] = {"required": ["again"], "properties": {"again": {"$ref": "#/$defs/N"}}}
    found = example({"$defs": {"N": node}, "$ref": "#/$defs/N"})
    depth = 0
    while found:
        found, depth = found["again"], depth + 1
    assert depth < 50


def test_a_schema_that_holds_itself_ends() -> None:
    node = {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
        "required": ["children"],
    }
    tree = example({"$defs": {"Node": node}, "$ref": "#/$defs/Node"})
    while tree["children"]:
        (tree,) = tree["children"]
    assert example({"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}) is not None


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        (None, "write_file"),  # one that gets an agent's loop somewhere
        ("auto", "write_file"),
        ("none", None),
        ({"type": "function", "function": {"name": "get_weather"}}, "get_weather"),
        ({"type": "tool", "name": "get_weather"}, "get_weather"),
    ],
)
def test_the_tool_that_was_chosen_is_called(choice: Any, called: str | None) -> None:
    writing = {"type": "function", "function": {"name": "write_file"}}
    answer = routed(model(endpoint("novita")), tools=[TOOL, writing], tool_choice=choice)
    call = answer.completion.tool_call
    assert (call.name if call else None) == called
    assert answer.completion.finish_reason == ("tool_calls" if called else "stop")


@pytest.mark.parametrize(
    "last",
    [
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c"}]},
        {"type": "function_call_output", "call_id": "c", "output": "sunny"},
    ],
)
def test_once_the_tool_has_answered_the_loop_ends(last: dict[str, Any]) -> None:
    answer = routed(model(endpoint("novita")), tools=[TOOL], messages=[*HELLO, last])
    assert answer.completion.tool_call is None
    assert answer.completion.finish_reason == "stop"


@pytest.mark.parametrize(
    "schema",
    [
        [1],
        True,
        "text",
        {"properties": [1], "required": ["a"]},
        {"properties": {"a": {"type": {}, "enum": 1}}, "required": [{}, "a"]},
        {"properties": {"a": {"anyOf": True, "minItems": "x", "type": ["array"]}}},
        {"properties": {"a": {"type": [], "properties": 5}}},
        {"properties": {"a": {"$ref": "#/properties/a"}}, "required": 1},
    ],
)
@pytest.mark.parametrize("defect", ["", "tool_call_off_schema"])
@pytest.mark.parametrize("path", ["chat/completions", "messages"])
async def test_a_schema_of_any_shape_gets_a_call(path: str, defect: str, schema: Any) -> None:
    function = {"name": "f", "parameters": schema}
    tool: dict[str, Any] = {"type": "function", "function": function}
    if path == "messages":
        tool = {"name": "f", "input_schema": schema}
    body = {"model": "qwen/qwen3-coder", "messages": HELLO, "tools": [tool]}
    reply = await Simulated().post(f"/{path}", body, defects=[defect] if defect else [])
    assert reply.status_code == 200
    assert '"name":"f"' in reply.text
