"""What the SDKs make of a deadline that is missed: no half answer is taken for a whole one."""

from typing import Any

import anthropic
import openai
import pytest

from tests.conftest import Proxy, StartProxy
from tests.end_to_end.test_deadlines import EVENTS
from tests.scripted_upstream import Pause, ScriptedUpstream, sse

MODEL = "acme/sim-1"
KEY = "sk-or-v1-callers"
HI: list[Any] = [{"role": "user", "content": "hi"}]
LONG = Pause(30)
POLICY = 'version: 1\nrules:\n  - {name: prompt, models: ["*"], %s: 200ms}\n'


async def _chat(proxy: Proxy, seen: list[Any]) -> None:
    async with openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=KEY) as client:
        async for chunk in await client.chat.completions.create(
            model=MODEL, messages=HI, stream=True
        ):
            seen.append(chunk)  # noqa: PERF401 - what came before the error is the point


async def _responses(proxy: Proxy, seen: list[Any]) -> None:
    async with openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=KEY) as client:
        async for event in await client.responses.create(model=MODEL, input="hi", stream=True):
            seen.append(event)  # noqa: PERF401 - as above


async def _messages(proxy: Proxy, seen: list[Any]) -> None:
    async with anthropic.AsyncAnthropic(base_url=proxy.url, api_key=KEY) as client:
        async for event in await client.messages.create(
            model=MODEL, max_tokens=10, messages=HI, stream=True
        ):
            seen.append(event)  # noqa: PERF401 - as above


ASKS = {"chat": _chat, "responses": _responses, "messages": _messages}
BY_DIALECT = pytest.mark.parametrize("dialect", [*ASKS])


@BY_DIALECT
async def test_t69_an_sdk_raises_our_error_where_a_stream_stalls_and_does_not_repeat_it(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, dialect: str
) -> None:
    openrouter.plays(sse(*EVENTS[dialect], LONG))
    proxy = start_proxy(POLICY % "stall", upstream_url=openrouter.url)
    seen: list[Any] = []
    with pytest.raises((openai.APIError, anthropic.APIError)) as raised:
        await ASKS[dialect](proxy, seen)
    assert "paused for more than 200ms" in str(raised.value)
    assert len(seen) == 2
    assert len(openrouter.requests) == 1


@BY_DIALECT
@pytest.mark.parametrize(("key", "times"), [("first_token", 3), ("total", 1)])
async def test_an_sdk_repeats_an_answer_that_did_not_begin_but_not_one_that_took_too_long(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, dialect: str, key: str, times: int
) -> None:
    openrouter.plays((LONG,))
    proxy = start_proxy(POLICY % key, upstream_url=openrouter.url)
    with pytest.raises((openai.InternalServerError, anthropic.InternalServerError)) as raised:
        await ASKS[dialect](proxy, [])
    assert "Error code: 504" in str(raised.value)
    assert f"the {key} of rule" in str(raised.value)
    assert len(openrouter.requests) == times
    assert {each["error_code"] for each in await proxy.receipts(times)} == {f"{key}_deadline"}
