"""A guessed session stays the same as its conversation grows, and differs between conversations."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.session_guess import LARGEST, guessed_session
from app.policy.sessions import Session
from app.policy.slices import Fields, split

SECRET = b"s" * 32
SYSTEM = {"role": "system", "content": "You help."}
FIRST, ANSWER, SECOND = (
    {"role": "user", "content": "first"},
    {"role": "assistant", "content": "answer"},
    {"role": "user", "content": "second"},
)
MARK = {"cache_control": {"type": "ephemeral"}}


def guess(
    body: dict[str, Any], dialect: str = "chat", caller: str | None = None, secret: bytes = SECRET
) -> Session | None:
    _, fields = split(json.dumps(body).encode())
    return guessed_session(fields, dialect, caller, secret)


def chat(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "acme/one", "messages": list(messages), **more}


def test_a_conversation_keeps_its_session_as_it_grows() -> None:
    session = guess(chat(SYSTEM, FIRST))
    assert session is not None
    assert (session.source, session.guessed, len(session.key)) == ("guess", True, 32)
    assert guess(chat(SYSTEM, FIRST, ANSWER, SECOND, temperature=1)) == session


@pytest.mark.parametrize(
    "other",
    [
        chat(SYSTEM, SECOND),
        chat(FIRST),
        chat({**SYSTEM, "content": "You code."}, FIRST),
        {**chat(SYSTEM, FIRST), "model": "acme/two"},
        chat(SYSTEM, FIRST, tools=[{"type": "function"}]),
    ],
)
def test_another_beginning_is_another_session(other: dict[str, Any]) -> None:
    assert guess(other) not in {guess(chat(SYSTEM, FIRST)), None}


def test_callers_installations_and_dialects_are_kept_apart() -> None:
    body = chat(FIRST)
    all_four = {
        guess(body),
        guess(body, caller="anna"),
        guess(body, secret=b"t" * 32),
        guess(body, "messages"),
    }
    assert len(all_four) == 4
    assert guess(body, caller="\ud800") is not None


def test_parts_can_not_be_shifted_into_each_other() -> None:
    one = guess({"model": "ab", "system": "c", "messages": [FIRST]}, "messages")
    two = guess({"model": "a", "system": "bc", "messages": [FIRST]}, "messages")
    assert one != two


@pytest.mark.parametrize(
    ("dialect", "first", "later"),
    [
        (
            "messages",
            {"system": "s", "messages": [FIRST]},
            {"system": "s", "messages": [FIRST, ANSWER, SECOND]},
        ),
        (
            "responses",
            {"instructions": "s", "input": [FIRST]},
            {"instructions": "s", "input": [FIRST, {"type": "reasoning"}, SECOND]},
        ),
        (
            "responses",
            {"input": [{"type": "item_reference"}, FIRST]},
            {"input": [{"type": "item_reference"}, FIRST, ANSWER]},
        ),
        ("responses", {"input": "text"}, {"input": "text", "stream": True}),
    ],
)
def test_each_dialect_has_its_own_fields(
    dialect: str, first: dict[str, Any], later: dict[str, Any]
) -> None:
    session = guess({"model": "a/b", **first}, dialect)
    assert session is not None
    assert guess({"model": "a/b", **later}, dialect) == session
    assert guess({"model": "a/b", **first, "system": "x", "instructions": "x"}, dialect) != session


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("embeddings", {"model": "a/b", "input": "text"}),
        ("chat", {"model": "a/b"}),
        ("chat", chat()),
        ("chat", chat(SYSTEM)),
        ("chat", chat(SYSTEM, ANSWER)),
        ("chat", {"model": "a/b", "messages": {"role": "user"}}),
        ("responses", {"model": "a/b", "input": 5}),
    ],
)
def test_without_a_turn_of_the_user_there_is_no_session(dialect: str, body: dict[str, Any]) -> None:
    assert guess(body, dialect) is None


@pytest.mark.parametrize("size", [10, LARGEST - 100, LARGEST, LARGEST + 1000, LARGEST + 2000])
@pytest.mark.parametrize("marked_first", [True, False])
def test_marks_of_a_cache_change_nothing(size: int, *, marked_first: bool) -> None:
    """They move to the latest turn, so the first turn has one at first and none later."""
    text = {"type": "text", "text": "x" * size}
    marked = {**MARK, **text} if marked_first else {**text, **MARK}
    once = guess(chat(SYSTEM, {"role": "user", "content": [marked]}))
    later = guess(chat(SYSTEM, {"role": "user", "content": [text]}, ANSWER, SECOND))
    assert once == later
    assert once is not None


@pytest.mark.parametrize("size", [LARGEST, 2 * LARGEST, 6 * LARGEST])
def test_conversations_with_the_same_long_system_text_are_told_apart(size: int) -> None:
    system = {"role": "system", "content": "x" * size}
    one, two = (chat(system, {"role": "user", "content": said}) for said in ("one", "two"))
    assert guess(one) != guess(two)
    grown = chat(system, {"role": "user", "content": "one"}, ANSWER, SECOND)
    assert guess(grown) == guess(one)
    long = [chat(system, {"role": "user", "content": said + "x" * 200_000}) for said in ("a", "b")]
    assert guess(long[0]) != guess(long[1])


def test_only_so_many_turns_are_looked_at() -> None:
    assert guess(chat(*[SYSTEM] * 63, FIRST)) is not None
    assert guess(chat(*[SYSTEM] * 64, FIRST)) is None


def test_only_the_beginning_of_a_large_part_counts() -> None:
    """The bytes that are hashed are bounded, however large a prompt is."""
    one, two = (chat({"role": "user", "content": "x" * 2 * LARGEST + end}) for end in "ab")
    assert guess(one) == guess(two)
    one, two = (chat(FIRST, tools=["x" * 2 * LARGEST + end]) for end in "ab")
    assert guess(one) == guess(two)


_RAWS = st.binary(max_size=60).map(msgspec.Raw)
_NAMES = st.sampled_from(["model", "messages", "input", "instructions", "system", "tools"])


@given(
    st.dictionaries(_NAMES, _RAWS),
    st.sampled_from(["chat", "responses", "messages", "images"]),
    st.none() | st.text(max_size=5),
)
def test_garbage_never_raises(fields: Fields, dialect: str, caller: str | None) -> None:
    session = guessed_session(fields, dialect, caller, SECRET)
    assert session is None or session.guessed


@pytest.mark.parametrize("depth", [900, 1000, 8000])
def test_a_turn_of_any_depth_never_raises(depth: int) -> None:
    turns = msgspec.Raw(b"[" * depth + b"]" * depth)
    assert guessed_session({"messages": turns}, "chat", None, SECRET) is None
