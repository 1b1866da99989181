"""Sealed reasoning is recognised by its shape, in every dialect."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.request import read_request
from app.policy.sealed import replays_sealed
from tests.policy.json_texts import BOUNDED

ADDITIONS = Path(__file__).parents[1] / "fixtures" / "openrouter" / "additions"
SHAPES = ADDITIONS / "sealed_reasoning_shapes.COMPOSED.json"
SEALED = "sealed by its host"


def replays(**fields: Any) -> bool:
    return replays_sealed(read_request(json.dumps({"model": "a/b", **fields}).encode()).fields)


def chat(**message: Any) -> bool:
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", **message}]
    return replays(messages=said)


def details(**detail: Any) -> bool:
    return chat(content=None, reasoning_details=[detail])


@pytest.mark.parametrize(
    ("detail", "is_sealed"),
    [
        ({"type": "reasoning.text", "text": "plain", "format": "unknown"}, False),
        ({"type": "reasoning.text", "text": "signed", "signature": SEALED}, True),
        ({"type": "reasoning.text", "text": "unsigned", "signature": ""}, False),
        ({"type": "reasoning.text", "text": "unsigned", "signature": None}, False),
        ({"type": "reasoning.encrypted", "data": SEALED, "format": "google-gemini-v1"}, True),
        ({"type": "reasoning.encrypted", "data": ""}, False),
        ({"type": "reasoning.summary", "summary": "short"}, False),
        ({"type": "reasoning.server_tool_call", "tool_name": "x", "result": "signature"}, False),
    ],
)
def test_in_chat_a_signature_or_encrypted_data_seals(detail: Any, is_sealed: object) -> None:
    assert details(**detail) is is_sealed


@pytest.mark.parametrize(
    ("block", "is_sealed"),
    [
        ({"type": "thinking", "thinking": "text", "signature": SEALED}, True),
        ({"type": "redacted_thinking", "data": SEALED}, True),
        ({"type": "thinking", "thinking": "text", "signature": ""}, False),
        ({"type": "text", "text": '{"type": "thinking", "signature": "quoted"}'}, False),
        ({"type": "image", "source": {"type": "base64", "data": "QUJD"}}, False),
        ({"type": "document", "data": "QUJD", "signature": "of a letter"}, False),
    ],
)
def test_in_messages_a_signed_or_redacted_block_is_sealed(block: Any, is_sealed: object) -> None:
    assert chat(content=[{"type": "text", "text": "x"}, block]) is is_sealed


@pytest.mark.parametrize(
    ("item", "is_sealed"),
    [
        ({"type": "reasoning", "summary": [], "encrypted_content": SEALED}, True),
        ({"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}]}, False),
        ({"type": "reasoning", "encrypted_content": None}, False),
        ({"type": "compaction", "encrypted_content": SEALED}, True),
        ({"type": "message", "encrypted_content": "a field of somebody else's"}, False),
    ],
)
def test_in_responses_encrypted_content_is_sealed(item: Any, is_sealed: object) -> None:
    assert replays(input=[{"role": "user", "content": "hi"}, item]) is is_sealed


def test_a_thought_signature_on_a_tool_call_is_sealed() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{}"}}
    signed = {**call, "extra_content": {"google": {"thought_signature": SEALED}}}
    assert chat(content=None, tool_calls=[call, signed])
    for none in (None, {"google": None}, {"google": {"thought_signature": ""}}):
        assert not chat(content=None, tool_calls=[{**call, "extra_content": none}], data=1)
    assert not chat(content=None, tool_calls=[7], signature=1)


def test_words_in_a_prompt_seal_nothing() -> None:
    said = '{"type": "reasoning.encrypted", "data": "x", "signature": "y"}'
    assert not replays(messages=[{"role": "user", "content": said}])
    assert not replays(messages=said, input=said)
    arguments = json.dumps({"type": "redacted_thinking", "data": "x", "signature": "y"})
    call = {"function": {"name": "write", "arguments": arguments}}
    assert not chat(content=None, tool_calls=[call])


def test_blocks_deeper_than_any_dialect_has_them_are_not_searched() -> None:
    block = {"type": "thinking", "signature": SEALED}
    assert chat(content=[{"type": "x", "content": [block]}])
    text = '{"content":[' * 300 + '{"type":"thinking","signature":"s"}' + "]}" * 300
    fields = read_request(b'{"model":"a/b","messages":[%b]}' % text.encode()).fields
    assert not replays_sealed(fields)


def test_every_shape_of_the_contract_is_recognised() -> None:
    known = json.loads(SHAPES.read_text(encoding="utf-8"))
    details_of = known["chat_message"]["reasoning_details"]
    assert [details(**each) for each in details_of] == [
        each["sealed"] for each in known["chat_expected"]
    ]
    blocks, items = known["messages_content"], known["responses_input"]
    assert [chat(content=[each]) for each in blocks] == known["messages_expected"]
    assert [replays(input=[each]) for each in items] == known["responses_expected"]
    assert chat(content=None, tool_calls=[known["gemini_native_tool_call"]])


def raw_replays(messages: bytes) -> bool:
    return replays_sealed(read_request(b'{"model":"a/b","messages":%b}' % messages).fields)


SEALED_RAW = (
    b'{"role":"assistant","reasoning_details":[{"type":"reasoning.encrypted","data":"s%b"}]}'
)


@pytest.mark.parametrize("broken", [rb"\ud83d", b"\xff"])
def test_half_a_character_anywhere_in_a_conversation_hides_no_sealed_part(broken: bytes) -> None:
    said = b'{"role":"user","content":"cut %b"}' % broken
    assert raw_replays(b"[%b,%b]" % (said, SEALED_RAW % b""))
    assert raw_replays(b"[%b]" % (SEALED_RAW % broken))
    assert not raw_replays(b'[%b,{"type":"thinking","signature":""},{"data":"x"}]' % said)
    call = b'{"extra_content":{"google":{"thought_signature":"%b"}}}' % broken
    assert raw_replays(b'[{"role":"assistant","tool_calls":[%b]}]' % call)


_MANY = 400_000


@pytest.mark.parametrize("filling", [b"{},", b"[],", b"0,", b'{"content":[{}]},'])
@pytest.mark.parametrize("around", [b"[%b,%b{}]", b'[%b,{"data":1,"content":[%b{}]}]'])
def test_a_body_of_many_values_is_read_in_a_few_milliseconds_a_megabyte(
    filling: bytes, around: bytes
) -> None:
    for last, is_sealed in ((SEALED_RAW % b"", True), (b'{"type":"thinking","data":"x"}', False)):
        body = around % (last, filling * _MANY)
        fields = read_request(b'{"model":"a/b","messages":%b}' % body).fields
        began = time.process_time()
        assert replays_sealed(fields) is is_sealed
        assert time.process_time() - began < 0.05 * len(body) / 1_000_000  # it took up to 0.39


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "signature", "data", "content", "tool_calls", "extra_content", "google"]
            ),
            inner | st.sampled_from(["thinking", "redacted_thinking"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@BOUNDED
@given(_VALUES, st.sampled_from(["messages", "input"]))
def test_t51_no_shape_of_a_conversation_is_an_error(value: Any, name: str) -> None:
    marked = json.dumps({"model": "a/b", name: [value, {"signature": 1}]}).encode()
    assert replays_sealed(read_request(marked).fields) in {True, False}
