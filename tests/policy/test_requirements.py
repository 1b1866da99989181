"""What a request needs, whatever the dialect and however odd its fields."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.request import read_request
from app.policy.requirements import NOTHING, PARAMETERS, Needs, needs_of

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def needs(**fields: Any) -> Needs:
    return needs_of(read_request(json.dumps({"model": "acme/sim-1", **fields}).encode()))


def test_a_plain_question_needs_nothing() -> None:
    assert needs(messages=[{"role": "user", "content": "hello"}]) == NOTHING


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ({"type": "function", "function": {"name": "f"}}, True),
        ({"type": "function", "name": "f", "parameters": {}}, True),  # /responses
        ({"name": "f", "input_schema": {}}, True),  # /messages
        ({"type": "openrouter:web_search"}, False),
        ({"type": ["function"]}, False),
        ("f", False),
    ],
)
def test_tools_are_functions_that_the_model_calls(tool: Any, *, expected: bool) -> None:
    assert needs(tools=[tool]).tools is expected


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("required", "required"),
        ({"type": "function", "function": {"name": "f"}}, "function"),
        ({"type": "any"}, "required"),
        ({"type": "tool", "name": "f"}, "function"),
        ({"name": "f"}, None),
        (None, None),
        (3, None),
    ],
)
def test_a_tool_choice_in_one_word(choice: Any, expected: str | None) -> None:
    assert needs(tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "?"}, PICTURE]}]},
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]},
        {"input": [{"type": "input_image", "image_url": "x"}]},
        {"messages": [{"content": [{"type": "tool_result", "content": [{"type": "image"}]}]}]},
    ],
)
def test_pictures_are_found_in_every_dialect(fields: dict[str, Any]) -> None:
    assert needs(**fields).images


def test_a_text_about_a_picture_is_none() -> None:
    assert not needs(messages=[{"role": "user", "content": json.dumps(PICTURE)}]).images


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_the_limit_of_every_dialect_counts(name: str) -> None:
    assert needs(**{name: 500}).max_tokens == 500
    for odd in (0, -1, "500", True, None, 1.5):
        assert needs(**{name: odd}).max_tokens == 0


def test_parameters_are_those_that_the_router_counts_and_that_say_something() -> None:
    found = needs(temperature=0.5, seed=None, logprobs=False, metadata={}, messages=[])
    assert found.parameters == {"temperature", "logprobs"}
    assert len(PARAMETERS) == 26


def test_modalities_and_tier() -> None:
    found = needs(modalities=["text", "audio", 3], service_tier="flex")
    assert found.outputs == {"text", "audio"}
    assert found.service_tier == "flex"
    assert needs(modalities="text", service_tier=3) == NOTHING


def test_what_cannot_be_read_needs_nothing() -> None:
    body = b'{"model": "a/b", "messages": [1e999999999999], "max_tokens": 1.0e, "tools": [}'
    with pytest.raises(Exception, match=r"."):
        read_request(body)
    request = read_request(b'{"model": "a/b", "messages": ["\xff"], "tools": [{"type": null}]}')
    assert needs_of(request).tools


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "content", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
fields = ["tools", "tool_choice", "messages", "input", "modalities", "max_tokens", "service_tier"]


@given(st.dictionaries(st.sampled_from(fields), json_values))
def test_no_shape_of_a_field_is_an_error(body: dict[str, Any]) -> None:
    assert isinstance(needs(**body), Needs)
