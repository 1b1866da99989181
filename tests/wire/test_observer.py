"""An observer reads along, tells the same for any chunking, and can't be made to fail."""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.wire.dialect import DIALECTS, Dialect
from app.wire.observation import Attempt, Observation, ObservedError, Usage
from app.wire.observer import Observer
from tests.wire.recordings import (
    CHAT,
    EVENT_STREAM,
    MESSAGES,
    RESPONSES,
    STREAMS,
    events,
    observe,
    observe_body,
    recorded,
    recorded_json,
)

each_recording = pytest.mark.parametrize("name", STREAMS)
each_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda row: row.name)


def bytewise(body: bytes) -> Iterator[bytes]:
    return (body[at : at + 1] for at in range(len(body)))


# --- recorded streams -------------------------------------------------------------------------


@each_recording
def test_t10_everything_a_recorded_stream_says_is_learned(name: str) -> None:
    """Usage in its three shapes: with choices, without, and repeating the finish reason."""
    dialect, expected = STREAMS[name]
    assert observe([recorded(name)], dialect) == expected


@each_recording
def test_t07_a_split_at_any_byte_tells_the_same(name: str) -> None:
    dialect, expected = STREAMS[name]
    body = recorded(name)
    for at in range(len(body) + 1):
        assert observe([body[:at], body[at:]], dialect) == expected, f"split at byte {at}"


@each_recording
def test_t09_single_bytes_tell_the_same(name: str) -> None:
    dialect, expected = STREAMS[name]
    assert observe(bytewise(recorded(name)), dialect) == expected


Respell = Callable[[bytes], bytes]
_JSON = re.compile(rb"(?m)^(data: ?)(\{.*\})")
_STRING_OR_MARK = re.compile(rb'("(?:[^"\\]|\\.)*")|([:,{\[])')


def spaced(line: re.Match[bytes]) -> bytes:
    return line[1] + _STRING_OR_MARK.sub(lambda token: token[1] or token[2] + b" \t", line[2])


def reversed_keys(line: re.Match[bytes]) -> bytes:
    fields = msgspec.json.decode(line[2], type=dict[str, msgspec.Raw])
    return line[1] + msgspec.json.encode(dict(reversed(fields.items())))


LINE_ENDS: dict[str, Respell] = {
    "LF": lambda body: body,
    "CRLF": lambda body: body.replace(b"\n", b"\r\n"),
    "CR": lambda body: body.replace(b"\n", b"\r"),
    "mixed": lambda body: b"".join(
        line + (b"\n", b"\r", b"\r\n")[at % 3] for at, line in enumerate(body.split(b"\n"))
    ),
}
SPELLINGS: dict[str, Respell] = {
    "no space after the colon": lambda body: re.sub(rb"(?m)^(data|event): ", rb"\1:", body),
    "data over several lines": lambda body: body.replace(b"data: {", b"data: {\ndata: "),
    "comments between all lines": lambda body: body.replace(b"\n", b"\n: OPENROUTER PROCESSING\n"),
    "comments as data": lambda body: b"data: : OPENROUTER PROCESSING\n\n" + body,
    "byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "unknown fields": lambda body: b"id: 7\nretry: 100\n\ndata\n\n" + body,
    "no blank line at the end": lambda body: body.rstrip(b"\n"),
    "white space in the JSON": lambda body: _JSON.sub(spaced, body),
    "keys in reverse order": lambda body: _JSON.sub(reversed_keys, body),
}


@each_recording
@pytest.mark.parametrize(
    "respell", [*LINE_ENDS.values(), *SPELLINGS.values()], ids=[*LINE_ENDS, *SPELLINGS]
)
def test_t09_t14_another_spelling_of_the_frames_tells_the_same(name: str, respell: Respell) -> None:
    dialect, expected = STREAMS[name]
    body = respell(recorded(name))
    assert observe([body], dialect) == expected
    assert observe(bytewise(body), dialect) == expected


