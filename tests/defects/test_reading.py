"""What is read of an answer: each shape in which a text, a call or a refusal may come."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.defects.reading import Call, Reading, reading_of
from app.wire.dialect import DIALECTS
from app.wire.kept import MOST_KEPT, SPOKEN, Kept
from app.wire.observation import Observation, ObservedError, Usage

DONE = Observation(done=True, answered=True, finish_reason="stop", usage=Usage(completion_tokens=7))


def read(dialect: str, body: Any, seen: Observation = DONE) -> Reading:
    kept = Kept(dialect, MOST_KEPT)
    kept.take_body(json.dumps(body).encode())
    return reading_of(kept, seen)


def message(**said: Any) -> dict[str, Any]:
    return {"choices": [{"message": said}, {"message": {"content": "of another choice"}}]}


def function(**said: Any) -> dict[str, Any]:
    return message(tool_calls=[{"function": said}])


@pytest.mark.parametrize(
    ("dialect", "body", "expected"),
    [
        ("chat", message(content="Hi"), {"text": "Hi"}),
        ("chat", message(content=None, refusal="No."), {"refused": True}),
        ("chat", message(content=[{"type": "text"}]), {"other": True}),
        ("chat", message(content="", images=[1]), {"other": True}),
        ("chat", message(content="", audio={"id": 1}), {"other": True}),
        ("chat", function(name="a", arguments="{}"), {"calls": (Call("a", "{}"),)}),
        ("chat", function(name="a", arguments={}), {"calls": (Call("a", None),)}),
        ("chat", function(name=3), {"calls": (Call("", None),)}),
        ("chat", message(tool_calls=[{"function": "x"}, 3]), {"calls": (Call("", None),)}),
        (
            "chat",
            message(tool_calls=[{"custom": {"name": "p", "input": "x"}}]),
            {"calls": (Call("p", "x", free=True),)},
        ),
        (
            "chat",
            message(function_call={"name": "a", "arguments": "{"}),
            {"calls": (Call("a", "{"),)},
        ),
        ("chat", {"choices": []}, {}),
        ("chat", {"choices": "none"}, {}),
        ("chat", [], {}),
        ("completions", {"choices": [{"text": "Hi"}]}, {"text": "Hi"}),
        ("messages", {"content": [{"type": "text", "text": "Hi"}]}, {"text": "Hi"}),
        ("messages", {"content": [{"type": "thinking", "thinking": "hm"}]}, {}),
        ("messages", {"content": [{"type": "server_tool_use"}]}, {"other": True}),
        ("messages", {"content": [{"type": {}}]}, {"other": True}),
        ("responses", {"output": [{"type": []}]}, {"other": True}),
        (
            "messages",
            {"content": [{"type": "tool_use", "name": "a", "input": {"x": 1}}]},
            {"calls": (Call("a", '{"x": 1}'),)},
        ),
        (
            "responses",
            {"output": [{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}]},
            {"text": "Hi"},
        ),
        (
            "responses",
            {"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]},
            {"refused": True},
        ),
        (
            "responses",
            {"output": [{"type": "function_call", "name": "a", "arguments": "{}"}]},
            {"calls": (Call("a", "{}"),)},
        ),
        (
            "responses",
            {"output": [{"type": "custom_tool_call", "name": "p", "input": "x"}]},
            {"calls": (Call("p", "x", free=True),)},
        ),
        ("responses", {"output": [{"type": "reasoning"}]}, {}),
        ("responses", {"output": [{"type": "web_search_call"}]}, {"other": True}),
    ],
)
def test_a_whole_body(dialect: str, body: Any, expected: dict[str, Any]) -> None:
    assert read(dialect, body) == Reading(finish="stop", completion_tokens=7)._replace(**expected)


@pytest.mark.parametrize(
    ("last", "text"),
    [
        ({"output": [{"type": "message", "content": [{"text": "Hi"}]}]}, "Hi"),
        ({"type": "message", "content": [{"text": "Hi"}]}, "Hi"),
    ],
)
def test_a_response_that_was_streamed(last: Any, text: str) -> None:
    kept = Kept("responses", MOST_KEPT, last=json.dumps(last).encode())
    assert reading_of(kept, DONE).text == text


def test_a_response_whose_items_did_not_come_was_not_read() -> None:
    reading = reading_of(Kept("responses", MOST_KEPT), DONE)
    assert (reading.whole, reading.truncated) == (False, True)
    reading = reading_of(Kept("chat", MOST_KEPT), DONE)
    assert (reading.whole, reading.truncated) == (True, False)


@pytest.mark.parametrize(
    ("seen", "kept", "whole", "truncated"),
    [
        (DONE, Kept("chat", 9), True, False),
        (Observation(), Kept("chat", 9), False, False),
        (DONE, Kept("chat", 9, truncated=True), False, True),
        (Observation(done=True, unreadable="x"), Kept("chat", 9), False, True),
        (Observation(done=True, error=ObservedError("c", "m")), Kept("chat", 9), False, False),
    ],
)
def test_what_is_whole(seen: Observation, kept: Kept, *, whole: bool, truncated: bool) -> None:
    reading = reading_of(kept, seen)
    assert (reading.whole, reading.truncated) == (whole, truncated)
    assert reading.completion_tokens == (7 if seen is DONE else None)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("choices", "message", "content", "text", "tool_calls", "function", "name"),
                    *("arguments", "custom", "input", "function_call", "output", "type"),
                ]
            ),
            inner | st.sampled_from(["message", "tool_use", "function_call", "text"]),
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(dialect=st.sampled_from(sorted(SPOKEN)), body=ANY_JSON)
def test_no_body_makes_it_fail(dialect: str, body: Any) -> None:
    assert isinstance(read(dialect, body), Reading)
    assert isinstance(read(dialect, {"choices": body, "output": body, "content": body}), Reading)


def test_there_is_a_reader_for_each_dialect_that_is_kept() -> None:
    assert {row.name for row in DIALECTS.values()} >= SPOKEN
    for dialect in SPOKEN:
        assert read(dialect, {}).text == ""
