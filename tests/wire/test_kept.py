"""What a model said is kept within a bound, the same for any chunking, and on request only."""

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.dialect import DIALECTS, Dialect
from app.wire.kept import MOST_CALLS, MOST_KEPT, SPOKEN, Kept
from app.wire.observer import Observer
from tests.wire.recordings import (
    CHAT,
    EVENT_STREAM,
    MESSAGES,
    RESPONSES,
    STREAMS,
    observe,
    recorded,
)


def kept_of(
    chunks: Iterable[bytes],
    dialect: Dialect = CHAT,
    *,
    content_type: str = EVENT_STREAM,
    keep: int = MOST_KEPT,
) -> Kept:
    observer = Observer(dialect, content_type=content_type, keep=keep)
    for chunk in chunks:
        observer.feed(chunk)
    observer.close()
    assert observer.kept is not None
    return observer.kept


def stream(*said: object) -> bytes:
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in said)


def delta(**said: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": said}]}


def calls_of(kept: Kept) -> list[tuple[str, bytes, bool]]:
    return [(call.name, bytes(call.arguments), call.free) for call in kept.calls.values()]


# --- the observer's rules hold ------------------------------------------------------------------


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    assert Observer(CHAT, content_type=EVENT_STREAM).kept is None
    for row in DIALECTS.values():
        observer = Observer(row, content_type=EVENT_STREAM, keep=1)
        assert (observer.kept is not None) == (row.name in SPOKEN)


@pytest.mark.parametrize("name", STREAMS)
def test_t10_an_observer_that_keeps_learns_the_same(name: str) -> None:
    dialect, expected = STREAMS[name]
    for keep in (1, 100, MOST_KEPT):
        observer = Observer(dialect, content_type=EVENT_STREAM, keep=keep)
        observer.feed(recorded(name))
        assert observer.close() == expected


@given(data=st.data())
def test_t07_any_chunking_keeps_the_same(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(STREAMS)))
    dialect, body = STREAMS[name][0], recorded(name)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=30)))
    keep = data.draw(st.sampled_from([50, 2000, MOST_KEPT]))
    chunks = [body[start:end] for start, end in pairwise([0, *cuts, len(body)])]
    assert kept_of(chunks, dialect, keep=keep) == kept_of([body], dialect, keep=keep)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", "tool_use", "text"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "choices",
                        "delta",
                        "content",
                        "text",
                        "tool_calls",
                        "function",
                        "name",
                        "index",
                    ),
                    *(
                        "arguments",
                        "custom",
                        "id",
                        "function_call",
                        "refusal",
                        "content_block",
                        "type",
                    ),
                    *("partial_json", "item", "response"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)
KINDS = st.sampled_from(
    ["content_block_start", "response.output_item.done", "response.completed", None]
)


@given(
    dialect=st.sampled_from([DIALECTS[path] for path in DIALECTS if DIALECTS[path].name in SPOKEN]),
    said=st.lists(st.tuples(ANY_JSON, KINDS), max_size=4),
    keep=st.integers(1, 600),
)
def test_t08_no_answer_makes_it_fail_or_keep_more(
    dialect: Dialect, said: list[tuple[Any, str | None]], keep: int
) -> None:
    rows = [
        {"type": kind, "delta": each, "choices": [{"delta": each}], "item": each}
        | {"response": each, "content_block": each, "index": 0}
        for each, kind in said
    ]
    kept = kept_of([stream(*rows)], dialect, keep=keep)
    held = len(kept.text) + len(kept.last) + sum(map(len, kept.bodies))
    held += sum(len(call.name) + len(call.arguments) for call in kept.calls.values())
    assert held <= keep
    as_observed = observe([stream(*rows)], dialect)
    assert as_observed.unreadable is None


# --- chat and completions -----------------------------------------------------------------------


def test_text_is_joined_and_reasoning_is_not_kept() -> None:
    said = [
        delta(role="assistant", content="", reasoning="hm"),
        delta(content="Hel"),
        delta(content="lo \N{GRINNING FACE}", reasoning=None),
        {"choices": []},
    ]
    kept = kept_of([stream(*said)])
    assert kept.text.decode() == "Hello \N{GRINNING FACE}"
    assert (kept.calls, kept.bodies, kept.other, kept.refused) == ({}, [], False, False)


