"""The Anthropic SDK for Python, as it comes, with nothing changed but `base_url`."""

import json
from collections.abc import AsyncIterator, Iterator
from fnmatch import fnmatchcase
from typing import Any

import anthropic
import pytest
from anthropic.types import Message, MessageParam, ToolParam

from app.tools.table import TOOLS
from tests.clients.conftest import Stand
from tests.conftest import UPSTREAM_KEY, Proxy

MODEL = "anthropic/claude-sonnet-4.6"
OPEN_MODEL = "qwen/qwen3-coder"
KEY = "sk-or-v1-callers"
HI: list[MessageParam] = [{"role": "user", "content": "hi"}]
WRITE: ToolParam = {
    "name": "write",
    "description": "Write one file.",
    "input_schema": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
        "required": ["path", "content"],
    },
}
TASK: MessageParam = {"role": "user", "content": "write a.txt: hello"}
CALLED = {"path": "a.txt", "content": "hello\n"}


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.fixture
def client(simulated: Proxy) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=simulated.url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(simulated: Proxy) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=simulated.url, auth_token=KEY, max_retries=0
    ) as client:
        yield client


@pytest.mark.parametrize("model", [MODEL, OPEN_MODEL])
async def test_a_whole_message(client: anthropic.Anthropic, simulated: Proxy, model: str) -> None:
    answer = client.messages.create(model=model, max_tokens=100, messages=HI)
    assert answer.content[0].type == "text"
    assert answer.stop_reason == "end_turn"
    receipt = await simulated.only_receipt()
    assert (receipt["dialect"], receipt["verdict"]) == ("messages", "kept")
    assert receipt["generation_id"] == answer.id
    assert receipt["completion_tokens"] == answer.usage.output_tokens
    assert receipt["user_agent"].startswith("Anthropic/Python ")


async def test_a_stream(client: anthropic.Anthropic, simulated: Proxy) -> None:
    said = ""
    with client.messages.stream(model=MODEL, max_tokens=100, messages=HI) as stream:
        for event in stream:
            if event.type == "text":
                said += event.text
            if event.type == "message_stop":
                break
        answer = stream.current_message_snapshot
    assert text_of(answer) == said
    receipt = await simulated.only_receipt()
    assert (receipt["streamed"], receipt["verdict"]) == (True, "kept")
    assert receipt["completion_tokens"] == answer.usage.output_tokens


def test_the_sdk_stumbles_over_openrouters_own_last_frame_with_or_without_us(stand: Stand) -> None:
    """After `message_stop` OpenRouter sends `[DONE]` (openrouter.md §3), answers are left alone."""
    for url in (stand.upstream_url, stand.url):
        with (
            anthropic.Anthropic(base_url=url, auth_token=KEY, max_retries=0) as client,
            client.messages.stream(model=MODEL, max_tokens=100, messages=HI) as stream,
            pytest.raises(json.JSONDecodeError),
        ):
            stream.until_done()


async def test_an_async_stream_with_a_tool_call_and_its_result(
    async_client: anthropic.AsyncAnthropic, simulated: Proxy
) -> None:
    asked: dict[str, Any] = {"model": MODEL, "max_tokens": 100, "tools": [WRITE]}
    async with async_client.messages.stream(**asked, messages=[TASK]) as stream:
        async for event in stream:
            if event.type == "message_stop":
                break
        called = stream.current_message_snapshot
    (block,) = called.content
    assert block.type == "tool_use"
    assert (block.name, block.input) == ("write", CALLED)
    assert called.stop_reason == "tool_use"

    result = {"type": "tool_result", "tool_use_id": block.id, "content": "written"}
    turns: list[Any] = [
        TASK,
        {"role": "assistant", "content": [block]},
        {"role": "user", "content": [result]},
    ]
    done: Message = await async_client.messages.create(**asked, messages=turns)
    assert text_of(done).startswith("Done")
    receipts = await simulated.receipts(2)
    assert {receipt["verdict"] for receipt in receipts} == {"kept"}
    for receipt in receipts:
        assert fnmatchcase(receipt["user_agent"], str(TOOLS["anthropic-sdk"].user_agent))


def test_tokens_are_counted_although_upstream_cannot(client: anthropic.Anthropic) -> None:
    short = client.messages.count_tokens(model=MODEL, messages=HI)
    long = client.messages.count_tokens(model=MODEL, messages=HI, tools=[WRITE], system="Be brief.")
    assert 0 < short.input_tokens < long.input_tokens


def test_raw_responses_carry_the_receipt(client: anthropic.Anthropic) -> None:
    raw = client.messages.with_raw_response.create(model=MODEL, max_tokens=100, messages=HI)
    assert raw.headers["x-pointsman-receipt"].startswith("rcp_")
    assert raw.parse().type == "message"
    assert UPSTREAM_KEY not in str(dict(raw.headers))


def test_the_models_are_listed_in_anthropics_shape(client: anthropic.Anthropic) -> None:
    first = next(iter(client.models.list()))
    assert (first.id, first.type) == ("precise-coder", "model")
    assert client.models.retrieve(MODEL).id == MODEL


async def test_an_alias_is_a_model(client: anthropic.Anthropic, simulated: Proxy) -> None:
    client.messages.create(model="precise-coder", max_tokens=100, messages=HI)
    receipt = await simulated.only_receipt()
    assert (receipt["alias"], receipt["model_sent"]) == ("precise-coder", OPEN_MODEL)


def test_our_refusals_are_the_sdks_own_exceptions(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.PermissionDeniedError) as refused:
        client.messages.create(
            model=OPEN_MODEL,
            max_tokens=100,
            messages=HI,
            extra_body={"provider": {"quantizations": ["fp4"]}},
        )
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["type"] == "error"
    assert refused.value.body["error"]["type"] == "permission_error"
    assert "test.yaml:" in refused.value.body["error"]["message"]


def test_upstreams_refusals_are_the_sdks_own_exceptions(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="not a valid model"):
        client.messages.create(model="acme/none", max_tokens=100, messages=HI)