@settings(max_examples=150)
@given(data=st.data())
def test_t07_any_chunking_of_any_spelling_tells_the_same(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(STREAMS)))
    dialect, expected = STREAMS[name]
    spellings = st.lists(st.sampled_from(list(SPELLINGS.values())), unique=True)
    line_end = st.sampled_from(list(LINE_ENDS.values()))
    body = recorded(name)
    for respell in [*data.draw(spellings), data.draw(line_end)]:
        body = respell(body)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=30)))
    chunks = [body[start:end] for start, end in pairwise([0, *cuts, len(body)])]
    assert observe(chunks, dialect) == observe([body], dialect)
    assert observe(chunks, dialect) == expected


def test_t07_a_character_cut_in_two_is_read_whole() -> None:
    body = 'data: {"provider":"Größe 🚂","id":"gen-ü"}\n\n'.encode()
    for at in range(len(body)):
        seen = observe([body[:at], body[at:]])
        assert (seen.provider, seen.generation_id) == ("Größe 🚂", "gen-ü")


def test_t08_half_an_emoji_in_one_event_hides_nothing_of_it() -> None:
    body = (
        b'data: {"id":"gen-1","provider":"Novita",'
        b'"choices":[{"delta":{"content":"\\ud83d"},"finish_reason":"stop"}]}\n\n'
    )
    observer = Observer(CHAT, content_type=EVENT_STREAM)
    observer.feed(body)
    assert observer.tokens_started
    seen = observer.close()
    assert (seen.provider, seen.finish_reason, seen.unreadable) == ("Novita", "stop", None)


# --- garbage ----------------------------------------------------------------------------------