def test_only_the_first_choice_is_kept() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "no"}}, None, {"text": "yes"}]}
    assert kept_of([stream(other)]).text == b"yes"
    assert kept_of([stream({"choices": {"0": 1}})]).text == b""


def test_a_call_comes_in_pieces_by_its_index() -> None:
    def piece(index: int, **function: str) -> dict[str, Any]:
        return delta(tool_calls=[{"index": index, "function": function}])

    kept = kept_of(
        [
            stream(
                piece(0, name="a", arguments=""),
                piece(1, name="b", arguments="{"),
                piece(0, arguments='{"x"'),
                piece(1, arguments="}"),
                piece(0, arguments=": 1}", name="ignored"),
            )
        ]
    )
    assert calls_of(kept) == [("a", b'{"x": 1}', False), ("b", b"{}", False)]


def test_a_call_comes_in_pieces_by_an_id_that_is_sent_once() -> None:
    def piece(**said: Any) -> dict[str, Any]:
        return delta(tool_calls=[said])

    first = {"id": "x", "function": {"name": "a", "arguments": "{"}}
    second = {"id": "y", "function": {"name": "b", "arguments": "{}"}}
    odd = {"id": ["y"], "function": {"name": "c"}}
    rest = {"function": {"arguments": "}"}}
    kept = kept_of([stream(piece(**first), piece(**rest), piece(**second), piece(**odd))])
    assert calls_of(kept) == [("a", b"{}", False), ("b", b"{}", False), ("c", b"", False)]


def test_calls_of_other_kinds() -> None:
    custom = {"index": 0, "type": "custom", "custom": {"name": "patch", "input": "*** Be"}}
    more = {"index": 0, "custom": {"input": "gin"}}
    old = (
        delta(function_call={"name": "f", "arguments": "{"}),
        delta(function_call={"arguments": "}"}),
    )
    kept = kept_of([stream(delta(tool_calls=[custom]), delta(tool_calls=[more, None]), *old)])
    assert calls_of(kept) == [("patch", b"*** Begin", True), ("f", b"{}", False)]
    assert kept_of([stream(delta(tool_calls="none"))]).calls == {}
    assert kept_of([stream(delta(tool_calls=[{"index": 0, "function": {"arguments": 3}}]))]).calls


@pytest.mark.parametrize(
    ("said", "refused", "other"),
    [
        ({"refusal": "No."}, True, False),
        ({"audio": {"data": "x"}}, False, True),
        ({"images": [1]}, False, True),
        ({"content": [{"type": "text"}]}, False, True),
        ({"annotations": []}, False, False),
    ],
)
def test_what_else_an_answer_may_say(said: Any, *, refused: bool, other: bool) -> None:
    kept = kept_of([stream(delta(**said))])
    assert (kept.refused, kept.other) == (refused, other)


def test_half_characters_in_two_events_are_no_broken_ones() -> None:
    """Clients in JavaScript join them; a copy that is read piece by piece can't."""
    halves = (
        rb'{"choices":[{"delta":{"content":"a\ud83d"}}]}',
        rb'{"choices":[{"delta":{"content":"\ude00b"}}]}',
    )
    kept = kept_of([b"".join(b"data: " + half + b"\n\n" for half in halves)])
    assert kept.text == b"ab"
    broken = b'data: {"choices":[{"delta":{"content":"a\xff"}}]}\n\n'
    assert kept_of([broken]).text.decode() == "a\N{REPLACEMENT CHARACTER}"


# --- messages and responses ---------------------------------------------------------------------


