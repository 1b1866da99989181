"""Whole answers and every frame of a stream have the shape of the recorded ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.shape import differences
from tests.simulator.simulated import HELLO, METADATA, TOOL, Simulated, events

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openrouter"
WEB_SEARCH = {"type": "openrouter:web_search"}


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / "json" / name).read_text("utf-8"))


def recorded_frames(name: str) -> list[dict[str, Any]]:
    return list(events((FIXTURES / "sse" / name).read_text("utf-8")))


async def frames(path: str, headers: dict[str, str] | None = None, **body: Any) -> list[Any]:
    switches = body.pop("simulate", {})
    reply = await Simulated().post(path, {**body, "stream": True}, headers, **switches)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "text/event-stream"
    return list(events(reply.text))


CHAT_RECORDINGS = {
    "a": "chat_grok4_only-xai_2025-11-02.trimmed.sse",
    "b": "chat_bedrock_usage-empty-choices_2026-03-08.sse",
    "c": "chat_gpt41mini_2026-08-11.sse",
}
# Frames of the three years differ in these, and any one recording has one way only.
BY_YEAR = (
    "$.choices[].logprobs",
    "$.usage.prompt_tokens_details",
    "$.usage.completion_tokens_details",
)


@pytest.mark.parametrize("usage_chunk", ["a", "b", "c"])
async def test_chat_frames_look_as_recorded_with_each_usage_chunk(usage_chunk: str) -> None:
    was = recorded_frames(CHAT_RECORDINGS[usage_chunk])
    told = await frames(
        "/chat/completions",
        model="openai/gpt-4.1-mini",
        messages=HELLO,
        simulate={"usage_chunk": usage_chunk},
    )
    plain = [frame for frame in was if "usage" not in frame]
    reasoning = ("$.choices[].delta.reasoning", "$.choices[].delta.reasoning_details")
    for frame in told[:-1]:
        assert not differences(plain, frame, may_lack=reasoning, may_add=BY_YEAR)
    no_tool_ran = ("$.usage.server_tool_use_details",)
    assert not differences([was[-1]], told[-1], may_lack=no_tool_ran, may_add=BY_YEAR)


async def test_a_server_tool_misreports_the_provider_as_recorded() -> None:
    was = recorded_frames("chat_servertool_provider-misreported_2026-08-14.trimmed.sse")
    asking: dict[str, Any] = {"model": "qwen/qwen3-coder", "messages": HELLO, "tools": [WEB_SEARCH]}
    told = await frames("/chat/completions", **asking)
    assert {frame["provider"] for frame in told} == {frame["provider"] for frame in was}
    own = ("$.choices[].logprobs", "$.usage.is_byok")
    assert not differences([was[-1]], told[-1], may_add=own)


@pytest.mark.parametrize("case", recorded("chat_completion_nonstream.json")["cases"][:2])
async def test_a_whole_chat_completion_looks_as_recorded(case: dict[str, Any]) -> None:
    request = {**case["request"], "model": "anthropic/claude-sonnet-4.6", "tools": []}
    reply = await Simulated().post("/chat/completions", request)
    later = ("$.service_tier",)
    assert not differences([case["response"]], reply.json(), may_add=later)


async def test_a_whole_response_looks_as_recorded_and_names_no_provider() -> None:
    body = {"model": "openai/gpt-5.6-luna", "input": "hi", "provider": {"only": ["openai"]}}
    reply = await Simulated().post("/responses", body)
    was = recorded("responses_nonstream_2026-07-17.json")["response"]
    told = reply.json()
    told["output"] = [item for item in told["output"] if item["type"] == "message"]
    phases = ("$.output[].phase",)
    assert not differences([was], told, may_lack=phases, free=["$.reasoning"])
    assert "provider" not in told


@pytest.mark.parametrize(
    ("name", "tools"),
    [
        ("responses_gpt4o_2026-08-04.sse", []),
        (
            "responses_toolcall_bare-comment_2026-08-04.sse",
            [{**TOOL["function"], "type": "function"}],
        ),
    ],
)
async def test_response_events_look_as_recorded_and_come_in_that_order(
    name: str, tools: list[Any]
) -> None:
    was = recorded_frames(name)
    told = await frames("/responses", model="openai/gpt-4.1-mini", input="hi", tools=tools)
    assert _kinds(told) == _kinds(was)
    assert [frame["sequence_number"] for frame in told] == list(range(len(told)))
    for frame in told:
        alike = [other for other in was if other["type"] == frame["type"]]
        later = ("$.response.prompt_cache_options",)
        data = ("$.response.tools", "$.response.reasoning")
        found = differences(alike, frame, may_lack=later, free=data)
        assert not found, frame["type"]


@pytest.mark.parametrize(
    ("name", "tools", "headers"),
    [
        ("messages_toolcall_2026-09-03.reframed.sse", 1, {}),
        ("messages_metadata_on_stop.COMPOSED.sse", 0, METADATA),
    ],
)
async def test_message_events_look_as_recorded_and_come_in_that_order(
    name: str, tools: int, headers: dict[str, str]
) -> None:
    was = recorded_frames(name)
    tool = {"name": "get_weather", "input_schema": TOOL["function"]["parameters"]}
    body = {"model": "anthropic/claude-haiku-4.5", "messages": HELLO, "tools": [tool] * tools}
    told = await frames("/messages", headers, **body)
    assert _kinds(told) == _kinds(was)
    for frame in told:
        alike = [other for other in was if other["type"] == frame["type"]]
        # The author of the recording shortened it; these are in the schema (openrouter.md §3.4).
        cut = ("$.message.provider", "$.message.stop_sequence", "$.message.usage", "$.usage")
        composed = ("$.openrouter_metadata.generation_time",)
        found = differences(alike, frame, may_add=cut, may_lack=composed)
        assert not found, frame["type"]


def _kinds(frames: list[dict[str, Any]]) -> list[str]:
    """The types in their order, a run of deltas as one."""
    kinds = [frame["type"] for frame in frames]
    return [kind for place, kind in enumerate(kinds) if place == 0 or kinds[place - 1] != kind]


METADATA_CASES = recorded("router_metadata_composed.json")


@pytest.mark.parametrize(
    ("case", "switches"),
    [
        ("success_first_try", {}),
        ("success_after_fallback", {"fail": {"moonshotai": 429}}),
    ],
)
async def test_router_metadata_is_in_the_sdk_s_shape(case: str, switches: dict[str, Any]) -> None:
    pinned = {"order": ["moonshotai", "novita"], "only": ["moonshotai", "novita"]}
    reply = await Simulated().chat(
        "moonshotai/kimi-k2", provider=pinned, headers=METADATA, simulate=switches
    )
    told = reply.json()["openrouter_metadata"]
    was = METADATA_CASES[case]
    assert not differences([was], told, may_lack=["$.generation_time"])
    assert (told["strategy"], told["attempt"]) == (was["strategy"], was["attempt"])
    assert [row["selected"] for row in told["endpoints"]["available"]] == [
        not switches,
        bool(switches),
    ]
    assert [row["status"] for row in told.get("attempts", [])] == [
        row["status"] for row in was.get("attempts", [])
    ]
    assert told["summary"].partition(" selected=")[0] == (
        "available=2, attempts=2," if switches else "available=2,"
    )


async def test_a_live_mid_stream_error_looks_as_recorded() -> None:
    was = recorded_frames("chat_midstream_error_2025-11-03.sse")
    asking: dict[str, Any] = {"model": "minimax/minimax-m2", "messages": HELLO}
    told = await frames("/chat/completions", **asking, simulate={"stream_error": "live"})
    assert not differences([was[-1]], told[-1], may_add=BY_YEAR)
    assert told[-1]["error"] == was[-1]["error"]
    assert told[-1]["choices"][0]["finish_reason"] is None


async def test_a_documented_mid_stream_error_looks_as_documented() -> None:
    was, _ = recorded_frames("docs_midstream_error_examples.sse")
    asking: dict[str, Any] = {"model": "minimax/minimax-m2", "messages": HELLO}
    told = await frames("/chat/completions", **asking, simulate={"stream_error": "documented"})
    later = ("$.choices[].logprobs", "$.choices[].native_finish_reason", "$.choices[].delta.role")
    assert not differences([was], told[-1], may_add=later)
    assert told[-1]["error"] == was["error"]
    assert told[-1]["choices"][0]["finish_reason"] == "error"
