"""The router's account of who got the prompt: where it is odd, late or too large."""

from typing import Any

import pytest

from app.wire.dialect import DIALECTS
from app.wire.frame import Frame, read_frame
from app.wire.notes import Notes
from app.wire.observation import RouterMetadata, read_metadata

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
    assert seen.unreadable == "the field that names the provider is too large"


@pytest.mark.parametrize(
    ("choices", "answered"),
    [
        ([{"message": {"content": "x"}}], True),
        ([{"message": {"content": None, "tool_calls": [{"id": "x"}]}}], True),
        ([{"text": "x"}], True),
        ([{"message": {"content": ""}}], False),
        ([], False),
    ],
)
def test_t51_content_beside_an_error_is_an_answer(choices: Any, *, answered: bool) -> None:
    notes = Notes(CHAT)
    notes.take(Frame(error={"code": 502}, choices=choices))
    seen = notes.observation()
    assert (seen.answered, seen.failed) == (answered, not answered)
