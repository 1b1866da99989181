"""The router's account of who got the prompt: where it is odd, late or too large."""

import json
from typing import Any

import pytest

from app.wire.dialect import DIALECTS, Dialect
from app.wire.frame import Frame, read_frame
from app.wire.notes import Notes
from app.wire.observation import Observation, RouterMetadata, read_metadata
from app.wire.observer import Observer

CHAT = DIALECTS["/chat/completions"]
NOVITA, CHUTES = {"provider": "Novita", "status": 200}, {"provider": "Chutes", "status": 500}


def account(**told: Any) -> RouterMetadata:
    found = read_metadata(told)
    assert found is not None
    return found


def available(*names: str) -> dict[str, Any]:
    return {"available": [{"provider": name, "selected": True} for name in names]}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({}, None),
        ({"attempt": 0}, None),
        ({"attempt": 1, "endpoints": available("Novita")}, None),
        ({"attempt": 2, "attempts": [CHUTES, NOVITA]}, None),
        ({"endpoints": available("Novita", "NOVITA")}, None),
        ({"endpoints": available("Novita", "Chutes")}, "more than one provider as selected"),
        ({"attempts": [{"status": 500}, NOVITA]}, "an attempt without a provider"),
        ({"attempt": 3}, "counts 3 attempts but lists 0"),
        ({"attempt": 3, "attempts": [CHUTES, NOVITA]}, "counts 3 attempts but lists 2"),
    ],
)
def test_t59_an_account_says_where_it_may_not_name_everybody(
    told: dict[str, Any], why: str | None
) -> None:
    unclear = account(**told).unclear
    assert unclear is None if why is None else why in (unclear or "")


def notes_of(*accounts: Any) -> RouterMetadata | None:
    notes = Notes(CHAT)
    for each in accounts:
        notes.take(Frame(openrouter_metadata=each))
    return notes.observation().metadata


def test_t59_attempts_of_an_earlier_account_are_kept() -> None:
    joined = notes_of({"attempts": [CHUTES, {}]}, {"attempts": [NOVITA], "strategy": "direct"})
    assert joined is not None
    assert [each.provider for each in joined.attempts] == ["Chutes", "Novita"]
    assert (joined.strategy, bool(joined.unclear)) == ("direct", True)
    same = notes_of({"attempts": [NOVITA]}, {"attempts": [NOVITA]}, "no account")
    assert same is not None
    assert [each.provider for each in same.attempts] == ["Novita"]


@pytest.mark.parametrize("name", [b"provider", b"usage", b"openrouter_metadata"])
def test_a_field_that_tells_who_served_and_is_too_large_is_told(name: bytes) -> None:
    frame = read_frame(b'{"%b":{"x":"%b"},"model":"a/b"}' % (name, b"y" * 70_000))
    assert frame is not None
    notes = Notes(CHAT)
    notes.take(frame)
    seen = notes.observation()
    assert (seen.model, seen.partly_read) == ("a/b", True)
    assert seen.unreadable == "the field that names the provider is too large to be read"


@pytest.mark.parametrize(
    ("choices", "answered"),
    [
        ([{"message": {"content": "x"}}], True),
        ([{"message": {"content": None, "tool_calls": [{"id": "x"}]}}], True),
        ([{"text": "x"}], True),
        ([{"message": {"content": None, "reasoning": "x"}}], True),
        ([{"message": "x"}], True),
        ([{"message": {"content": ""}}], False),
        ([], False),
    ],
)
def test_t51_content_beside_an_error_is_an_answer(choices: Any, *, answered: bool) -> None:
    told = {"error": {"code": 502}, "choices": choices}
    seen = whole(CHAT, told)
    assert (seen.answered, seen.failed) == (answered, not answered)


def whole(dialect: Dialect, body: dict[str, Any]) -> Observation:
    observer = Observer(dialect, content_type="application/json")
    observer.feed(json.dumps(body).encode())
    return observer.close()


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("nothing", [None, [], "", {}])
@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/responses", {"output": [{"type": "message", "content": [{"text": "x"}]}]}),
        ("/messages", {"content": [{"type": "text", "text": "x"}]}),
        ("/embeddings", {"data": [{"embedding": [0.5]}]}),
        ("/images", {"data": [{"b64_json": "x"}]}),
        ("/rerank", {"results": [{"index": 0}]}),
        ("/audio/transcriptions", {"text": "x"}),
    ],
)
def test_t51_so_it_is_in_every_dialect(
    path: str, content: dict[str, Any], nothing: Any, *, large: bool
) -> None:
    error = {"error": {"code": "server_error"}, "padding": "x" * 70_000 * large}
    assert not whole(DIALECTS[path], {**error, **content}).failed
    assert whole(DIALECTS[path], {**error, **dict.fromkeys(content, nothing)}).failed


def test_t51_and_in_what_the_last_event_of_a_stream_wraps() -> None:
    for output, failed in (([], True), ([{"type": "message"}], False)):
        observer = Observer(DIALECTS["/responses"], content_type="text/event-stream")
        told = {"error": {"code": "server_error"}, "output": output}
        event = json.dumps({"type": "response.failed", "response": told}).encode()
        observer.feed(b"data: " + event + b"\n\n")
        assert observer.close().failed is failed


@pytest.mark.parametrize("streamed", [False, True])
def test_t51_the_form_that_was_asked_for_is_no_content(*, streamed: bool) -> None:
    """A response repeats its request's `text: {format}`, also where it failed."""
    told = {
        "status": "failed",
        "error": {"code": "server_error"},
        "output": [],
        "text": {"format": {"type": "text"}},
    }
    if not streamed:
        assert whole(DIALECTS["/responses"], told).failed
        return
    observer = Observer(DIALECTS["/responses"], content_type="text/event-stream")
    event = json.dumps({"type": "response.failed", "response": told}).encode()
    observer.feed(b"data: " + event + b"\n\n")
    assert observer.close().failed
