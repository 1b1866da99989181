"""Sealed reasoning: its shape in each dialect, and which host accepts it again."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.simulator.sealing import sealed_parts
from tests.simulator.shape import shape_of
from tests.simulator.simulated import HELLO, TOOL, Simulated, endpoint, events, model

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openrouter" / "additions"
SHAPES = json.loads((FIXTURES / "sealed_reasoning_shapes.COMPOSED.json").read_text("utf-8"))
ERRORS = json.loads((FIXTURES / "sealed_reasoning_errors.json").read_text("utf-8"))["entries"]
CLAUDE, LUNA, GROK = "anthropic/claude-sonnet-4.6", "openai/gpt-5.6-luna", "x-ai/grok-4"
GEMINI, GLM = "google/gemini-2.5-flash", "z-ai/glm-4.6"
ASKED = {"reasoning": {"effort": "low"}, "thinking": {"type": "enabled"}}
INCLUDED = {"include": ["reasoning.encrypted_content"]}
PATHS = ["chat/completions", "responses", "messages"]


class Talk:
    """A conversation with one model, in one dialect, from turn to turn at a host of choice."""

    def __init__(self, path: str, name: str, *models: Any, stream: bool = False, **switches: Any):
        self.path, self.name, self.stream = path, name, stream
        self.simulated = Simulated(*models, **switches)
        self.turns: list[Any] = [*HELLO]

    async def ask(self, host: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        """One turn; a successful answer is added to the conversation as it came."""
        body = {"model": self.name, **ASKED, **INCLUDED, "provider": {"only": [host]}, **fields}
        body |= {"messages": self.turns, "input": self.turns, "stream": self.stream}
        reply = await self.simulated.post(f"/{self.path}", body)
        if reply.status_code != 200:
            return reply.status_code, reply.json()["error"]
        told = {"events": list(events(reply.text))} if self.stream else reply.json()
        self.turns = [*self.turns, *_as_turns(self.path, told), *HELLO]
        return 200, told


def _as_turns(path: str, told: dict[str, Any]) -> list[Any]:
    """An answer as an agent sends it back."""
    if "events" in told:
        return [_joined(path, told["events"])] if path != "responses" else _items(told["events"])
    if path == "responses":
        return list(told["output"])
    if path == "messages":
        return [{"role": "assistant", "content": told["content"]}]
    return [told["choices"][0]["message"]]


def _items(frames: list[dict[str, Any]]) -> list[Any]:
    return [told["item"] for told in frames if told["type"] == "response.output_item.done"]


def _joined(path: str, frames: list[dict[str, Any]]) -> dict[str, Any]:
    """Deltas of a chat put into a list, or blocks of a message with their deltas added."""
    if path == "chat/completions":
        deltas = [choice["delta"] for told in frames for choice in told["choices"]]
        details = [part for delta in deltas for part in delta.get("reasoning_details", ())]
        return {"role": "assistant", "content": "x", "reasoning_details": details}
    blocks: list[dict[str, Any]] = []
    for told in frames:
        if told["type"] == "content_block_start":
            blocks.append(told["content_block"])
        if told["type"] == "content_block_delta":
            for name in ("text", "thinking", "signature"):
                if name in told["delta"]:
                    blocks[-1][name] += told["delta"][name]
    return {"role": "assistant", "content": blocks}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("name", "home", "other"),
    [
        (CLAUDE, "anthropic", "amazon-bedrock"),
        (CLAUDE, "amazon-bedrock", "anthropic"),
        (LUNA, "openai", "azure"),
        (GEMINI, "google-ai-studio", "google-vertex"),
        (GEMINI, "google-vertex", "google-ai-studio"),
    ],
)
async def test_a_sealed_part_is_accepted_at_its_host_alone(
    path: str, name: str, home: str, other: str, *, stream: bool
) -> None:
    talk = Talk(path, name, stream=stream)
    for _ in range(3):
        status, _ = await talk.ask(home)
        assert status == 200
    assert len(list(sealed_parts({"messages": talk.turns}))) == 3
    status, error = await talk.ask(other)
    assert status == 400
    if path == "messages":
        words = error["message"]
    else:
        assert error["message"] == "Provider returned error"
        assert error["metadata"]["provider_name"]
        words = json.loads(error["metadata"]["raw"])
        words = words.get("error", words)["message"]
    known = [
        entry
        for entry in ERRORS
        if re.fullmatch(entry.get("message_pattern", "-"), words) or entry.get("message") == words
    ]
    assert known, words
    assert (await talk.ask(home))[0] == 200


@pytest.mark.parametrize("path", PATHS)
async def test_plain_reasoning_goes_anywhere(path: str) -> None:
    talk = Talk(path, GLM)
    for host in ("z-ai", "novita", "z-ai"):
        status, told = await talk.ask(host)
        assert status == 200
        assert "The request is simulated" in json.dumps(told), "it did reason"
    assert not list(sealed_parts({"messages": talk.turns}))


async def test_no_host_of_another_company_takes_over_in_secret() -> None:
    """A 400 fails at once, though the next host would be asked after any other error."""
    talk = Talk("chat/completions", LUNA)
    await talk.ask("openai")
    fallback = {"provider": {"order": ["azure", "openai"]}}
    status, _ = await talk.ask("azure", **fallback)
    assert status == 400
    assert talk.simulated.reached()[-1][:2] == (LUNA, "azure")


@pytest.mark.parametrize(("position", "status"), [("unchecked", 200), ("checked", 400)])
async def test_a_switch_lets_hosts_accept_each_other_s_seals(position: str, status: int) -> None:
    talk = Talk("chat/completions", CLAUDE, sealed_reasoning=position)
    assert (await talk.ask("anthropic"))[0] == 200
    assert (await talk.ask("azure"))[0] == status


async def test_a_switch_turns_seals_off() -> None:
    talk = Talk("chat/completions", CLAUDE, sealed_reasoning="off")
    _, told = await talk.ask("anthropic")
    (detail,) = told["choices"][0]["message"]["reasoning_details"]
    assert "signature" not in detail
    assert detail["format"] == "unknown"


async def test_a_signature_covers_its_text() -> None:
    talk = Talk("messages", CLAUDE)
    await talk.ask("anthropic")
    talk.turns[1]["content"][0]["thinking"] += "!"
    status, error = await talk.ask("anthropic")
    assert status == 400
    assert error["message"] == "messages.1.content.0: Invalid `signature` in `thinking` block"


@pytest.mark.parametrize(
    "turn",
    [
        {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "QUJDRA=="}]},
        {"role": "assistant", "reasoning_details": SHAPES["chat_message"]["reasoning_details"]},
        {"role": "assistant", "tool_calls": [SHAPES["gemini_native_tool_call"]]},
        {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "no base64"},
        {"type": "compaction", "encrypted_content": "gAAAAEXAMPLE"},
        {"type": "reasoning", "id": "rs", "summary": [{"text": "s"}], "signature": "QUJDRA=="},
    ],
)
async def test_what_no_host_issued_fails_where_reasoning_is_sealed(turn: dict[str, Any]) -> None:
    talk = Talk("chat/completions", LUNA)
    talk.turns = [*HELLO, turn]
    assert (await talk.ask("openai"))[0] == 400
    talk.name = GLM
    assert (await talk.ask("z-ai"))[0] == 200


async def test_another_model_is_another_host(tmp_path: Path) -> None:
    rows = [endpoint("acme", supported_parameters=["reasoning"])]
    seals: dict[str, Any] = {"reasons": True, "seals": "meta-responses-v1"}
    models = [model(*rows, **seals), model(*rows, **seals, id="acme/sim-2")]
    talk = Talk("chat/completions", "acme/sim-1", tmp_path, *models)
    assert (await talk.ask("acme"))[0] == 200
    talk.name = "acme/sim-2"
    status, error = await talk.ask("acme")
    assert status == 400
    assert "was not issued to this caller" in error["metadata"]["raw"]


async def test_an_inner_call_is_not_checked() -> None:
    """OpenRouter makes it; what it does with sealed parts there is not established."""
    talk = Talk("chat/completions", LUNA)
    await talk.ask("openai")
    advisor = {"model": CLAUDE, "forward_transcript": True}
    tools = [{"type": "openrouter:advisor", "parameters": advisor}]
    status, told = await talk.ask("openai", tools=tools)
    assert status == 200
    assert "Error 400" not in json.dumps(told)


# --- shapes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "host", "kinds", "issuer"),
    [
        (CLAUDE, "anthropic", ["reasoning.text"], "anthropic-claude-v1"),
        (LUNA, "openai", ["reasoning.summary", "reasoning.encrypted"], "openai-responses-v1"),
        (LUNA, "azure", ["reasoning.summary", "reasoning.encrypted"], "azure-openai-responses-v1"),
        (GROK, "xai", ["reasoning.summary", "reasoning.encrypted"], "xai-responses-v1"),
        (GEMINI, "google-vertex", ["reasoning.text", "reasoning.encrypted"], "google-gemini-v1"),
    ],
)
async def test_the_format_names_the_issuer(
    name: str, host: str, kinds: list[str], issuer: str
) -> None:
    _, told = await Talk("chat/completions", name).ask(host, tools=[TOOL])
    message = told["choices"][0]["message"]
    details = message["reasoning_details"]
    assert [detail["type"] for detail in details] == kinds
    assert {detail["format"] for detail in details} == {issuer}
    assert [detail["index"] for detail in details] == list(range(len(kinds)))
    composed = {path for each in SHAPES["chat_message"]["reasoning_details"] for path in each}
    assert {path.removeprefix("$.") for each in details for path in shape_of(each)} - {
        "$"
    } <= composed
    if name == GEMINI:
        assert details[-1]["id"] == message["tool_calls"][0]["id"]
    if name == LUNA:
        assert details[-1]["id"].startswith("rs_")


async def test_a_response_seals_as_far_as_it_is_asked() -> None:
    async def item(name: str, **fields: Any) -> dict[str, Any]:
        _, told = await Talk("responses", name).ask(
            {LUNA: "openai", CLAUDE: "anthropic", GLM: "z-ai"}[name], **fields
        )
        found: dict[str, Any] = told["output"][0]
        assert found["type"] == "reasoning"
        return found

    assert (await item(LUNA))["encrypted_content"]
    assert "encrypted_content" not in await item(LUNA, include=[])
    assert "encrypted_content" not in await item(LUNA, include=None)
    signed = await item(CLAUDE)
    assert (bool(signed["signature"]), signed["format"]) == (True, "anthropic-claude-v1")
    assert set(await item(GLM)) == {"type", "id", "summary"}


@pytest.mark.parametrize(
    ("name", "host", "kinds"),
    [
        (CLAUDE, "anthropic", ["thinking", "text"]),
        (LUNA, "openai", ["thinking", "redacted_thinking", "text"]),
        (GLM, "z-ai", ["thinking", "text"]),
    ],
)
async def test_a_message_thinks_in_blocks(name: str, host: str, kinds: list[str]) -> None:
    _, told = await Talk("messages", name).ask(host)
    assert [block["type"] for block in told["content"]] == kinds
    assert bool(told["content"][0]["signature"]) == (name == CLAUDE)
    assert told["usage"]["output_tokens_details"]["thinking_tokens"] > 0


@pytest.mark.parametrize(
    ("fields", "asks"),
    [
        ({}, False),
        ({"reasoning": {"enabled": True}}, True),
        ({"reasoning": {"max_tokens": 100}}, True),
        ({"reasoning": {"enabled": False}}, False),
        ({"reasoning": {"effort": "none"}}, False),
        ({"reasoning_effort": "high"}, True),
        ({"reasoning_effort": "none"}, False),
        ({"thinking": {"type": "adaptive"}}, True),
        ({"thinking": {"type": "disabled"}}, False),
        (INCLUDED, True),
    ],
)
async def test_claude_reasons_if_it_is_asked_to(fields: dict[str, Any], *, asks: bool) -> None:
    reply = await Simulated().chat(CLAUDE, **fields)
    assert bool(reply.json()["choices"][0]["message"]["reasoning"]) == asks


async def test_a_model_that_always_reasons_seals_what_it_is_asked_for() -> None:
    reply = await Simulated().chat(GROK)
    (detail,) = reply.json()["choices"][0]["message"]["reasoning_details"]
    assert (detail["type"], detail["format"]) == ("reasoning.text", "unknown")


def test_the_sealed_parts_are_those_of_the_composed_shapes() -> None:
    chat = {"messages": [SHAPES["chat_message"]]}
    expected = [each["index"] for each in SHAPES["chat_expected"] if each["sealed"]]
    assert [part.place for part in sealed_parts(chat)] == expected
    content = {"messages": [{"role": "assistant", "content": SHAPES["messages_content"]}]}
    assert [part.place for part in sealed_parts(content)] == [
        place for place, sealed in enumerate(SHAPES["messages_expected"]) if sealed
    ]
    items = {"input": SHAPES["responses_input"]}
    assert [part.turn for part in sealed_parts(items)] == [
        turn for turn, sealed in enumerate(SHAPES["responses_expected"]) if sealed
    ]
    native = {"messages": [{"tool_calls": [SHAPES["gemini_native_tool_call"]]}]}
    assert [part.data for part in sealed_parts(native)] == ["QUJDRA=="]
    unhashable = {"messages": [{"reasoning_details": [{"index": [1], "signature": "x"}, 1]}]}
    assert [part.data for part in sealed_parts(unhashable)] == ["x"]
    for odd in ({}, {"input": "text"}, {"messages": ["text", {"content": "x"}, {"content": [1]}]}):
        assert not list(sealed_parts(odd))