keys = st.sampled_from(
    [
        *("id", "type", "provider", "model", "service_tier", "usage", "error", "choices"),
        *("delta", "status", "incomplete_details", "stop_reason", "response", "message"),
        *("openrouter_metadata", "endpoints", "available", "selected", "attempts", "metadata"),
        *("previous_errors", "provider_name", "prompt_tokens", "input_tokens", "cost", "code"),
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
kinds = st.sampled_from([EVENT_STREAM, "application/json", "text/html", ""])


@settings(max_examples=200)
@given(
    dialect=st.sampled_from(list(DIALECTS.values())),
    kind=kinds,
    chunks=st.lists(st.binary(max_size=40) | st.sampled_from([b"data:", b"\n\n", b"[DONE]"])),
)
def test_t08_garbage_never_raises(dialect: Dialect, kind: str, chunks: list[bytes]) -> None:
    observe(chunks, dialect, content_type=kind)


@settings(max_examples=150)
@given(
    dialect=st.sampled_from(list(DIALECTS.values())),
    kind=kinds,
    frames=st.lists(st.dictionaries(keys, anything), max_size=4),
)
def test_t08_values_of_any_type_in_any_place_never_raise(
    dialect: Dialect, kind: str, frames: list[object]
) -> None:
    seen = observe([events(*frames)], dialect, content_type=kind)
    assert seen.provider is None or isinstance(seen.provider, str)
    assert seen.usage is None or isinstance(seen.usage, Usage)


@pytest.mark.parametrize(
    "data",
    [
        b'{"choices":' + b"[" * 100_000,
        b'{"usage":' + b'{"a":' * 100_000,
        b'{"provider":"x",}',
        b"[1,2]",
        b"null",
    ],
    ids=lambda data: data[:24].decode("ascii", "replace"),
)
def test_t08_what_a_decoder_chokes_on_is_said_and_the_rest_is_read(data: bytes) -> None:
    assert observe([data], content_type="application/json").unreadable == "the answer is not JSON"
    stream = b"data: " + data + b"\n\n" + events({"provider": "Novita"})
    seen = observe([stream])
    assert (seen.provider, seen.unreadable) == ("Novita", "an event is not JSON")


def test_an_event_of_type_error_with_any_data_never_raises() -> None:
    seen = observe([b'event: error\ndata: {"type":"error","code":1e99999999999999999999}\n\n'])
    assert seen.error == ObservedError("error", "")
    assert observe([b'event: error\ndata: {"type":["error"]}\n\n']).error is None


def test_t08_broken_characters_hide_nothing_else() -> None:
    seen = observe([b'data: {"provider":"Novita","model":"\xff"}\n\n'])
    assert (seen.provider, seen.model, seen.unreadable) == ("Novita", "\ufffd", None)


# --- bounds -----------------------------------------------------------------------------------


def test_an_event_over_the_limit_is_skipped_and_said_and_the_next_one_read() -> None:
    observer = Observer(CHAT, content_type=EVENT_STREAM, limit=100)
    observer.feed(events({"provider": "x" * 200}, {"provider": "Novita"}))
    seen = observer.close()
    assert (seen.provider_names, seen.unreadable) == (
        ("Novita",),
        "an event is larger than 0.0001 MB",
    )


def test_a_body_over_the_limit_is_let_go_and_said() -> None:
    observer = Observer(CHAT, content_type="application/json", limit=100)
    for _ in range(1000):
        observer.feed(b'{"provider":')
    assert observer.close() == Observation(unreadable="the answer is larger than 0.0001 MB")


def test_a_body_of_exactly_the_limit_is_read() -> None:
    body = b'{"provider":"Novita"}'
    observer = Observer(CHAT, content_type="application/json", limit=len(body))
    observer.feed(body)
    assert observer.close().provider == "Novita"


def test_a_large_event_in_small_chunks_takes_time_for_its_bytes_only() -> None:
    """Copying what is held with every chunk would move 60 GB here, and time out."""
    body = events({"provider": "Novita", "choices": [{"delta": {"content": "x" * 4_000_000}}]})
    chunks = (body[at : at + 100] for at in range(0, len(body), 100))
    assert observe(chunks).provider == "Novita"


def test_providers_without_end_are_not_kept_without_end() -> None:
    seen = observe([events(*({"provider": f"p{number}"} for number in range(1000)))])
    assert seen.provider_names == tuple(f"p{number}" for number in range(16))
    assert seen.provider == "p999"


# --- who served -------------------------------------------------------------------------------


def test_every_provider_that_a_stream_names_is_noticed_in_order() -> None:
    seen = observe([events({"provider": "A"}, {"provider": "B"}, {}, {"provider": "A"})])
    assert (seen.provider, seen.provider_names) == ("A", ("A", "B"))


def test_words_that_a_model_writes_are_not_taken_for_the_answers_own() -> None:
    written = '","provider":"Evil","usage":{"cost":9},"error":{"code":1},"finish_reason":"stop"'
    frame = {"provider": "Novita", "choices": [{"delta": {"content": written}}]}
    seen = observe([events(frame)])
    assert seen == Observation(
        provider="Novita", provider_names=("Novita",), answered=True, said=True, tool_calls=0
    )


@each_dialect
def test_router_metadata_is_found_on_any_frame(dialect: Dialect) -> None:
    account = {"endpoints": {"available": [{"provider": "Novita", "selected": True}]}}
    frame: dict[str, object] = {"openrouter_metadata": account}
    wrapped = {dialect.wrapper or "": frame}
    for first in (frame, wrapped if dialect.wrapper else frame):
        seen = observe([events(first, {})], dialect)
        assert seen.metadata is not None
        assert seen.metadata.selected == "Novita"


def test_the_provider_of_a_message_sits_inside_its_start() -> None:
    start = {"type": "message_start", "message": {"id": "gen-1", "provider": "Novita"}}
    seen = observe([events(start)], MESSAGES)
    assert (seen.generation_id, seen.provider) == ("gen-1", "Novita")


# --- usage ------------------------------------------------------------------------------------


def test_costs_are_exact_to_the_last_digit() -> None:
    body = (
        b'{"usage":{"cost":2.5e-05,"cost_details":{"upstream_inference_prompt_cost":0.00053325}}}'
    )
    usage = observe([body], content_type="application/json").usage
    assert usage is not None
    assert usage.cost_usd == Decimal("0.000025")
    assert usage.upstream_prompt_cost == Decimal("0.00053325")


def test_the_two_parts_of_a_messages_usage_are_joined() -> None:
    start = {"input_tokens": 5, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 3}
    end = {"input_tokens": None, "output_tokens": 7, "cost": 1, "service_tier": "priority"}
    seen = observe(
        [
            events(
                {"type": "message_start", "message": {"usage": start}},
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": end},
            )
        ],
        MESSAGES,
    )
    assert seen.usage == Usage(
        prompt_tokens=98,
        cached_tokens=90,
        cache_write_tokens=3,
        completion_tokens=7,
        cost_usd=Decimal(1),
    )
    assert seen.service_tier == "priority"


def test_an_empty_usage_is_none() -> None:
    assert observe([events({"usage": {}}, {"usage": None})]).usage is None


# --- errors inside a 200 ----------------------------------------------------------------------

FAILED = {"code": "server_error", "message": "went wrong"}
IN_BAND_ERRORS = {
    "chat, documented": (
        CHAT,
        {"error": FAILED, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]},
    ),
    "chat, in the choice": (CHAT, {"choices": [{"error": FAILED, "finish_reason": "error"}]}),
    "responses, response.failed": (
        RESPONSES,
        {"type": "response.failed", "response": {"status": "failed", "error": FAILED}},
    ),
    "responses, error event": (RESPONSES, {"type": "error", **FAILED, "param": None}),
    "responses, response.error event": (RESPONSES, {"type": "response.error", **FAILED}),
    "responses, nested error event": (RESPONSES, {"type": "error", "error": FAILED}),
    "messages, error event": (
        MESSAGES,
        {"type": "error", "error": {"type": "server_error", "message": "went wrong"}},
    ),
}


@pytest.mark.parametrize(("dialect", "frame"), IN_BAND_ERRORS.values(), ids=IN_BAND_ERRORS.keys())
def test_t11_an_error_inside_a_200_is_seen(dialect: Dialect, frame: object) -> None:
    before = {"provider": "Novita", "choices": [{"delta": {"content": "Hel"}}]}
    seen = observe([events(before, frame)], dialect)
    assert seen.error == ObservedError("server_error", "went wrong")


def test_t11_an_error_named_only_by_its_event_line_is_seen() -> None:
    seen = observe([b'event: error\ndata: {"message":"Overloaded"}\n\n'], MESSAGES)
    assert seen.error == ObservedError("", "Overloaded")


def test_t11_a_failed_choice_in_a_whole_body_is_seen() -> None:
    metadata = {"raw": "upstream said so", "provider_name": "Novita"}
    error = {"code": 502, "message": "Provider returned error", "metadata": metadata}
    seen = observe_body({"choices": [{"error": error, "finish_reason": "error"}]})
    assert seen.finish_reason == "error"
    assert seen.error == ObservedError("502", "Provider returned error", "Novita")


def test_t11_the_first_error_is_the_one_kept() -> None:
    seen = observe([events({"error": {"code": 429}}, {"error": {"code": 500}})])
    assert seen.error is not None
    assert seen.error.code == "429"


def test_t11_a_null_error_is_none() -> None:
    created = {"type": "response.created", "response": {"status": "in_progress", "error": None}}
    seen = observe([events(created)], RESPONSES)
    assert (seen.error, seen.finish_reason) == (None, None)


# --- endings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "kind"),
    [
        (RESPONSES, "response.completed"),
        (RESPONSES, "response.incomplete"),
        (RESPONSES, "response.failed"),
        (MESSAGES, "message_stop"),
    ],
)
def test_a_dialects_own_terminator_makes_a_stream_done(dialect: Dialect, kind: str) -> None:
    assert not observe([events({"type": "ping"})], dialect).done
    assert observe([events({"type": kind})], dialect).done