def block(index: object, **said: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": said}


def piece(index: object, **said: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": said}


def test_blocks_come_by_their_index() -> None:
    kept = kept_of(
        [
            stream(
                block(0, type="thinking", thinking=""),
                piece(0, thinking="hm"),
                block(1, type="text", text="He"),
                piece(1, text="llo"),
                block(2, type="tool_use", name="a", input={}),
                block(3, type="tool_use", name="b", input={}),
                piece(3, partial_json="{}"),
                piece(2, partial_json='{"x": '),
                piece(2, partial_json="1}"),
                piece(9, partial_json="of nothing"),
                {"type": "message_stop"},
            )
        ],
        MESSAGES,
    )
    assert kept.text == b"Hello"
    assert calls_of(kept) == [("a", b'{"x": 1}', False), ("b", b"{}", False)]
    assert not kept.other


def test_a_block_of_another_kind_is_other_content() -> None:
    assert kept_of([stream(block(0, type="server_tool_use", name="x"))], MESSAGES).other
    assert (
        kept_of([stream(block("0", type="tool_use", name="x"))], MESSAGES).calls[None].name == "x"
    )


def test_finished_items_of_a_response_are_kept_as_json() -> None:
    kept = kept_of([recorded("responses_toolcall_bare-comment_2026-08-04.sse")], RESPONSES)
    assert [json.loads(body)["name"] for body in kept.bodies] == ["llm_version"]
    assert kept.last == b""


def test_a_response_without_items_is_kept_from_its_last_event() -> None:
    last = {"type": "response.completed", "response": {"output": [{"type": "message"}]}}
    kept = kept_of([stream({"type": "response.output_text.delta", "delta": "x"}, last)], RESPONSES)
    assert json.loads(kept.last) == last["response"]


# --- bounds ---------------------------------------------------------------------------------------


def test_beyond_its_bound_nothing_more_is_kept() -> None:
    kept = kept_of([stream(*[delta(content="12345")] * 30)], keep=23)
    assert (bytes(kept.text), kept.truncated) == (b"12345" * 4, True)
    kept = kept_of([stream(delta(content="123456"), delta(content="1"))], keep=5)
    assert (bytes(kept.text), kept.truncated) == (b"", True)


def test_calls_are_bounded() -> None:
    calls = [{"index": at, "function": {"name": "a"}} for at in range(MOST_CALLS + 9)]
    kept = kept_of([stream(delta(tool_calls=calls))])
    assert (len(kept.calls), kept.truncated) == (MOST_CALLS, True)
    kept = kept_of([stream(delta(tool_calls=calls[:5]))], keep=600)
    assert (len(kept.calls), kept.truncated) == (2, True)
    kept = kept_of([stream(delta(function_call={"name": "a"}))], keep=9)
    assert (kept.calls, kept.truncated) == ({}, True)


def test_a_long_name_is_not_kept() -> None:
    call = {"index": 0, "function": {"name": "a" * 500, "arguments": ""}}
    kept = kept_of([stream(delta(tool_calls=[call]))], keep=300)
    assert (calls_of(kept), kept.truncated) == ([("", b"", False)], True)


def test_items_and_bodies_are_bounded() -> None:
    item = {"type": "response.output_item.done", "item": {"type": "message", "x": "y" * 100}}
    kept = kept_of([stream(item, item)], RESPONSES, keep=200)
    assert (len(kept.bodies), kept.truncated) == (1, True)
    last = {"type": "response.completed", "response": {"x": "y" * 100}}
    kept = kept_of([stream(last)], RESPONSES, keep=50)
    assert (kept.last, kept.truncated) == (b"", True)
    body = b'{"choices": []}'
    for keep, there in ((15, [body]), (14, [])):
        kept = kept_of([body], content_type="application/json", keep=keep)
        assert (kept.bodies, kept.truncated, kept.whole) == (there, not there, True)


def test_an_event_too_large_to_be_read_is_missing() -> None:
    """More than 50,000 values in what the model said: the observer does not read that either."""
    many = b'data: {"choices":[{"delta":{"content":"a"},"x":[' + b"0," * 60_000 + b"0]}]}\n\n"
    assert kept_of([many]).truncated
    assert not kept_of([b'data: {"usage":{}}\n\n']).truncated


def test_an_answer_that_is_not_json_is_not_kept() -> None:
    kept = kept_of([b"<html>"], content_type="application/json")
    assert (kept.bodies, kept.whole) == ([], False)


@pytest.mark.parametrize("odd", [{}, [], {"type": {}}, 1, True])
@pytest.mark.parametrize("dialect", [STREAMS[name][0] for name in STREAMS])
def test_t08_a_type_of_any_type_breaks_no_stream(dialect: Dialect, odd: object) -> None:
    frames = (
        {"type": odd, "response": {}, "item": {}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": odd}},
        {"type": "response.output_item.done", "item": {"type": odd}},
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": odd, "id": odd}]}}]},
    )
    for frame in frames:
        kept_of([b"data: %b\n\n" % json.dumps(frame).encode()], dialect)


def test_the_size_of_what_is_kept_is_that_of_its_parts() -> None:
    assert kept_of([stream(delta(content="four"), delta(content="ty"))]).size == 6
    whole = b'{"choices":[{"message":{"content":"x"}}]}'
    assert kept_of([whole], content_type="application/json").size == len(whole)
