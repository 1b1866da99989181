"""Over a real socket: the OpenAI SDK, pauses, cuts and callers who leave."""

import asyncio
import json
import math
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from app.simulator import Switches, create_simulator
from app.simulator.router import Router
from tests.running import NO_TLS, running
from tests.simulator.simulated import KEY, TOOL, Clock, Simulated
from tests.waiting import until

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
TOOLS: list[ChatCompletionToolParam] = [{"type": "function", "function": TOOL["function"]}]


class Served:
    def __init__(self, url: str, router: Router) -> None:
        self.url = f"{url}/api/v1"
        self.router = router
        plain = openai.DefaultHttpxClient(trust_env=False)
        self.sync = openai.OpenAI(base_url=self.url, api_key=KEY, max_retries=0, http_client=plain)

    def aio(self) -> openai.AsyncOpenAI:
        plain = openai.DefaultAsyncHttpxClient(trust_env=False)
        return openai.AsyncOpenAI(base_url=self.url, api_key=KEY, max_retries=0, http_client=plain)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    app = create_simulator(pace=0)
    with running(app) as server:
        sdks = Served(server.url, app.state.router)
        yield sdks
        sdks.sync.close()


def test_the_sdk_reads_a_whole_chat_completion(served: Served) -> None:
    answer = served.sync.chat.completions.create(
        model="qwen/qwen3-coder",
        messages=HELLO,
        extra_body={"provider": {"only": ["novita"]}},
        extra_headers={"X-OpenRouter-Metadata": "enabled"},
    )
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    extra = answer.model_extra or {}
    assert extra["provider"] == "Novita"
    assert extra["openrouter_metadata"]["endpoints"]["available"][0]["selected"]


def test_the_sdk_reads_a_stream_with_its_tool_call(served: Served) -> None:
    with served.sync.chat.completions.stream(
        model="qwen/qwen3-coder", messages=HELLO, tools=TOOLS
    ) as stream:
        for _ in stream:
            pass
        answer = stream.get_final_completion()
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Lisbon"}
    assert answer.usage is not None


async def test_the_async_sdk_reads_streams_of_many_at_once(served: Served) -> None:
    aio = served.aio()

    async def once(number: int) -> str:
        stream = await aio.chat.completions.create(
            model="x-ai/grok-4",
            messages=[{"role": "user", "content": str(number)}],
            stream=True,
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async with aio:
        answers = await asyncio.gather(*map(once, range(10)))
    assert len(set(answers)) == 10, "each quotes its own prompt's digest"
    assert all(answer.startswith("This is a simulated answer, as xAI") for answer in answers)


def test_the_sdk_reads_responses_whole_and_streamed(served: Served) -> None:
    whole = served.sync.responses.create(model="x-ai/grok-4", input="hello")
    assert whole.output_text
    stream = served.sync.responses.create(model="x-ai/grok-4", input="hello", stream=True)
    events = list(stream)
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == whole.output_text
    assert events[-1].response.usage
    assert whole.usage
    assert events[-1].response.usage.output_tokens == whole.usage.output_tokens


def test_the_sdk_reads_text_completions(served: Served) -> None:
    answer = served.sync.completions.create(model="minimax/minimax-m2", prompt="hello")
    chunks = list(
        served.sync.completions.create(model="minimax/minimax-m2", prompt="hello", stream=True)
    )
    assert answer.choices[0].text
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_the_sdk_reads_embeddings(served: Served, encoding: Any) -> None:
    texts = ["one", "two", "one"]
    answer = served.sync.embeddings.create(
        model="openai/text-embedding-3-small", input=texts, encoding_format=encoding
    )
    one, two, again = [row.embedding for row in answer.data]
    assert [row.index for row in answer.data] == [0, 1, 2]
    assert one == again != two
    if encoding == "float":
        assert all(-0.5 <= number <= 0.5 for number in one)
        default = served.sync.embeddings.create(model=answer.model, input="one").data[0].embedding
        pairs = zip(default, one, strict=True)  # the SDK asks for base64 when nothing is said
        assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in pairs)


def test_the_sdk_lists_the_models(served: Served) -> None:
    assert "qwen/qwen3-coder" in {model.id for model in served.sync.models.list()}


@pytest.mark.parametrize(
    ("model", "provider", "kind"),
    [
        ("acme/none", {}, openai.BadRequestError),
        ("qwen/qwen3-coder", {"floor": "fp8"}, openai.BadRequestError),
        ("qwen/qwen3-coder", {"only": ["provider not named"]}, openai.NotFoundError),
    ],
)
def test_the_sdk_raises_for_refusals(
    served: Served, model: str, provider: dict[str, Any], kind: type[openai.APIStatusError]
) -> None:
    with pytest.raises(kind) as raised:
        served.sync.chat.completions.create(
            model=model, messages=HELLO, extra_body={"provider": provider}
        )
    assert isinstance(raised.value.body, dict)
    assert raised.value.body["code"] == raised.value.status_code