@each_dialect
def test_t05_a_stream_without_terminator_is_not_done(dialect: Dialect) -> None:
    assert not observe([events({"model": "m"})], dialect).done
    assert observe([events({"model": "m"}), b"data: [DONE]\n\n"], dialect).done


@pytest.mark.parametrize("kind", ["text/event-stream;charset=utf-8", " Text/Event-Stream ; x"])
def test_a_stream_is_known_by_its_media_type(kind: str) -> None:
    assert observe([b"data: [DONE] \n\n"], content_type=kind) == Observation(
        done=True, tool_calls=0
    )


@each_recording
def test_t06_a_stream_cut_anywhere_tells_what_came_and_no_more(name: str) -> None:
    dialect, expected = STREAMS[name]
    body = recorded(name)
    for at in range(0, len(body), 7):
        seen = observe([body[:at]], dialect)
        assert seen.unreadable is None
        assert seen.generation_id in {None, expected.generation_id}
        assert set(seen.provider_names) <= set(expected.provider_names)


def test_an_incomplete_response_finishes_for_its_reason() -> None:
    response = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    seen = observe([events({"type": "response.incomplete", "response": response})], RESPONSES)
    assert seen.finish_reason == "max_output_tokens"


# --- the first token --------------------------------------------------------------------------


def _delta(**delta: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta}]}


