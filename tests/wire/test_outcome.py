"""An answer is whole, empty or unfinished, in each dialect, streamed or not."""

import json
from typing import Any

import pytest

from app.wire.dialect import DIALECTS, Dialect
from app.wire.observation import Observation, ObservedError
from app.wire.outcome import Outcome, outcome_of
from tests.wire.recordings import (
    CHAT,
    MESSAGES,
    RESPONSES,
    STREAMS,
    events,
    observe,
    observe_body,
    recorded,
    recorded_json,
)

COMPLETIONS = DIALECTS["/completions"]
ADDITIONS = "additions"


def told(dialect: Dialect, *frames: object) -> Outcome:
    return outcome_of(observe([events(*frames)], dialect), dialect)


def whole(dialect: Dialect, body: object) -> Outcome:
    return outcome_of(observe_body(body, dialect), dialect)


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"delta": delta, "finish_reason": finish}]}


def message(finish: str | None = "stop", **said: Any) -> dict[str, Any]:
    return {"choices": [{"message": said, "finish_reason": finish}]}


def response(*output: object, status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"status": status, "output": list(output), **more}


def completed(*output: object) -> dict[str, Any]:
    return {"type": "response.completed", "response": response(*output)}


def block(**inside: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "content_block": inside}


STOPPED = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
THOUGHT = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
CREATED = {"type": "response.created", "response": {"status": "in_progress", "output": []}}
BLANK = {"type": "message", "content": [{"type": "output_text", "text": ""}]}


@pytest.mark.parametrize(
    "file",
    ["empty_success_network_error", "empty_success_billed_reasoning_only"],
)
def test_t66_a_stream_of_a_dead_provider_is_empty(file: str) -> None:
    stream = recorded(f"../{ADDITIONS}/{file}.COMPOSED.sse")
    assert outcome_of(observe([stream]), CHAT) == "empty"


@pytest.mark.parametrize(
    ("place", "outcome"), [(0, "empty"), (1, "empty"), (2, "complete")], ids=str
)
def test_t66_a_body_of_a_dead_provider_is_empty_and_a_filtered_one_is_not(
    place: int, outcome: Outcome
) -> None:
    cases = recorded_json(f"{ADDITIONS}/empty_success_nonstream.COMPOSED.json")["cases"]
    assert whole(CHAT, cases[place]["body"]) == outcome


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (CHAT, message(content=None)),
        (CHAT, message(content="", reasoning="hm", reasoning_details=[{"text": "hm"}])),
        (CHAT, message(None, content="", tool_calls=[])),
        (CHAT, {"choices": []}),
        (CHAT, {"choices": "x"}),
        (COMPLETIONS, {"choices": [{"text": "", "finish_reason": "stop"}]}),
        (RESPONSES, response()),
        (RESPONSES, response(THOUGHT)),
        (RESPONSES, response(THOUGHT, BLANK)),
        (RESPONSES, response({"type": "message", "content": ""})),
        (MESSAGES, {"content": [], "stop_reason": "end_turn"}),
        (MESSAGES, {"content": [{"type": "text", "text": ""}], "stop_reason": "end_turn"}),
        (MESSAGES, {"content": [{"type": "thinking", "thinking": "hm"}]}),
        (MESSAGES, {"content": [{}]}),
    ],
)
def test_t66_a_body_without_an_answer_is_empty(dialect: Dialect, body: object) -> None:
    assert whole(dialect, body) == "empty"


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (CHAT, message(content="x")),
        (CHAT, message(content=None, tool_calls=[{"id": "1"}])),
        (CHAT, message(content=None, function_call={"name": "f"})),
        (CHAT, message(content=None, refusal="no")),
        (CHAT, message(content=None, images=[{"image_url": {}}])),
        (CHAT, message(content=None, audio={"data": "x"})),
        (CHAT, {"choices": [{"message": {"content": ""}}, {"message": {"content": "x"}}]}),
        (CHAT, message("length", content="", reasoning="hm")),
        (CHAT, message("content_filter", content="")),
        (CHAT, {"choices": [{"message": "x"}]}),
        (COMPLETIONS, {"choices": [{"text": "x"}]}),
        (RESPONSES, response({"type": "message", "content": [{"text": "x"}]})),
        (RESPONSES, response({"type": "message", "content": [{"refusal": "no"}]})),
        (RESPONSES, response({"type": "message", "content": [{"type": "picture"}]})),
        (RESPONSES, response({"type": "message", "content": ["x"]})),
        (RESPONSES, response({"type": "function_call", "arguments": ""})),
        (RESPONSES, response({"type": "image_generation_call", "result": "x"})),
        (RESPONSES, response(status="incomplete", incomplete_details={"reason": "content_filter"})),
        (RESPONSES, response(status="in_progress")),
        (RESPONSES, response(status="queued")),
        (RESPONSES, {"status": "completed", "output": "not a list"}),
        (RESPONSES, {"status": "completed", "output": [{"x": [1] * 60_000}]}),
        (CHAT, {"choices": [{"message": {"content": [[1]] * 60_000}}]}),
        (MESSAGES, {"content": [{"type": "tool_use", "input": {}}]}),
        (MESSAGES, {"content": [], "stop_reason": "max_tokens"}),
        (MESSAGES, {"content": [], "stop_reason": "refusal"}),
        (MESSAGES, {"content": [], "stop_reason": "pause_turn"}),
        (RESPONSES, response(status="cancelled")),
        (DIALECTS["/embeddings"], {"data": []}),
    ],
)
def test_an_answer_is_not_empty(dialect: Dialect, body: object) -> None:
    assert whole(dialect, body) == "complete"


