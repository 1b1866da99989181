"""Coding agents, headless and as they come, do a real task through Pointsman.

The simulated model calls the agent's own tool to write the file that the prompt names; an agent
that edits by text is answered with the file. See app/simulator/task.py.
"""

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from string import Template

import pytest

from app.tools.table import TOOLS
from tests.clients.agents import AGENTS, MODEL, Agent
from tests.clients.conftest import FLOOR, ClosedDoor, Stand, Tell
from tests.clients.installed import program
from tests.clients.programs import Ended, ended
from tests.conftest import UPSTREAM_KEY

KEY = "sk-or-v1-canary-of-the-agent"
CONTENT = "Mind the gap, $HOME & \"all\" of 'it'.\n"


async def run(
    agent: Agent, stand: Stand, door: ClosedDoor, task: str, work: Path, *, resumed: bool = False
) -> str:
    """Let an agent do a task in a folder of its own. Returns all that it printed."""
    end = await end_of(agent, stand.url, door, task, work, resumed=resumed)
    assert end.code == 0, end.out + end.complaints
    return end.out + end.complaints


async def end_of(
    agent: Agent, url: str, door: ClosedDoor, task: str, work: Path, *, resumed: bool = False
) -> Ended:
    """Let an agent try a task in a folder of its own."""
    home = work.parent / "home"
    values = {
        "url": url,
        "key": KEY,
        "model": MODEL,
        "task": task,
        "program": str(program(agent.name)),
    }

    def filled(text: str) -> str:
        return Template(text).substitute(values)

    for folder in (home, work):
        folder.mkdir(exist_ok=resumed)
    for name, text in agent.files.items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(filled(text), encoding="utf-8")
    return await ended(
        *map(filled, agent.resumed if resumed else agent.command),
        environment={
            "HOME": str(home),
            **door.environment,
            **{name: filled(text) for name, text in agent.environment.items()},
        },
        cwd=work,
        told=f"{task}\n" if agent.task_by_stdin else "",
        within=150,
    )


def files_that_hold(text: str, folder: Path) -> list[Path]:
    files = [each for each in folder.rglob("*") if each.is_file()]
    return [each for each in files if text.encode() in each.read_bytes()]


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("agent", AGENTS, ids=[agent.name for agent in AGENTS])
async def test_an_agent_writes_a_file_through_pointsman(
    agent: Agent,
    stand: Stand,
    closed_door: ClosedDoor,
    tmp_path: Path,
    tell: Tell,
) -> None:
    work = tmp_path / "work"
    file = work / "hello.txt"
    named = file if agent.tool else file.name  # who edits by text knows files by their short names
    said = await run(agent, stand, closed_door, f"write {named}: {CONTENT.rstrip()}", work)

    assert file.is_file(), said
    assert file.read_text(encoding="utf-8") == CONTENT
    assert stand.tools_called == ({agent.tool} if agent.tool else set())
    receipts = await stand.receipts()
    assert len(receipts) >= (2 if agent.tool else 1), "the tool's answer goes up, too"
    assert {receipt["verdict"] for receipt in receipts} == {"kept"}
    assert {receipt["dialect"] for receipt in receipts} == {agent.dialect}
    assert {(each["status"], each["streamed"], each["ending"]) for each in receipts} == {
        (200, True, "complete")
    }
    (session,) = {receipt["session"] for receipt in receipts}
    assert (session is not None) == agent.named
    (user_agent,) = {receipt["user_agent"] for receipt in receipts}
    assert fnmatchcase(user_agent, TOOLS[agent.name].user_agent or "*"), "what `init` writes fits"
    for body in stand.bodies:
        assert body["provider"] == {"quantizations": FLOOR, "data_collection": "deny"}

    assert {headers["authorization"] for headers in stand.headers} == {f"Bearer {UPSTREAM_KEY}"}
    assert not [headers for headers in stand.headers if KEY in str(headers)]
    assert UPSTREAM_KEY not in said
    assert files_that_hold(UPSTREAM_KEY, tmp_path) == []
    if agent.quiet:
        assert closed_door.asked_for == []
    tell(agent.name, receipts)


KEEPING = """\
version: 1
rules:
  - {name: kept, models: ["*"], quantization_floor: fp8, data_collection: deny, affinity: %s}
"""


@pytest.mark.slow
@pytest.mark.timeout(330)
@pytest.mark.parametrize("affinity", ["pin", "strict"])
@pytest.mark.parametrize("agent", AGENTS, ids=[agent.name for agent in AGENTS])
async def test_a_resumed_conversation_is_one_session_and_stays_at_its_host(
    agent: Agent,
    affinity: str,
    start_stand: Callable[[str], Stand],
    closed_door: ClosedDoor,
    tmp_path: Path,
) -> None:
    """A tool that names no session is served like without the rule."""
    stand = start_stand(KEEPING % affinity)
    work = tmp_path / "work"
    folder = f"{work}/" if agent.tool else ""
    await run(agent, stand, closed_door, f"write {folder}hello.txt: first", work)
    first = await stand.receipts()
    task = f"write {folder}again.txt: second"  # a file that exists would have to be read before
    said = await run(agent, stand, closed_door, task, work, resumed=True)

    texts = [(work / name).read_text(encoding="utf-8") for name in ("hello.txt", "again.txt")]
    assert texts == ["first\n", "second\n"], said
    receipts = await stand.receipts()
    later = len(receipts) - len(first)
    assert later >= (2 if agent.tool else 1)
    assert {(each["status"], each["verdict"]) for each in receipts} == {(200, "kept")}
    (session,) = {receipt["session"] for receipt in receipts}
    assert (session is not None) == agent.named
    orders = [body["provider"].get("order") for body in stand.bodies[-later:]]
    if agent.named:
        (host,) = set(stand.hosts[-later:])
        assert host in stand.hosts[:-later], "a title may have been served elsewhere"
        assert orders == [[host]] * later
    else:
        assert orders == [None] * later