NO_TOKENS = [
    (CHAT, _delta(role="assistant", content="")),
    (CHAT, _delta(role="assistant", content=None, tool_calls=[], reasoning_details=[])),
    (CHAT, {"choices": [], "usage": {"cost": 1}}),
    (DIALECTS["/completions"], {"choices": [{"text": ""}]}),
    (RESPONSES, {"type": "response.created", "response": {"status": "in_progress"}}),
    (RESPONSES, {"type": "response.output_text.delta", "delta": ""}),
    (MESSAGES, {"type": "message_start", "message": {"content": []}}),
    (MESSAGES, {"type": "content_block_start", "content_block": {"type": "text", "text": ""}}),
    (MESSAGES, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
]
TOKENS = [
    (CHAT, _delta(content="Hel")),
    (CHAT, _delta(content="", reasoning="Let me")),
    (CHAT, _delta(content=None, tool_calls=[{"function": {"name": "f", "arguments": ""}}])),
    (CHAT, _delta(content="", reasoning_details=[{"type": "reasoning.encrypted"}])),
    (DIALECTS["/completions"], {"choices": [{"text": "Hel"}]}),
    (RESPONSES, {"type": "response.output_text.delta", "delta": "Sk"}),
    (RESPONSES, {"type": "response.function_call_arguments.delta", "delta": "{"}),
    (MESSAGES, {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "H"}}),
    (MESSAGES, {"type": "content_block_delta", "delta": {"thinking": "Let me"}}),
    (MESSAGES, {"type": "content_block_delta", "delta": {"partial_json": "{"}}),
]


@pytest.mark.parametrize(
    ("dialect", "frame", "expected"),
    [(*case, False) for case in NO_TOKENS] + [(*case, True) for case in TOKENS],
)
def test_tokens_start_with_the_first_that_says_something(
    dialect: Dialect, frame: object, *, expected: bool
) -> None:
    observer = Observer(dialect, content_type=EVENT_STREAM)
    observer.feed(b": OPENROUTER PROCESSING\n\n")
    assert not observer.tokens_started
    observer.feed(events(frame))
    assert observer.tokens_started is expected


def test_a_body_that_is_no_stream_starts_no_tokens_while_it_comes() -> None:
    observer = Observer(CHAT, content_type="application/json")
    observer.feed(json.dumps(_delta(content="Hello")).encode())
    assert not observer.tokens_started


# --- whole bodies -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    recorded_json("json/chat_completion_nonstream.json")["cases"],
    ids=lambda case: case["response"]["id"],
)
def test_a_chat_body_is_read(case: dict[str, dict[str, object]]) -> None:
    body = case["response"]
    usage = body["usage"]
    assert isinstance(usage, dict)
    seen = observe_body(body)
    assert (seen.generation_id, seen.provider, seen.model, seen.done) == (
        body["id"],
        body["provider"],
        body["model"],
        True,
    )
    assert seen.finish_reason == "stop"
    assert seen.usage is not None
    assert seen.usage.prompt_tokens == usage["prompt_tokens"]
    assert seen.usage.cost_usd == (Decimal(str(usage["cost"])) if "cost" in usage else None)


