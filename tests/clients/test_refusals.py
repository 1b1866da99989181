"""What the SDKs make of a 402: each raises it with Pointsman's words, and sends nothing twice."""

import json
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest

from tests.clients.conftest import Stand
from tests.clients.refusals import MODEL, REFUSALS, refusing
from tests.conftest import Proxy
from tests.scripted_upstream import ScriptedUpstream, reply

KEY = "sk-or-v1-callers"
HI: list[Any] = [{"role": "user", "content": "hi"}]
StatusError = openai.APIStatusError | anthropic.APIStatusError


async def _refused(dialect: str, url: str, *, stream: bool) -> StatusError:
    """What an SDK raises."""
    try:
        await _ask(dialect, url, stream=stream)
    except (openai.APIStatusError, anthropic.APIStatusError) as error:
        return error
    pytest.fail("nothing was raised")


async def _ask(dialect: str, url: str, *, stream: bool) -> None:
    """Ask with an SDK that repeats what it repeats by default, and read what comes."""
    chosen: dict[str, Any] = {"model": MODEL, "stream": stream}
    if dialect == "messages":
        async with anthropic.AsyncAnthropic(base_url=url, api_key=KEY) as claude:
            answer: Any = await claude.messages.create(max_tokens=10, messages=HI, **chosen)
            if stream:
                assert [each async for each in answer]
        return
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY) as client:
        if dialect == "chat":
            answer = await client.chat.completions.create(messages=HI, **chosen)
        else:
            answer = await client.responses.create(input="hi", **chosen)
        if stream:
            assert [each async for each in answer]


BY_DIALECT = pytest.mark.parametrize("dialect", ["chat", "responses", "messages"])
STREAMED_OR_NOT = pytest.mark.parametrize("stream", [False, True])


@BY_DIALECT
@STREAMED_OR_NOT
@pytest.mark.parametrize("code", [*REFUSALS])
async def test_an_sdk_raises_a_402_of_ours_and_does_not_repeat_it(
    start_stand: Callable[[str], Stand], code: str, dialect: str, *, stream: bool
) -> None:
    stand = await refusing(start_stand, code)
    before = len(stand.bodies)
    error = await _refused(dialect, stand.url, stream=stream)
    assert error.status_code == 402
    assert 'rule "held" (' in str(error)
    assert error.response.json()["error"]["code"] == code
    receipts = await stand.proxy.receipts(before + 1)
    assert receipts[0]["error_code"] == code
    assert len(stand.bodies) == before, "nothing was sent"


NO_CREDITS = {"error": {"message": "Insufficient credits.", "code": 402}}


@BY_DIALECT
@STREAMED_OR_NOT
async def test_an_sdk_does_not_repeat_openrouters_402_either_which_has_no_header_that_forbids_it(
    proxy: Proxy, openrouter: ScriptedUpstream, dialect: str, *, stream: bool
) -> None:
    openrouter.plays(reply(json.dumps(NO_CREDITS).encode(), status=402))
    error = await _refused(dialect, proxy.url, stream=stream)
    assert error.status_code == 402
    assert "x-should-retry" not in error.response.headers
    assert len(openrouter.requests) == 1
