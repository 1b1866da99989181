"""How often coding agents repeat what Pointsman refuses, and what they print: docs/tools.md."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.agents import AGENTS, Agent
from tests.clients.conftest import ClosedDoor, Stand
from tests.clients.refusals import REFUSALS, RULE, refusing
from tests.clients.test_agents import end_of
from tests.conftest import StartProxy
from tests.end_to_end.test_deadlines import EVENTS
from tests.scripted_upstream import Pause, ScriptedUpstream, sse

TASK = "say hi"
# Requests that reach Pointsman. Codex repeats nearly every status five times; opencode asks for a
# title beside the answer.
ON_402 = {"codex": 6, "opencode": 2}
EXITS_WITH_0 = {"aider"}
BY_AGENT = pytest.mark.parametrize("agent", AGENTS, ids=[agent.name for agent in AGENTS])


def _words(said: str) -> str:
    """Without the line breaks that some agents put between words."""
    return re.sub(r"\s+", " ", said)


@pytest.mark.slow
@pytest.mark.timeout(200)
@BY_AGENT
@pytest.mark.parametrize("code", [*REFUSALS])
async def test_an_agent_prints_why_it_was_refused_and_soon_gives_up(
    agent: Agent,
    code: str,
    start_stand: Callable[[str], Stand],
    closed_door: ClosedDoor,
    tmp_path: Path,
) -> None:
    stand = await refusing(start_stand, code)
    before = len(stand.bodies)
    end = await end_of(agent, stand.url, closed_door, TASK, tmp_path / "work")
    said = _words(end.out + end.complaints)
    assert 'rule "held" (' in said
    assert (end.code == 0) == (agent.name in EXITS_WITH_0)
    receipts = await stand.proxy.receipts(before + ON_402.get(agent.name, 1))
    assert {each["error_code"] for each in receipts[: len(receipts) - before]} == {code}
    assert len(stand.bodies) == before, "nothing was sent"


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("agent", "times"),
    [
        ("codex", 30),  # six times what it sends five times
        ("pi", 12),  # four times what its SDK sends three times
    ],
)
async def test_an_agent_multiplies_the_repeats_of_its_sdk_after_a_504(
    agent: str,
    *,
    times: int,
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    closed_door: ClosedDoor,
    tmp_path: Path,
) -> None:
    openrouter.plays((Pause(30),))
    proxy = start_proxy(RULE % "first_token: 200ms", upstream_url=openrouter.url)
    (chosen,) = (each for each in AGENTS if each.name == agent)
    end = await end_of(chosen, proxy.url, closed_door, TASK, tmp_path / "work")
    assert end.code == 1
    assert "the first_token of rule" in _words(end.out + end.complaints)
    receipts = await proxy.receipts(times)
    assert {each["error_code"] for each in receipts} == {"first_token_deadline"}


# Requests after a stream that stalls. Codex repeats it and does not print an error event; Claude
# Code repeats it once without a stream; aider repeats it for a minute; opencode only sometimes.
ON_A_STALL = {"qwen-code": 1, "pi": 1, "codex": 6}


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(("agent", "times"), ON_A_STALL.items())
async def test_what_an_agent_makes_of_a_stream_that_stalls(
    agent: str,
    *,
    times: int,
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    closed_door: ClosedDoor,
    tmp_path: Path,
) -> None:
    (chosen,) = (each for each in AGENTS if each.name == agent)
    openrouter.plays(sse(*EVENTS[chosen.dialect], Pause(30)))
    proxy = start_proxy(RULE % "stall: 200ms", upstream_url=openrouter.url)
    end = await end_of(chosen, proxy.url, closed_door, TASK, tmp_path / "work")
    assert end.code == 1
    printed = "stream disconnected" if agent == "codex" else "the stall of rule"
    assert printed in _words(end.out + end.complaints)
    receipts = await proxy.receipts(times)
    assert {each["error_code"] for each in receipts} == {"stall_deadline"}