def test_a_responses_body_is_read_and_names_no_provider() -> None:
    body = recorded_json("json/responses_nonstream_2026-07-17.json")["response"]
    assert observe_body(body, RESPONSES) == Observation(
        answered=True,
        said=True,
        tool_calls=0,
        generation_id="gen-1784286313-o0LDhOFaHL3xExqbXInR",
        model="openai/gpt-5.6-sol",
        finish_reason="completed",
        service_tier="default",
        usage=Usage(
            prompt_tokens=4020,
            cached_tokens=4012,
            completion_tokens=5,
            reasoning_tokens=0,
            cost_usd=Decimal("0.002196"),
            is_byok=False,
            upstream_prompt_cost=Decimal("0.002046"),
            upstream_completion_cost=Decimal("0.00015"),
            upstream_cost_usd=Decimal("0.002196"),
        ),
        done=True,
    )


def test_a_messages_body_is_read() -> None:
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 30,
        "output_tokens": 4,
        "service_tier": "standard",
        "cost": 0.25,
        "server_tool_use": {"web_search_requests": 2},
    }
    body = {
        "id": "gen-2",
        "type": "message",
        "model": "anthropic/claude-haiku-4.5",
        "provider": "Anthropic",
        "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "Hello"}],
        "usage": usage,
    }
    assert observe_body(body, MESSAGES) == Observation(
        answered=True,
        said=True,
        tool_calls=0,
        generation_id="gen-2",
        provider="Anthropic",
        provider_names=("Anthropic",),
        model="anthropic/claude-haiku-4.5",
        finish_reason="end_turn",
        service_tier="standard",
        usage=Usage(
            prompt_tokens=40,
            cached_tokens=30,
            completion_tokens=4,
            cost_usd=Decimal("0.25"),
            server_tools=True,
        ),
        done=True,
    )


@pytest.mark.parametrize(
    ("name", "dialect"),
    [("chat", CHAT), ("chat_byok", CHAT), ("responses", RESPONSES), ("messages", MESSAGES)],
)
def test_every_number_of_a_usage_is_read_in_each_dialect(name: str, dialect: Dialect) -> None:
    usage = recorded_json("additions/usage_all_fields.COMPOSED.json")[name]
    told = observe_body({"usage": usage}, dialect).usage
    assert told is not None
    byok = name == "chat_byok"
    assert told.upstream_cost_usd == Decimal("0.0021")
    assert (told.prompt_tokens, told.completion_tokens) == (1200, 300)
    assert told.cost_usd == Decimal("0.0001" if byok else "0.0021")
    assert told.is_byok is byok
    if not byok:
        details = (told.cached_tokens, told.cache_write_tokens, told.reasoning_tokens)
        assert details == (800, 200, 120)


@pytest.mark.parametrize(
    ("details", "cost"),
    [
        ({"upstream_inference_cost": 0.5, "upstream_inference_prompt_cost": 0.1}, "0.5"),
        ({"upstream_inference_prompt_cost": 0.1, "upstream_inference_completions_cost": 0}, "0.1"),
        ({"upstream_inference_cost": 0, "upstream_inference_prompt_cost": 0.1}, "0"),
        ({"upstream_inference_prompt_cost": 0.1}, None),
        ({"upstream_inference_completions_cost": 0.1, "upstream_inference_cost": None}, None),
        (None, None),
    ],
)
def test_what_the_provider_charged_is_its_sum_or_that_of_both_parts(
    details: object, cost: str | None
) -> None:
    told = observe_body({"usage": {"cost_details": details}}).usage
    assert told is not None
    assert told.upstream_cost_usd == (None if cost is None else Decimal(cost))


@pytest.mark.parametrize("path", ["/completions", "/embeddings", "/rerank"])
def test_the_other_dialects_bodies_are_read(path: str) -> None:
    body = {
        "id": "gen-3",
        "provider": "Novita",
        "model": "a/b",
        "data": [{"embedding": [0.1, 1e-7] * 100}],
        "usage": {"prompt_tokens": 8, "total_tokens": 8, "cost": 0.5},
    }
    assert observe_body(body, DIALECTS[path]) == Observation(
        generation_id="gen-3",
        provider="Novita",
        provider_names=("Novita",),
        model="a/b",
        usage=Usage(prompt_tokens=8, cost_usd=Decimal("0.5")),
        done=True,
        answered=True,
    )