@pytest.mark.parametrize(
    ("dialect", "frames"),
    [
        (CHAT, [chunk(content=""), chunk("stop")]),
        (CHAT, [chunk(reasoning="hm"), chunk(reasoning_content="hm"), chunk("stop")]),
        (COMPLETIONS, [{"choices": [{"text": "", "finish_reason": "stop"}]}]),
        (RESPONSES, [completed()]),
        (RESPONSES, [{"type": "response.reasoning_text.delta", "delta": "hm"}, completed(THOUGHT)]),
        (MESSAGES, [block(type="text", text=""), STOPPED]),
        (MESSAGES, [block(type="thinking"), {"delta": {"thinking": "hm"}}, STOPPED]),
    ],
)
def test_t66_a_stream_without_an_answer_is_empty(dialect: Dialect, frames: list[object]) -> None:
    assert told(dialect, *frames) == "empty"


@pytest.mark.parametrize(
    ("dialect", "frames"),
    [
        (CHAT, [chunk(reasoning="hm"), chunk(content="x"), chunk("stop")]),
        (CHAT, [chunk(reasoning="hm"), chunk("length")]),
        (CHAT, [chunk(tool_calls=[{"index": 0}]), chunk("tool_calls")]),
        (COMPLETIONS, [{"choices": [{"text": "x", "finish_reason": "stop"}]}]),
        (RESPONSES, [{"type": "response.output_text.delta", "delta": "x"}, completed(BLANK)]),
        (RESPONSES, [{"delta": "x"}, completed(BLANK)]),
        (RESPONSES, [completed({"type": "function_call"})]),
        (MESSAGES, [block(type="tool_use", name="f"), STOPPED]),
        (MESSAGES, [{"delta": {"text": "x"}}, {"type": "message_stop"}]),
    ],
)
def test_a_stream_with_an_answer_is_whole(dialect: Dialect, frames: list[object]) -> None:
    assert told(dialect, *frames) == "complete"


@pytest.mark.parametrize(
    ("dialect", "frames"),
    [
        (CHAT, [chunk(content="x")]),
        (CHAT, []),
        (COMPLETIONS, [{"choices": [{"text": "x"}]}]),
        (RESPONSES, [{"type": "response.output_text.delta", "delta": "x"}]),
        (RESPONSES, [CREATED]),
        (RESPONSES, [CREATED, {"type": "response.output_text.delta", "delta": "x"}]),
        (MESSAGES, [block(type="text", text=""), {"delta": {"text": "x"}}]),
    ],
)
def test_t68_a_stream_without_its_last_word_is_unfinished(
    dialect: Dialect, frames: list[object]
) -> None:
    assert told(dialect, *frames) == "unfinished"
    other = DIALECTS["/images"]
    assert told(other, *frames) == "complete"


def test_t68_done_is_a_last_word_in_every_dialect() -> None:
    for dialect in (CHAT, COMPLETIONS, RESPONSES, MESSAGES):
        seen = observe([events({"delta": {"text": "x"}}), b"data: [DONE]\n\n"], dialect)
        assert outcome_of(seen, dialect) in {"complete", "empty"}


def test_what_could_not_be_read_is_not_held_against_an_answer() -> None:
    odd = observe([b'data: {"choices": [\n\n'])
    assert (odd.unreadable, outcome_of(odd, CHAT)) == ("an event is not JSON", "complete")
    compressed = observe([b"?"], content_encoding="br")
    assert outcome_of(compressed, CHAT) == "complete"


def test_t66_no_body_at_all_is_empty() -> None:
    assert outcome_of(observe([b" "], content_type="application/json"), CHAT) == "empty"


@pytest.mark.parametrize(("dialect", "seen"), STREAMS.values(), ids=STREAMS.keys())
def test_recorded_streams_are_whole(dialect: Dialect, seen: Observation) -> None:
    assert seen.error is not None or outcome_of(seen, dialect) == "complete"