def test_the_sdk_raises_for_an_error_in_the_stream(served: Served) -> None:
    stream = served.sync.chat.completions.create(
        model="x-ai/grok-4",
        messages=HELLO,
        stream=True,
        extra_headers={"X-OpenRouter-Simulate": '{"stream_error": "nested"}'},
    )
    with pytest.raises(openai.APIError, match="Provider returned error"):
        list(stream)


async def test_a_cut_in_the_stream_is_an_incomplete_body(served: Served) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "X-OpenRouter-Simulate": '{"cut": "mid_stream"}'}
    body = {"model": "x-ai/grok-4", "messages": HELLO, "stream": True}
    got: list[bytes] = []

    async def read(reply: httpx2.Response) -> None:
        async for chunk in reply.aiter_raw():
            got.append(chunk)  # noqa: PERF401 - what came before the cut counts

    async with (
        httpx2.AsyncClient(verify=NO_TLS, trust_env=False) as client,
        client.stream(
            "POST", f"{served.url}/chat/completions", json=body, headers=headers
        ) as reply,
    ):
        assert reply.headers["transfer-encoding"] == "chunked"
        with pytest.raises(httpx2.RemoteProtocolError):
            await read(reply)
    stream = b"".join(got)
    assert stream.startswith(b": OPENROUTER")
    assert b"delta" in stream
    assert b"[DONE]" not in stream


async def left(switches: Switches) -> tuple[dict[str, Any], float]:
    """The record of a stream whose client left after its first bytes, and the key's usage."""
    app = create_simulator(pace=0.2, switches=switches)
    headers = {"Authorization": f"Bearer {KEY}"}
    body = {"model": "x-ai/grok-4", "messages": HELLO, "stream": True}
    with running(app) as server:
        async with httpx2.AsyncClient(verify=NO_TLS, trust_env=False, headers=headers) as client:
            url = f"{server.url}/api/v1"
            async with client.stream("POST", f"{url}/chat/completions", json=body) as reply:
                identity = reply.headers["x-generation-id"]
                await anext(reply.aiter_raw())
            await until(lambda: identity in app.state.router.left_early)
            told = (await client.get(f"{url}/generation?id={identity}")).json()["data"]
            usage = (await client.get(f"{url}/key")).json()["data"]["usage"]
    return told, usage


async def test_a_caller_who_leaves_is_on_record_as_cancelled() -> None:
    """As reported live: status 499, no finish reason, nothing to pay (openrouter.md §5.5)."""
    told, usage = await left(Switches(generation_delay=0))
    assert (told["cancelled"], told["finish_reason"], told["total_cost"]) == (True, None, 0)
    assert told["provider_responses"][-1]["status"] == 499
    assert usage == 0


async def test_a_host_that_cannot_cancel_is_paid_for_an_answer_that_was_left() -> None:
    told, usage = await left(Switches(generation_delay=0, quirks=("uncancellable",)))
    assert told["cancelled"]
    assert told["provider_responses"][-1]["status"] == 200
    assert told["total_cost"] == usage > 0


async def test_only_the_key_that_asked_reads_the_record() -> None:
    simulated = Simulated(generation_delay=0)
    identity = (await simulated.chat("x-ai/grok-4")).json()["id"]
    other = {"authorization": "Bearer sk-or-v1-of-another"}
    statuses = [
        (await simulated.get(f"/generation?id={identity}", headers=headers)).status_code
        for headers in ({}, other)
    ]
    assert statuses == [200, 404]


async def test_at_full_pace_tokens_come_one_by_one() -> None:
    with running(create_simulator(pace=0.2)) as server:
        headers = {"Authorization": f"Bearer {KEY}"}
        body = {"model": "x-ai/grok-4", "messages": HELLO, "stream": True}
        async with (
            httpx2.AsyncClient(verify=NO_TLS, trust_env=False) as client,
            client.stream(
                "POST", f"{server.url}/api/v1/chat/completions", json=body, headers=headers
            ) as reply,
        ):
            chunks = [chunk async for chunk in reply.aiter_raw()]
    assert len(chunks) > 10


async def test_every_answer_has_its_generation_s_id_in_a_header() -> None:
    for path in ("chat/completions", "completions", "responses", "messages", "embeddings"):
        body = {"model": "x-ai/grok-4", "messages": [], "input": "x", "prompt": "x"}
        reply = await Simulated().post(f"/{path}", body)
        assert reply.headers["x-generation-id"] == reply.json()["id"]
        assert reply.json()["id"].startswith(f"gen-{int(Clock().now)}-")


async def test_a_key_may_come_as_anthropic_s_header() -> None:
    headers = {"authorization": "", "x-api-key": KEY}
    assert (await Simulated().chat("x-ai/grok-4", headers=headers)).status_code == 200


async def test_what_arrived_is_kept_as_it_came() -> None:
    simulated = Simulated()
    await simulated.chat("x-ai/grok-4", foo=1)
    path, headers, raw = simulated.router.requests[-1]
    assert path == "/api/v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(raw)["foo"] == 1


async def test_counting_tokens_is_no_route_there() -> None:
    reply = await Simulated().post("/messages/count_tokens", {"model": "x-ai/grok-4"})
    assert (reply.status_code, reply.headers["content-type"]) == (404, "text/html; charset=utf-8")