def test_white_space_and_a_byte_order_mark_before_a_body_are_skipped() -> None:
    for body in (b'\xef\xbb\xbf{"id":"gen-4"}', b'\n   \n  {"id":"gen-4"}\n'):
        assert observe([body], content_type="application/json; charset=utf-8").generation_id


def test_a_body_that_is_not_json_is_said_to_be_none() -> None:
    page = b"<!DOCTYPE html><title>404</title>"
    assert observe([page], content_type="text/html") == Observation(
        unreadable="the answer is not JSON"
    )
    for nothing in ([], [b"\n  \n"]):  # white space keeps a connection open before a body
        assert observe(nothing, content_type="application/json").unreadable == "the answer is empty"


@pytest.mark.parametrize("kind", [EVENT_STREAM, "application/json"])
def test_t29_compressed_bytes_are_left_alone_and_said_to_be_so(kind: str) -> None:
    for coding in ("br", " GZIP "):
        seen = observe([b"\x1f\x8b\x08"], content_type=kind, content_encoding=coding)
        assert seen == Observation(
            unreadable=f"the answer is compressed ({coding.strip().lower()})"
        )
    seen = observe([b'{"id":"gen-5"}'], content_type="", content_encoding="identity")
    assert seen.generation_id == "gen-5"


# --- error bodies -----------------------------------------------------------------------------

ERRORS = {entry["id"]: entry for entry in recorded_json("errors/error_bodies.json")}


@pytest.mark.parametrize("name", ERRORS)
def test_every_recorded_error_body_is_read(name: str) -> None:
    sent = ERRORS[name]["body"]["error"]
    dialect = MESSAGES if name.startswith("messages") else CHAT
    seen = observe_body(ERRORS[name]["body"], dialect)
    assert seen.error is not None
    assert seen.error.message == sent["message"]
    assert seen.error.code == str(
        sent.get("code") or sent.get("type") or sent.get("error_type", "")
    )
    assert seen.error.provider == sent.get("metadata", {}).get("provider_name")


def test_the_attempts_before_an_error_are_named() -> None:
    live = {"previous_errors": [{"code": 429, "message": "m", "provider_name": "Novita"}, {}, 1]}
    seen = observe_body({"error": {"code": 502, "message": "m", "metadata": live}})
    assert seen.error is not None
    assert seen.error.previous == (Attempt("Novita", None, 429),)
    documented = observe_body(ERRORS["docs-availability-capacity_exhausted"]["body"]).error
    assert documented is not None
    assert documented.previous == (
        Attempt("anthropic", None, 429),
        Attempt("amazon-bedrock", None, 429),
    )


def test_router_metadata_beside_an_error_is_read() -> None:
    _, not_allowed, blocked = recorded_json("json/router_metadata_docs_examples.json")["examples"]
    for told in (not_allowed, blocked):
        seen = observe_body(told)
        assert seen.error is not None
        assert seen.metadata is not None
        assert seen.metadata.strategy == told["openrouter_metadata"]["strategy"]
        assert seen.metadata.selected is None


def test_the_id_of_a_failed_message_is_in_its_envelope() -> None:
    body = {"type": "error", "error": {"type": "api_error"}, "request_id": "gen-6"}
    assert observe_body(body, MESSAGES).generation_id == "gen-6"


ERRORS_IN_PLACE_OF_AN_ANSWER = [
    (CHAT, b'{"error": {"code": 429, "message": "slow down"}, "user_id": "u"}'),
    (CHAT, b'{"error": "slow down"}'),
    (CHAT, b'{"choices": [{"finish_reason": "error", "error": {"code": 502, "message": "x"}}]}'),
    (RESPONSES, b'{"id": "gen-1", "status": "failed", "error": {"code": "server_error"}}'),
    (MESSAGES, b'{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}'),
]
EVENTS_IN_PLACE_OF_AN_ANSWER = [
    (CHAT, b'data: {"error": {"code": 429, "message": "slow down"}}\n\n'),
    (CHAT, b'data: {"error": "slow down"}\n\n'),
    (RESPONSES, b'data: {"type": "error", "code": "server_error", "message": "x"}\n\n'),
    (
        RESPONSES,
        b'data: {"type": "response.failed", "response": {"error": {"code": "server_error"}}}\n\n',
    ),
    (MESSAGES, b'event: error\ndata: {"type": "error", "error": {"type": "api_error"}}\n\n'),
]


