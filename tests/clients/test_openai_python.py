"""The OpenAI SDK for Python, as it comes, with nothing changed but `base_url`."""

import json
from collections.abc import AsyncIterator, Iterator
from fnmatch import fnmatchcase
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from app.tools.table import TOOLS
from tests.conftest import Proxy

MODEL = "qwen/qwen3-coder"
KEY = "sk-or-v1-callers"
READ_FILE: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "read_file",
        "description": "Read one file.",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string"}},
            "required": ["path"],
        },
    },
}


@pytest.fixture
def client(simulated: Proxy) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{simulated.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(simulated: Proxy) -> AsyncIterator[openai.AsyncOpenAI]:
    base_url = f"{simulated.url}/v1"
    async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=0) as client:
        yield client


async def test_a_whole_answer(client: openai.OpenAI, simulated: Proxy) -> None:
    answer = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}]
    )
    assert answer.choices[0].message.content
    assert answer.usage is not None
    receipt = await simulated.only_receipt()
    assert receipt["verdict"] == "kept", json.dumps(receipt)
    assert receipt["generation_id"] == answer.id
    assert receipt["completion_tokens"] == answer.usage.completion_tokens


async def test_a_stream(client: openai.OpenAI, simulated: Proxy) -> None:
    stream = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "hi"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    receipt = await simulated.only_receipt()
    assert (receipt["streamed"], receipt["verdict"], receipt["ending"]) == (
        True,
        "kept",
        "complete",
    )
    usage = chunks[-1].usage
    assert usage is not None
    assert receipt["prompt_tokens"] == usage.prompt_tokens


async def test_an_async_whole_answer(async_client: openai.AsyncOpenAI, simulated: Proxy) -> None:
    raw = await async_client.chat.completions.with_raw_response.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}]
    )
    receipt = await simulated.only_receipt()
    assert raw.headers["x-pointsman-receipt"] == receipt["id"]
    assert fnmatchcase(receipt["user_agent"], str(TOOLS["openai-sdk"].user_agent))
    assert raw.parse().choices[0].finish_reason == "stop"


async def test_an_async_stream_with_a_tool_call(
    async_client: openai.AsyncOpenAI, simulated: Proxy
) -> None:
    stream = await async_client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "read it"}],
        tools=[READ_FILE],
        tool_choice="required",
        stream=True,
    )
    name, arguments = "", ""
    async for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or [] if chunk.choices else []:
            assert call.function is not None
            name += call.function.name or ""
            arguments += call.function.arguments or ""
    assert name == "read_file"
    assert "path" in json.loads(arguments)
    assert (await simulated.only_receipt())["finish_reason"] == "tool_calls"


async def test_a_stream_that_is_given_up(
    async_client: openai.AsyncOpenAI, simulated: Proxy
) -> None:
    stream = await async_client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}], stream=True
    )
    async for _ in stream:
        break
    await stream.close()
    assert (await simulated.only_receipt())["ending"] in {"caller_left", "complete"}


async def test_the_models_are_listed(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names[0] == "precise-coder"
    assert MODEL in names


async def test_an_alias_is_a_model(client: openai.OpenAI, simulated: Proxy) -> None:
    answer = client.chat.completions.create(
        model="precise-coder", messages=[{"role": "user", "content": "hi"}]
    )
    assert answer.model.startswith(MODEL)
    receipt = await simulated.only_receipt()
    assert (receipt["alias"], receipt["model_sent"]) == ("precise-coder", MODEL)


async def test_our_refusals_are_the_sdks_own_exceptions(client: openai.OpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError) as refused:
        client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "hi"}],
            extra_body={"provider": {"quantizations": ["fp4"]}},
        )
    assert refused.value.code == "policy_conflict"
    assert "test.yaml:" in refused.value.message


async def test_upstreams_refusals_are_the_sdks_own_exceptions(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="not a valid model"):
        client.chat.completions.create(
            model="acme/none", messages=[{"role": "user", "content": "hi"}]
        )


async def test_the_responses_api(client: openai.OpenAI, simulated: Proxy) -> None:
    answer = client.responses.create(model=MODEL, input="hi")
    assert answer.output_text
    events = [event.type for event in client.responses.create(model=MODEL, input="x", stream=True)]
    assert (events[0], events[-1]) == ("response.created", "response.completed")
    receipts = await simulated.receipts(2)
    assert {receipt["dialect"] for receipt in receipts} == {"responses"}


async def test_embeddings(client: openai.OpenAI, simulated: Proxy) -> None:
    model = "qwen/qwen3-embedding-8b"
    answer = client.embeddings.create(model=model, input=["one", "two"])
    assert len(answer.data) == 2
    assert (await simulated.only_receipt())["dialect"] == "embeddings"


class Place(BaseModel):
    city: str
    sunny: bool


async def test_structured_output(client: openai.OpenAI, simulated: Proxy) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "where?"}]
    answer = client.chat.completions.parse(model=MODEL, messages=messages, response_format=Place)
    assert answer.choices[0].message.parsed == Place(city="Lisbon", sunny=True)
    with client.chat.completions.stream(
        model=MODEL, messages=messages, response_format=Place
    ) as stream:
        streamed = stream.get_final_completion()
    assert streamed.choices[0].message.parsed == Place(city="Lisbon", sunny=True)
    parsed = client.responses.parse(model=MODEL, input="where?", text_format=Place)
    assert parsed.output_parsed == Place(city="Lisbon", sunny=True)
    assert {receipt["verdict"] for receipt in await simulated.receipts(3)} == {"kept"}


async def test_raw_responses_are_upstreams_own(client: openai.OpenAI, simulated: Proxy) -> None:
    chat = client.chat.completions
    raw = chat.with_raw_response.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}], stream=True
    )
    assert raw.headers["content-type"].startswith("text/event-stream")
    receipt = raw.headers["x-pointsman-receipt"]
    chunks = list(raw.parse())
    assert chunks[-1].usage
    assert (await simulated.only_receipt())["id"] == receipt

    with chat.with_streaming_response.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}]
    ) as streaming:
        body = json.loads(streaming.read())
    assert body["provider"]
    assert body["choices"][0]["finish_reason"] == "stop"


async def test_a_responses_tool_call_and_its_result(
    client: openai.OpenAI, simulated: Proxy
) -> None:
    tool = {
        "type": "function",
        "name": "write",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
            "required": ["path", "content"],
            "additionalProperties": False,
        },
    }
    asked: list[Any] = [{"role": "user", "content": "write a.txt: hello"}]
    tools: list[Any] = [tool]
    with client.responses.stream(model=MODEL, input=asked, tools=tools) as stream:
        (call,) = stream.get_final_response().output
    assert call.type == "function_call"
    assert json.loads(call.arguments) == {"path": "a.txt", "content": "hello\n"}
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "written"}
    turns = [*asked, call.model_dump(exclude={"parsed_arguments"}), result]
    done = client.responses.create(model=MODEL, input=turns, tools=tools)
    assert done.output_text.startswith("Done")
    assert {receipt["verdict"] for receipt in await simulated.receipts(2)} == {"kept"}
