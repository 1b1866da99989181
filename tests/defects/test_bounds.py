"""What is found in answers that are incomplete, large or wrong, and what leaves the room."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.defects.case import Case
from app.defects.find import defects_in, defects_of
from app.defects.offered import Offered, offered_of
from app.defects.reading import Call, Reading
from app.defects.repetition import TAIL
from app.defects.table import NAMES
from app.wire.kept import MOST_KEPT, Kept
from app.wire.observation import Observation, ObservedError
from tests.defects.answers import body_of, finds, request_of, stream_of

CANARY = "canary-7f3a"
PAGE = (Path(__file__).parents[2] / "docs" / "defects.md").read_text(encoding="utf-8")
TOOLS = {"tools": {"get_weather": {"type": "object", "required": ["city"]}}}
CALL = [["get_weather", "{}"]]
# For each defect, an answer that shows it and goes on beyond the bound.
LARGE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "tool_call_not_json": (TOOLS, {"calls": [["get_weather", "[1"]], "finish": "tool_calls"}),
    "tool_call_unknown_tool": (TOOLS, {"calls": [["other", "{}"]], "finish": "tool_calls"}),
    "tool_call_off_schema": (TOOLS, {"calls": CALL, "finish": "tool_calls"}),
    "tool_call_as_text": (TOOLS, {"text": "<function=get_weather>"}),
    "reasoning_as_text": ({}, {"text": "<think>"}),
    "undecoded_bytes": ({}, {"text": "\ufffd"}),
    "repetition": ({}, {"text": "", "finish": "length"}),
    "finish_mismatch": (TOOLS, {"calls": [["get_weather", '{"city": 1}']], "finish": "stop"}),
    "structure_off_schema": ({"json": True}, {"text": "no JSON"}),
    "cut_short": ({"most": 9000}, {"text": "x", "finish": "length"}),
}


def test_beyond_the_bound_only_those_are_found_that_need_no_more() -> None:
    still = set()
    for name, (asked, said) in LARGE.items():
        rest = "la la " * MOST_KEPT
        large = {**said, "text": said["text"] + rest} if "text" in said else {**said}
        if calls := said.get("calls"):
            large["calls"] = [*calls, ["get_weather", f'{{"city": "{rest}"}}']]
        streams = stream_of("chat", large, 5000), stream_of("chat", said, 5000)
        found = [
            finds("chat", request_of("chat", asked), [each], streamed=True) for each in streams
        ]
        assert name == "repetition" or name in found[1], "the small one shows it"
        still |= set(found[0])
    assert still == set(re.findall(r"`(\w+)`", PAGE.partition("all but ")[2].partition(" |")[0]))


@pytest.mark.parametrize("dialect", ["chat", "responses", "messages"])
def test_a_stream_that_was_cut_is_no_fault_of_what_came(dialect: str) -> None:
    said = {"calls": [["get_weather", '{"city": "Os']], "finish": "tool_calls"}
    stream = stream_of(dialect, said)
    for end in range(0, len(stream) - 60, 7):
        found = finds(dialect, request_of(dialect, TOOLS), [stream[:end]], streamed=True)
        assert found == () or (dialect, found) == ("messages", ("tool_call_not_json",))


def test_an_error_in_place_of_an_answer_has_no_defects() -> None:
    seen = Observation(done=True, error=ObservedError("c", "m"))
    assert defects_in(Kept("chat", 9), seen, {}) == ()
    body = b'{"error": {"code": 500, "message": "no"}}'
    assert finds("chat", {}, [body], streamed=False) == ()


def test_names_come_in_the_order_of_the_table() -> None:
    call = Call("other", "[")
    reading = Reading(text="</think>\n\ufffd", calls=(call,), finish="stop")
    found = defects_of(reading, Offered({}), "chat")
    assert list(found) == [name for name in NAMES if name in found]
    assert len(found) == 5
    assert defects_of(reading, Offered({}), "embeddings") == ()


@pytest.mark.parametrize(
    ("reading", "asked", "expected"),
    [
        (
            Reading(calls=(Call("a", None),), finish="tool_calls"),
            {"tools": [{"name": "a"}]},
            "tool_call_not_json",
        ),
        (
            Reading(calls=(Call("a", "x", free=True),), finish="tool_calls"),
            {"tools": [{"name": "a"}]},
            "",
        ),
        (Reading(calls=(Call("", ""),), whole=False), {"tools": [{"name": "a"}]}, ""),
        (
            Reading(text="[" + "0," * 60_000 + "0]", finish="stop"),
            {"response_format": {"type": "json_object"}},
            "",
        ),
        (
            Reading(text="[" + "0," * 60_000 + "0]", finish="stop"),
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"schema": {"type": "null"}},
                }
            },
            "",
        ),
        (Reading(text="x", finish="stop", whole=False), {}, ""),
        (
            Reading(calls=(Call("a", "{}"),), finish="stop", whole=False),
            {"tools": [{"name": "a"}]},
            "",
        ),
        (Reading(text="ab" * TAIL, finish="stop"), {}, "repetition"),
        (Reading(text="ab" * TAIL, truncated=True, whole=False), {}, ""),
        (Reading(text="x " + "\n" * 399, finish="length"), {}, ""),
        (
            Reading(calls=(Call("a", "x" * 999),), finish="length"),
            {"tools": [{"name": "a"}]},
            "repetition",
        ),
        (Reading(text="x", finish="length", completion_tokens=0), {"max_tokens": 9}, ""),
    ],
)
def test_edges(reading: Reading, asked: dict[str, Any], expected: str) -> None:
    fields = {name: json.dumps(value).encode() for name, value in asked.items()}
    found = defects_of(reading, offered_of(fields), "chat")
    assert found == ((expected,) if expected else ())


TEXT = st.text(st.sampled_from("a `~\n<|>{[:ĠĊ\ufffd") | st.characters(), max_size=200)


@given(
    text=TEXT, arguments=TEXT, finish=st.sampled_from(["stop", "length", "tool_calls", "?", None])
)
def test_no_answer_makes_it_fail(text: str, arguments: str, finish: str | None) -> None:
    case = Reading(text=text, calls=(Call("a", arguments),), finish=finish)
    offered = Offered({"a": {"type": "object"}}, offers_tools=True, structured=True)
    for dialect in ("chat", "messages"):
        assert set(defects_of(case, offered, dialect)) <= set(NAMES)
    assert Case(case, offered, "chat", text).budget.left > 0


@pytest.mark.parametrize("dialect", ["chat", "responses", "messages"])
def test_t47_nothing_but_names_leaves(
    dialect: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not in names, the log or an exception, whatever of an answer is faulty."""
    caplog.set_level(logging.DEBUG)
    schema = {"type": "object", "properties": {CANARY: {"type": "null"}}, "required": [CANARY]}
    for finish in ("stop", "tool_calls", "length"):
        for arguments in (f'{{"{CANARY}": "{CANARY}"}}', f"{{{CANARY}", f'["{CANARY}"]'):
            said = {
                "text": f"<think>{CANARY}\ufffd" * 99,
                "calls": [[CANARY, arguments]],
                "finish": finish,
            }
            asked = {"tools": {CANARY: schema}, "schema": schema}
            request = request_of(dialect, asked)
            found = finds(dialect, request, [body_of(dialect, said)], streamed=False)
            assert found
            assert set(found) <= set(NAMES)
    assert CANARY not in caplog.text
    assert CANARY not in "".join(capsys.readouterr())