@pytest.mark.parametrize(("dialect", "body"), ERRORS_IN_PLACE_OF_AN_ANSWER)
def test_t51_a_body_that_is_an_error_is_no_answer(dialect: Dialect, body: bytes) -> None:
    assert observe_body(json.loads(body), dialect).failed


@pytest.mark.parametrize(("dialect", "body"), EVENTS_IN_PLACE_OF_AN_ANSWER)
def test_t51_a_stream_of_nothing_but_an_error_is_no_answer(dialect: Dialect, body: bytes) -> None:
    assert observe([body], dialect).failed


def test_t51_an_error_behind_the_first_token_ends_an_answer_and_one_alone_is_none() -> None:
    begun = events({"choices": [{"delta": {"content": "It"}}]})
    assert not observe([begun, b'data: {"error": "cut off"}\n\n']).failed
    no_token = b'data: {"error": "cut off", "usage": {"completion_tokens": 5}}\n\n'
    assert observe([no_token]).failed
    billed = b'{"error": "late", "usage": {"completion_tokens": 5}}'
    assert not observe_body(json.loads(billed), CHAT).failed
    assert not observe_body({"error": None, "choices": []}, CHAT).failed


def test_what_a_message_begins_with_is_no_bill() -> None:
    """Its opening may have the costs of all of it beside the tokens of none of it."""
    costs = {"upstream_inference_prompt_cost": 0.1, "upstream_inference_completions_cost": 0.2}
    bill = {"input_tokens": 5, "is_byok": False, "cost_details": costs}
    begun = {"type": "message_start", "message": {"usage": {**bill, "output_tokens": 0}}}
    ended = {"type": "message_delta", "usage": {**bill, "output_tokens": 9}}
    for events_of, told in (([begun], None), ([begun, ended], Decimal("0.2"))):
        usage = observe([events(each) for each in events_of], MESSAGES).usage
        assert usage is not None
        assert usage.prompt_tokens == 5
        assert usage.upstream_completion_cost == told


# --- progress ---------------------------------------------------------------------------------


def test_t69_events_are_counted_and_what_only_keeps_a_stream_alive_is_none() -> None:
    observer = Observer(MESSAGES, content_type=EVENT_STREAM)
    assert (observer.events, observer.in_event, observer.at_an_end) == (0, False, True)
    observer.feed(b": OPENROUTER PROCESSING\n\ndata: : OPENROUTER PROCESSING\n\n")
    observer.feed(b'event: ping\ndata: {"type": "ping"}\n\n')
    assert (observer.events, observer.in_event, observer.at_an_end) == (0, False, True)
    observer.feed(b'data: {"type": "message_start"}\n\ndata: not JSON\n\ndata: {')
    assert (observer.events, observer.in_event, observer.at_an_end) == (2, True, False)


def test_t69_events_that_are_still_to_be_read_are_progress() -> None:
    observer = Observer(CHAT, content_type=EVENT_STREAM)
    observer.feed(b"data: {}\n\n" * 10_000)
    assert observer.behind
    assert (observer.in_event, observer.at_an_end) == (True, False)


@pytest.mark.parametrize(
    ("content_type", "encoding"), [("application/json", ""), (EVENT_STREAM, "br")]
)
def test_of_what_is_not_read_as_a_stream_no_events_are_counted(
    content_type: str, encoding: str
) -> None:
    observer = Observer(CHAT, content_type=content_type, content_encoding=encoding)
    observer.feed(b"data: {}\n\n")
    assert (observer.events, observer.in_event, observer.at_an_end) == (None, False, False)
