"""Errors and nothings that come with status 200, in every shape and dialect."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.shape import differences
from tests.simulator.simulated import HELLO, METADATA, TOOL, Simulated, events

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openrouter" / "additions"
PATHS = ["chat/completions", "completions", "responses", "messages"]
BODY: dict[str, Any] = {"messages": HELLO, "input": "hello", "prompt": "hello"}
REASON = {"code": 502, "message": "Provider returned error"}
DONE = "data: [DONE]\n\n"


def composed(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text("utf-8"))


async def ask(path: str, *, stream: bool, headers: Any = None, **switches: Any) -> Any:
    """The text of a stream, the JSON of a whole answer."""
    body = {"model": "x-ai/grok-4", **BODY, "stream": stream}
    reply = await Simulated().post(f"/{path}", body, headers, comments=0, **switches)
    assert reply.status_code == 200, reply.text
    assert reply.headers["x-generation-id"].startswith("gen-")
    kind = "text/event-stream" if stream else "application/json"
    assert reply.headers["content-type"] == kind
    return reply.text if stream else reply.json()


@pytest.mark.parametrize("path", PATHS[:3])
async def test_an_error_can_be_the_whole_body_as_composed(path: str) -> None:
    told = await ask(path, stream=False, error_in_200="body")
    was = composed("error_in_200.COMPOSED.json")["body"]
    assert not differences([was], told)
    assert told["error"] == was["error"]


@pytest.mark.parametrize("position", ["body", "text", "failed", "event", "response_error"])
async def test_an_error_on_messages_has_anthropic_s_envelope(position: str) -> None:
    told = await ask("messages", stream=False, error_in_200=position)
    assert told["type"] == "error"
    assert told["request_id"].startswith("gen-")
    if position == "text":
        assert told["error"] == "Provider returned error"
    else:
        assert told["error"]["message"] == "Provider returned error"
        assert set(told["error"]) == {"type", "message", "error_type"}
    text = await ask("messages", stream=True, error_in_200=position)
    name, line = text.removesuffix("\n\n").split("\n")
    assert name == "event: error"
    assert json.loads(line.removeprefix("data: "))["type"] == "error"


@pytest.mark.parametrize("path", PATHS[:3])
@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_can_be_a_plain_string(path: str, *, stream: bool) -> None:
    told = await ask(path, stream=stream, error_in_200="text")
    (body,) = events(told) if stream else [told]
    assert body == {"error": "Provider returned error", "user_id": "user_simulated"}


@pytest.mark.parametrize("path", PATHS[:3])
async def test_an_error_can_be_a_stream_s_only_event(path: str) -> None:
    text = await ask(path, stream=True, error_in_200="body")
    assert text.count("\n\n") == 1
    (told,) = events(text)
    assert told == {"error": REASON, "user_id": "user_simulated"}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("path", "words"), [("chat/completions", "message"), ("completions", "")])
async def test_a_choice_can_be_an_error(path: str, words: str, *, stream: bool) -> None:
    told = await ask(path, stream=stream, error_in_200="failed", headers=METADATA)
    (body,) = events(told) if stream else [told]
    (choice,) = body["choices"]
    assert (choice["finish_reason"], choice["error"]) == ("error", REASON)
    assert (body["provider"], body["model"]) == ("xAI", "x-ai/grok-4-07-09")
    assert body["openrouter_metadata"]["attempt"] == 1
    assert not choice.get("text")
    if words:
        assert choice["delta" if stream else "message"]["content"] == ""
    assert "error" not in body


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_can_be_a_failed_one(*, stream: bool) -> None:
    told = await ask("responses", stream=stream, error_in_200="failed", headers=METADATA)
    if stream:
        (event,) = events(told)
        assert (event["type"], event["sequence_number"]) == ("response.failed", 0)
        told = event["response"]
    assert (told["status"], told["output"], told["usage"]) == ("failed", [], None)
    assert told["error"] == {"code": "server_error", "message": "Provider returned error"}
    assert "openrouter_metadata" in told


@pytest.mark.parametrize(
    ("position", "kind", "where"),
    [("event", "error", ()), ("response_error", "response.error", ("error",))],
)
async def test_a_responses_stream_can_be_one_error_event(
    position: str, kind: str, where: tuple[str, ...]
) -> None:
    (event,) = events(await ask("responses", stream=True, error_in_200=position))
    assert event["type"] == kind
    told = event[where[0]] if where else event
    assert told["message"] == "Provider returned error"
    whole = await ask("responses", stream=False, error_in_200=position)
    assert whole["error"] == REASON


# --- answers without a word, openrouter.md §A5.3 ----------------------------------------------


@pytest.mark.parametrize(("position", "case"), [("network_error", 0), ("reasoning_only", 1)])
async def test_an_empty_answer_looks_as_composed(position: str, case: int) -> None:
    was = composed("empty_success_nonstream.COMPOSED.json")["cases"][case]["body"]
    told = await ask("chat/completions", stream=False, empty=position)
    reasoning = "$.choices[].message.reasoning_details"
    added = (reasoning, "$.usage", "$.system_fingerprint", "$.service_tier")
    assert not differences([was], told, may_add=added)
    assert not told["choices"][0]["message"]["content"]
    native = told["choices"][0]["native_finish_reason"]
    assert (told["choices"][0]["finish_reason"], native) == (
        "stop",
        was["choices"][0]["native_finish_reason"],
    )
    assert ("usage" in told) == ("usage" in was)


@pytest.mark.parametrize(
    ("position", "name"),
    [
        ("network_error", "empty_success_network_error.COMPOSED.sse"),
        ("reasoning_only", "empty_success_billed_reasoning_only.COMPOSED.sse"),
    ],
)
async def test_an_empty_stream_looks_as_composed(position: str, name: str) -> None:
    was = list(events((FIXTURES / name).read_text("utf-8")))
    text = await ask("chat/completions", stream=True, empty=position)
    told = list(events(text))
    assert text.endswith(DONE)
    for frame in told:
        later = ("$.service_tier", "$.usage.completion_tokens_details.image_tokens")
        added = (*later, "$.usage.prompt_tokens_details", "$.usage.cost_details")
        lacking = [] if "usage" in frame else ["$.usage"]
        reasoning = ("$.choices[].delta.reasoning", "$.choices[].delta.reasoning_details")
        alike = [each for each in was if ("usage" in each) == ("usage" in frame)]
        lacking = [*lacking, *reasoning]
        assert not differences(alike, frame, may_lack=lacking, may_add=added)
    assert not any(frame["choices"][0]["delta"].get("content") for frame in told)
    assert [f["choices"][0]["native_finish_reason"] for f in told][-1] == (
        was[-1]["choices"][0]["native_finish_reason"]
    )
    assert any("usage" in frame for frame in told) == (position == "reasoning_only")


async def test_what_was_thought_and_not_said_is_billed() -> None:
    usage = (await ask("chat/completions", stream=False, empty="reasoning_only"))["usage"]
    assert usage["completion_tokens"] > 0
    assert usage["completion_tokens_details"]["reasoning_tokens"] == usage["completion_tokens"]
    assert usage["cost_details"]["upstream_inference_completions_cost"] > 0


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", PATHS)
async def test_a_dead_upstream_bills_nothing_and_says_nothing(path: str, *, stream: bool) -> None:
    told = await ask(path, stream=stream, empty="network_error", headers=METADATA)
    text = told if stream else json.dumps(told)
    assert "simulated answer" not in text
    assert "cost" not in json.dumps(list(events(text))[-1] if stream else told)
    assert "openrouter_metadata" in text


async def test_an_empty_answer_calls_no_tool_either() -> None:
    reply = await Simulated().chat("x-ai/grok-4", tools=[TOOL], simulate={"empty": "network_error"})
    assert "tool_calls" not in reply.json()["choices"][0]["message"]