CALLS: list[tuple[Dialect, list[object], int | None]] = [
    (CHAT, [chunk(content="x"), chunk("stop")], 0),
    (CHAT, [chunk(tool_calls=[{"index": 0, "id": "a"}]), chunk(tool_calls=[{"index": 0}])], 1),
    (CHAT, [chunk(tool_calls=[{"index": 0, "id": "a"}, {"index": 1, "id": "b"}])], 2),
    (CHAT, [chunk(tool_calls=[{"index": 0, "id": name}]) for name in "abc"], 3),
    (CHAT, [chunk(content="x", tool_calls="odd"), chunk(tool_calls=["odd", {"id": [1]}])], 0),
    (CHAT, [chunk(content='"tool_calls"')], 0),
    (MESSAGES, [block(type="tool_use", id="a"), block(type="tool_use", id="b"), STOPPED], 2),
    (MESSAGES, [block(type="server_tool_use"), block(type=["odd"]), STOPPED], 0),
    (RESPONSES, [completed({"type": "function_call"}, {"type": "custom_tool_call"})], 2),
    (RESPONSES, [completed({"type": "web_search_call"}, BLANK)], 0),
    (COMPLETIONS, [{"choices": [{"text": "x", "finish_reason": "stop"}]}], None),
    (DIALECTS["/embeddings"], [{"data": [1]}], None),
    (CHAT, [{"error": {"code": 502}}], None),
    (CHAT, [chunk(reasoning="hm")], None),
]


@pytest.mark.parametrize(("dialect", "frames", "count"), CALLS)
def test_tool_calls_of_a_stream_are_counted(
    dialect: Dialect, frames: list[object], count: int | None
) -> None:
    assert observe([events(*frames)], dialect).tool_calls == count


@pytest.mark.parametrize(
    ("dialect", "body", "count"),
    [
        (CHAT, message(tool_calls=[{"id": "a"}, {"id": "b"}]), 2),
        (CHAT, message(content="x", tool_calls="odd"), 0),
        (MESSAGES, {"content": [{"type": "tool_use"}, {"type": "text", "text": "x"}]}, 1),
        (RESPONSES, response({"type": "function_call"}, THOUGHT), 1),
        (CHAT, {"error": {"code": 502}}, None),
    ],
)
def test_tool_calls_of_a_body_are_counted(
    dialect: Dialect, body: object, count: int | None
) -> None:
    assert observe_body(body, dialect).tool_calls == count


def test_calls_without_end_are_counted_up_to_a_bound() -> None:
    frames = [chunk(tool_calls=[{"index": at, "id": f"c{at}"}]) for at in range(1000)]
    count = observe([events(*frames)]).tool_calls
    assert count is not None
    assert 256 <= count <= 512


@pytest.mark.parametrize(
    ("dialect", "body", "reason"),
    [
        (CHAT, message("error", content=""), "error"),
        (RESPONSES, response(status="failed", error=None), "failed"),
    ],
)
def test_t51_an_answer_that_finishes_with_an_error_is_one(
    dialect: Dialect, body: object, reason: str
) -> None:
    assert observe_body(body, dialect).error == ObservedError("", f"it finished with: {reason}")


@pytest.mark.parametrize("dialect", [CHAT, COMPLETIONS, RESPONSES, MESSAGES])
def test_t51_an_error_in_place_of_a_body_is_one_in_every_dialect(dialect: Dialect) -> None:
    body = {"error": {"code": 502, "message": "no"}, "user_id": "user_1"}
    for seen in (observe_body(body, dialect), observe([events(body)], dialect)):
        assert (seen.error, seen.failed) == (ObservedError("502", "no"), True)
    shown = json.dumps(body | {"error": "no"}).encode()
    assert observe([shown], dialect, content_type="application/json").failed


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (CHAT, message(content="")),
        (COMPLETIONS, {"choices": [{"text": "", "finish_reason": "stop"}]}),
    ],
)
def test_an_answer_that_ends_at_once_before_a_text_that_ends_it_is_whole(
    dialect: Dialect, body: dict[str, Any]
) -> None:
    seen = observe_body(body, dialect)
    assert outcome_of(seen, dialect) == "empty"
    assert outcome_of(seen, dialect, stops=True) == "complete"
    body["choices"][0]["native_finish_reason"] = "network_error"
    assert outcome_of(observe_body(body, dialect), dialect, stops=True) == "empty"


def test_a_message_that_says_that_such_a_text_ended_it_is_whole() -> None:
    assert whole(MESSAGES, {"content": [], "stop_reason": "stop_sequence"}) == "complete"
