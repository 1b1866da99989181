"""Event streams: framing, comments, deltas that add up, and the ways a stream can end."""

import json
from typing import Any

import pytest

from tests.simulator.simulated import HELLO, TOOL, Simulated, events

COMMENT = ": OPENROUTER PROCESSING"
BODY: dict[str, Any] = {"messages": HELLO, "input": "hello", "prompt": "hello"}
PATHS = ["chat/completions", "completions", "responses", "messages"]


async def stream(path: str, model: str = "x-ai/grok-4", **fields: Any) -> str:
    switches = fields.pop("simulate", {})
    body = {"model": model, **BODY, **fields, "stream": True}
    reply = await Simulated().post(f"/{path}", body, **switches)
    assert reply.status_code == 200, reply.text
    return reply.text


@pytest.mark.parametrize("path", PATHS)
async def test_frames_end_with_a_blank_line_and_the_stream_with_done(path: str) -> None:
    text = await stream(path)
    assert "\r" not in text
    assert text.endswith("\n\n")
    frames = text.removesuffix("\n\n").split("\n\n")
    named = path == "messages"
    assert frames[-1] == ("event: data\ndata: [DONE]" if named else "data: [DONE]")
    for frame in frames[:-1]:
        *name, line = frame.split("\n")
        if frame == COMMENT:
            continue
        content = json.loads(line.removeprefix("data: "))
        assert name == ([f"event: {content['type']}"] if named else [])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("comments", [0, 1, 6])
async def test_comments_come_before_the_first_frame_and_in_between(
    path: str, comments: int
) -> None:
    text = await stream(path, simulate={"comments": comments})
    frames = text.split("\n\n")
    before = next(n for n, frame in enumerate(frames) if frame != COMMENT)
    assert before == comments
    assert frames[before:].count(COMMENT) == comments // 2
    assert COMMENT not in frames[-3:], "none after the last frame"


async def test_text_deltas_add_up_to_the_whole_text() -> None:
    simulated = Simulated()
    whole = (await simulated.chat("x-ai/grok-4")).json()["choices"][0]["message"]["content"]
    chat = list(events(await stream("chat/completions")))
    text = list(events(await stream("completions")))
    told = list(events(await stream("responses")))
    message = list(events(await stream("messages")))
    deltas = [
        [frame["choices"][0]["delta"]["content"] for frame in chat],
        [frame["choices"][0]["text"] for frame in text],
        [frame["delta"] for frame in told if frame["type"] == "response.output_text.delta"],
        [frame["delta"]["text"] for frame in message if frame["type"] == "content_block_delta"],
    ]
    # The answer quotes a digest of the prompt, and each dialect words the prompt in its own way.
    heads = {"".join(pieces).partition("digest is")[0] for pieces in deltas}
    assert heads == {whole.partition("digest is")[0]}
    assert all(len(pieces) > 5 for pieces in deltas)


async def test_tool_call_deltas_add_up_to_arguments_that_are_json() -> None:
    chat = list(events(await stream("chat/completions", tools=[TOOL])))
    pieces = [
        call
        for frame in chat
        for choice in frame["choices"]
        for call in choice["delta"].get("tool_calls", [])
    ]
    assert pieces[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert pieces[0]["id"].startswith("call_")
    assert all("id" not in piece and piece["index"] == 0 for piece in pieces[1:])
    arguments = "".join(piece["function"]["arguments"] for piece in pieces)
    assert json.loads(arguments) == {"city": "Lisbon"}
    assert len(pieces) > 2
    assert chat[-1]["choices"][0]["finish_reason"] == "tool_calls"

    told = list(events(await stream("responses", tools=[{"type": "function", **TOOL["function"]}])))
    pieces = [frame for frame in told if frame["type"].endswith("arguments.delta")]
    assert "".join(piece["delta"] for piece in pieces) == arguments
    item = told[-1]["response"]["output"][-1]
    assert (item["type"], item["name"], item["arguments"]) == (
        "function_call",
        "get_weather",
        arguments,
    )

    tool = {"name": "get_weather", "input_schema": TOOL["function"]["parameters"]}
    message = list(events(await stream("messages", tools=[tool])))
    pieces = [frame["delta"] for frame in message if frame["type"] == "content_block_delta"]
    assert "".join(piece["partial_json"] for piece in pieces) == arguments
    assert message[-2]["delta"]["stop_reason"] == "tool_use"


async def test_reasoning_comes_before_the_answer() -> None:
    chat = list(events(await stream("chat/completions", "openai/gpt-5.6-luna")))
    thinking = [n for n, f in enumerate(chat) if f["choices"][0]["delta"].get("reasoning")]
    speaking = [n for n, f in enumerate(chat) if f["choices"][0]["delta"].get("content")]
    assert thinking
    assert max(thinking) < min(speaking)
    assert chat[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
    told = list(events(await stream("responses", "openai/gpt-5.6-luna")))
    assert [item["type"] for item in told[-1]["response"]["output"]] == ["reasoning", "message"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_stream_and_a_whole_answer_bill_alike(path: str) -> None:
    body = {"model": "x-ai/grok-4", **BODY}
    whole = (await Simulated().post(f"/{path}", body)).json()["usage"]
    frames = list(events(await stream(path)))
    last = next(frame for frame in reversed(frames) if "usage" in str(frame))
    assert last.get("usage", last.get("response", {}).get("usage")) == whole


@pytest.mark.parametrize("path", PATHS)
async def test_a_stream_can_lack_its_done(path: str) -> None:
    text = await stream(path, simulate={"cut": "no_done"})
    assert (await stream(path)).startswith(text)
    assert "[DONE]" not in text
    assert "usage" in text


@pytest.mark.parametrize(
    ("path", "variant", "error", "done"),
    [
        ("chat/completions", "documented", {"code": "server_error"}, False),
        ("chat/completions", "live", {"code": 400, "message": "Token limit reached"}, True),
        ("chat/completions", "nested", {"code": 502, "message": "Provider returned error"}, True),
        ("completions", "documented", {"code": "server_error"}, False),
        ("completions", "nested", {"code": 502}, True),
        ("messages", "documented", {"type": "api_error"}, False),
        ("responses", "documented", {"code": "server_error"}, False),
    ],
)
async def test_an_error_can_come_after_tokens(
    path: str, variant: str, error: dict[str, Any], *, done: bool
) -> None:
    text = await stream(path, simulate={"stream_error": variant})
    frames = list(events(text))
    last = frames[-1]
    told = last["response"]["error"] if "response" in last else last["error"]
    assert told.items() >= error.items()
    assert len(frames) > 3
    assert not any(frame.get("error") for frame in frames[:-1])
    assert text.endswith("data: [DONE]\n\n") == done
    if path == "responses":
        assert [frame["sequence_number"] for frame in frames] == list(range(len(frames)))
        assert last["type"] == "response.failed"


async def test_a_nested_error_names_who_failed() -> None:
    frames = list(events(await stream("chat/completions", simulate={"stream_error": "nested"})))
    metadata = frames[-1]["error"]["metadata"]
    assert metadata["provider_name"] == frames[0]["provider"] == "xAI"
    assert set(metadata) == {"raw", "provider_name"}
