"""How a request is read: names, suffixes, sessions, limits, in every dialect."""

from typing import Any

import pytest

from app.simulator.ask import Ask, read_ask
from app.simulator.catalog import Catalog
from app.simulator.refusals import Refusal
from app.simulator.switches import Switches
from tests.simulator.simulated import TOOL, asked

SHIPPED = Catalog.read(None)


@pytest.mark.parametrize(
    ("name", "model", "suffix", "strategy"),
    [
        ("qwen/qwen3-coder", "qwen/qwen3-coder", "", "direct"),
        ("qwen/qwen3-coder-480b-a35b-07-25", "qwen/qwen3-coder", "", "direct"),
        ("qwen/qwen3-coder:free", "qwen/qwen3-coder:free", "", "direct"),
        ("qwen/qwen3-coder:nitro", "qwen/qwen3-coder", "nitro", "direct"),
        ("qwen/qwen3-coder:floor", "qwen/qwen3-coder", "floor", "direct"),
        ("qwen/qwen3-coder:exacto", "qwen/qwen3-coder", "exacto", "direct"),
        ("qwen/qwen3-coder:online", "qwen/qwen3-coder", "online", "direct"),
        ("anthropic/claude-sonnet-4-6", "anthropic/claude-sonnet-4.6", "", "direct"),
        ("anthropic/claude-4.6-sonnet-20260217", "anthropic/claude-sonnet-4.6", "", "direct"),
        ("~anthropic/claude-sonnet-latest", "anthropic/claude-sonnet-4.6", "", "latest"),
        ("openrouter/auto", "openrouter/auto", "", "auto"),
        ("openrouter/auto:floor", "openrouter/auto", "floor", "auto"),
        ("openrouter/free", "openrouter/free", "", "free"),
        ("nvidia/switchyard", "nvidia/switchyard", "", "auto"),
    ],
)
def test_a_model_is_known_by_any_of_its_names(
    name: str, model: str, suffix: str, strategy: str
) -> None:
    (candidate,) = asked(SHIPPED, model=name).candidates
    assert (candidate.model.id, candidate.suffix, candidate.strategy) == (model, suffix, strategy)


@pytest.mark.parametrize(
    "name", ["qwen", "qwen/qwen3-coder:", "openrouter/auto:free", "QWEN/QWEN3-CODER"]
)
def test_any_other_name_is_no_model(name: str) -> None:
    with pytest.raises(Refusal, match="is not a valid model ID") as refused:
        asked(SHIPPED, model=name)
    assert refused.value.status == 400


def test_fallback_models_follow_the_first_once_each() -> None:
    ask = asked(SHIPPED, model="x-ai/grok-4", models=["x-ai/grok-4", "minimax/minimax-m2"])
    assert [candidate.model.id for candidate in ask.candidates] == [
        "x-ai/grok-4",
        "minimax/minimax-m2",
    ]
    assert ask.requested == "x-ai/grok-4"


def read(headers: dict[str, str] | None = None, **body: Any) -> Ask:
    return read_ask({"model": "x-ai/grok-4", **body}, "chat", headers or {}, SHIPPED, Switches())


@pytest.mark.parametrize(
    ("headers", "fields", "session", "explicit"),
    [
        ({"x-session-id": "h"}, {"session_id": "b", "prompt_cache_key": "k"}, "b", True),
        ({"x-session-id": "h"}, {"prompt_cache_key": "k"}, "h", True),
        ({}, {"prompt_cache_key": "k"}, "k", False),
    ],
)
def test_a_session_goes_by_body_then_header_then_cache_key(
    headers: dict[str, str], fields: dict[str, str], session: str, *, explicit: bool
) -> None:
    assert read(headers, **fields).session == session
    assert read(headers, **fields).explicit_session == explicit


@pytest.mark.parametrize("system", ["system", "developer", None])
def test_an_unnamed_session_goes_by_its_opening(system: str | None) -> None:
    opening = [{"role": system, "content": "s"}] if system else []
    opening = [*opening, {"role": "user", "content": "one"}]
    later = [*opening, {"role": "assistant", "content": "a"}, {"role": "user", "content": "two"}]
    assert read(messages=opening).session == read(messages=later).session
    assert not read(messages=opening).explicit_session
    marked = [{**opening[0], "cache_control": {"type": "ephemeral"}}, *opening[1:]]
    assert read(messages=marked).session == read(messages=opening).session
    for place in range(len(opening)):
        other = [*opening[:place], {**opening[place], "content": "other"}, *opening[place + 1 :]]
        assert read(messages=other).session != read(messages=opening).session


@pytest.mark.parametrize("turns", ["messages", "input"])
@pytest.mark.parametrize("told", ["system", "instructions"])
def test_an_opening_may_have_its_system_text_beside_the_turns(told: str, turns: str) -> None:
    first: dict[str, Any] = {turns: [{"role": "user", "content": "one"}]}
    later: dict[str, Any] = {turns: [*first[turns], {"role": "assistant", "content": "a"}]}
    sessions = [
        read(None, **fields).session
        for fields in (first | {told: "s"}, later | {told: "s"}, first, first | {told: "t"})
    ]
    assert sessions[0] == sessions[1]
    assert len(set(sessions)) == 3


def test_an_opening_may_be_one_text() -> None:
    assert read(input="a", messages=None).session == read(input="a", messages=None).session
    assert read(input="a", messages=None).session != read(input="b", messages=None).session


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({}, None),
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6}, 6),
        ({"max_output_tokens": 7}, 7),
        ({"max_tokens": None}, None),
        ({"max_tokens": "5"}, None),
        ({"max_tokens": -1}, None),
    ],
)
def test_the_limit_has_three_names(fields: dict[str, Any], limit: int | None) -> None:
    assert read(**fields).most_tokens == limit


def test_function_tools_are_the_same_in_three_dialects() -> None:
    function = TOOL["function"]
    anthropic = {"name": function["name"], "input_schema": function["parameters"]}
    for tool in (TOOL, {"type": "function", **function}, anthropic):
        (read_tool,) = read(tools=[tool]).tools
        assert read_tool["name"] == "get_weather"
        assert read_tool["parameters"] == function["parameters"]
    assert not read(tools=[{"type": "openrouter:web_search"}]).tools


@pytest.mark.parametrize(
    ("fields", "own"),
    [
        ({"tools": [{"type": "openrouter:web_search"}]}, True),
        ({"tools": [TOOL]}, False),
        ({"model": "x-ai/grok-4:online"}, True),
        ({}, False),
    ],
)
def test_server_tools_are_those_of_openrouter(fields: dict[str, Any], *, own: bool) -> None:
    assert read(**fields).server_tools == own


@pytest.mark.parametrize(
    ("part", "picture"),
    [
        ({"type": "image_url", "image_url": {"url": "data:"}}, True),
        ({"type": "input_image", "image_url": "data:"}, True),
        ({"type": "image", "source": {}}, True),
        ({"type": "text", "text": "an image"}, False),
    ],
)
def test_a_picture_is_one_in_any_dialect(part: dict[str, Any], *, picture: bool) -> None:
    assert read(messages=[{"role": "user", "content": [part]}]).has_images == picture
