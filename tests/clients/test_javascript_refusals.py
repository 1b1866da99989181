"""What the SDKs on Node make of a 402 and of a 504, with the repeats that they make by default."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.conftest import Stand
from tests.clients.refusals import MODEL, REFUSALS, RULE, refusing
from tests.clients.test_javascript import run
from tests.conftest import StartProxy
from tests.scripted_upstream import Pause, ScriptedUpstream

SDKS = ["chat", "responses", "messages"]  # OpenAI's two APIs, and Anthropic's
VERCEL = ["openrouter", "compatible"]  # the Vercel AI SDK with either provider


@pytest.mark.parametrize("client", [*SDKS, *VERCEL])
@pytest.mark.parametrize("code", [*REFUSALS])
async def test_a_402_is_raised_and_not_repeated(
    start_stand: Callable[[str], Stand], tmp_path: Path, code: str, client: str
) -> None:
    stand = await refusing(start_stand, code)
    before = len(stand.bodies)
    seen = await run("refused.mjs", stand.url, MODEL, client, home=tmp_path)
    assert [each["status"] for each in seen] == [402, 402]
    assert all("held" in each["message"] for each in seen)
    receipts = await stand.proxy.receipts(before + 2)
    assert {each["error_code"] for each in receipts[:2]} == {code}


@pytest.mark.parametrize(
    ("client", "key", "times"),
    [
        *((each, "first_token", 3) for each in (*SDKS, *VERCEL)),
        *((each, "total", 1) for each in SDKS),
        *((each, "total", 3) for each in VERCEL),  # it does not know the header x-should-retry
    ],
)
async def test_how_often_a_504_is_repeated(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    tmp_path: Path,
    *,
    client: str,
    key: str,
    times: int,
) -> None:
    openrouter.plays((Pause(30),))
    proxy = start_proxy(RULE % f"{key}: 200ms", upstream_url=openrouter.url)
    seen = await run("refused.mjs", proxy.url, MODEL, client, home=tmp_path)
    assert [each["status"] for each in seen] == [504, 504]
    assert all(f"the {key} of rule" in each["message"] for each in seen)
    receipts = await proxy.receipts(2 * times)
    assert {each["error_code"] for each in receipts} == {f"{key}_deadline"}
