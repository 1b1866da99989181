"""Real tools, as `pointsman launch` runs them: nothing is set up, and each request is counted."""

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.tools.filling import Target, edit_of, place_of
from app.tools.table import TOOLS
from tests.clients.agents import MODEL
from tests.clients.conftest import ClosedDoor, Stand
from tests.clients.installed import node, program
from tests.clients.programs import Ended, ended
from tests.clients.test_agents import files_that_hold
from tests.conftest import UPSTREAM_KEY

ROOT = Path(__file__).parent.parent.parent
CALLER_KEY = "canary-of-the-caller"
_OPENCODE = {
    "DISABLE_AUTOUPDATE": "1",
    "DISABLE_DEFAULT_PLUGINS": "1",
    "DISABLE_LSP_DOWNLOAD": "1",
    "DISABLE_MODELS_FETCH": "1",
}
_AIDER = (
    *("--edit-format", "whole", "--no-git", "--yes-always", "--no-analytics"),
    *("--no-check-update", "--no-show-model-warnings", "--no-show-release-notes"),
)
_CODEX = ("exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")


@dataclass(frozen=True)
class Launched:
    """One tool: its own arguments, which have nothing of Pointsman, and what it writes."""

    name: str
    arguments: tuple[str, ...]  # $task is the task
    environment: Mapping[str, str] = field(default_factory=dict)  # keeps it to itself
    told: bool = False  # the task comes on standard input
    writes: bool = True
    files: Mapping[str, str] = field(default_factory=dict)  # below its home


LAUNCHED = (
    Launched(
        "qwen-code",
        ("--yolo", "-p", "$task"),
        files={".qwen/settings.json": '{"security": {"auth": {"selectedType": "qwen-oauth"}}}'},
    ),
    Launched("opencode", ("run",), {f"OPENCODE_{name}": "1" for name in _OPENCODE}, told=True),
    Launched("kilo", ("run", "--auto"), {f"KILO_{name}": "1" for name in _OPENCODE}, told=True),
    Launched(
        "codex",
        (*_CODEX, "$task"),
        files={".codex/config.toml": 'model = "other"\nweb_search = "disabled"\n'},
    ),
    Launched("pi", ("-p", "$task"), {"PI_OFFLINE": "1"}),
    Launched(
        "claude-code",
        ("-p", "$task", "--permission-mode", "acceptEdits"),
        {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
        files={".claude/settings.json": '{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}}'},
    ),
    Launched("aider", (*_AIDER, "--message", "$task", "hello.txt")),
    Launched(
        "cline",
        ("$task",),
        {"CLINE_SESSION_BACKEND_MODE": "local"},  # or it leaves a process behind
        writes=False,  # it edits by tools that the simulator can't use
    ),
    Launched("llm", ("$task",), writes=False),
)
READ_BY_THE_TOOLS = {name: tool.config for name, tool in TOOLS.items() if tool.config}


@dataclass(frozen=True)
class Place:
    """A home, a working folder, and a folder of the one program on PATH."""

    home: Path
    work: Path
    programs: Path

    @classmethod
    def of(cls, tmp_path: Path, tool: Launched) -> "Place":
        place = cls(*(tmp_path / name for name in ("home", "work", "programs")))
        for folder in (place.home, place.work, place.programs):
            folder.mkdir()
        recipe = TOOLS[tool.name].launch
        assert recipe
        (place.programs / recipe.program).symlink_to(program(tool.name))
        for name, text in tool.files.items():
            (place.home / name).parent.mkdir(parents=True, exist_ok=True)
            (place.home / name).write_text(text, encoding="utf-8")
        return place

    def config(self, tool: Launched) -> Path:
        """The tool's own configuration file."""
        config = READ_BY_THE_TOOLS[tool.name]
        usual = f"{self.home}/.config"
        variables = {"HOME": str(self.home), "XDG_CONFIG_HOME": usual, "APPLICATIONS": usual}
        return Path(place_of(config, variables, os.path.lexists))

    async def run(
        self, tool: Launched, door: ClosedDoor, *command: str, task: str, **variables: str
    ) -> Ended:
        """Run a command in the working folder, with nothing of the developer's around."""
        return await ended(
            *(each.replace("$task", task) for each in command),
            environment={
                "HOME": str(self.home),
                "XDG_CONFIG_HOME": f"{self.home}/.config",
                "PYTHONPATH": str(ROOT),
                **door.environment,
                **tool.environment,
                "PATH": f"{self.programs}:{node().parent}:{os.defpath}",
                **variables,
            },
            cwd=self.work,
            told=f"{task}\n" if tool.told else "",
            within=150,
        )


def command(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "app", *words)


def ids(tool: Launched) -> str:
    return tool.name


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("tool", LAUNCHED, ids=ids)
async def test_a_tool_is_launched_and_its_requests_are_accounted_for(
    tool: Launched, stand: Stand, closed_door: ClosedDoor, tmp_path: Path
) -> None:
    place = Place.of(tmp_path, tool)
    config = place.config(tool)
    before = config.read_bytes() if config.exists() else None
    file = place.work / "hello.txt"
    named = file.name if tool.name == "aider" else file
    end = await place.run(
        tool,
        closed_door,
        *command("launch", tool.name, "--model", MODEL, "--", *tool.arguments),
        task=f"write {named}: Hello",
        POINTSMAN_PORT=stand.url.rpartition(":")[2],
    )

    assert end.code == 0, end.out + end.complaints
    if tool.writes:
        assert file.read_text(encoding="utf-8") == "Hello\n"
    receipts = await stand.receipts()
    assert f"pointsman: {len(receipts)} request" in end.complaints, end.complaints
    assert f"pointsman: policy: kept {len(receipts)}\n" in end.complaints
    assert {receipt["model_sent"] for receipt in receipts} == {MODEL}
    assert (config.read_bytes() if config.exists() else None) == before or tool.name in REWRITERS
    assert "4477" not in end.out + end.complaints
    assert files_that_hold(UPSTREAM_KEY, tmp_path) == []


# They write their own file at every start, however they are started.
REWRITERS = {"qwen-code", "claude-code"}


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("tool", LAUNCHED, ids=ids)
async def test_a_tool_is_launched_without_anything_running_and_shows_its_caller_key(
    tool: Launched, closed_door: ClosedDoor, tmp_path: Path
) -> None:
    """A Pointsman of its own, in front of the simulated OpenRouter, that asks for a key."""
    place = Place.of(tmp_path, tool)
    ledger = tmp_path / "ledger.db"
    keys = {"POINTSMAN_CALLER_KEYS": f"anna:{CALLER_KEY}", "POINTSMAN_PORT": "1"}
    launched = command("launch", tool.name, "--model", MODEL, "--ledger", str(ledger))
    end = await place.run(
        tool, closed_door, *launched, "--", *tool.arguments, task="Say hi.", **keys
    )
    assert end.code == 0, end.out + end.complaints
    assert "SIMULATED OpenRouter" in end.complaints
    listed = await place.run(
        tool,
        closed_door,
        *command("log", "--json", "--ledger", str(ledger)),
        task="",
        **keys,
    )
    receipts = [json.loads(line) for line in listed.out.splitlines()]
    assert receipts
    assert re.search(rf"^pointsman: {len(receipts)} requests?, \$", end.complaints, re.MULTILINE)
    assert {receipt["caller"] for receipt in receipts} == {"anna"}
    assert CALLER_KEY not in end.out + end.complaints
    assert files_that_hold(CALLER_KEY, tmp_path) == []


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("tool", LAUNCHED, ids=ids)
async def test_a_tool_is_connected_and_disconnected(
    tool: Launched, stand: Stand, closed_door: ClosedDoor, tmp_path: Path
) -> None:
    """What `--write` puts into its own file is all that it needs."""
    place = Place.of(tmp_path, tool)
    config = place.config(tool)
    before = config.read_bytes() if config.exists() else None
    port = {"POINTSMAN_PORT": stand.url.rpartition(":")[2]}
    written = await place.run(
        tool,
        closed_door,
        *command("connect", tool.name, "--write", "--model", MODEL),
        task="",
        **port,
    )
    assert written.code == 0, written.complaints
    assert written.out.startswith(f"wrote {config}")
    recipe = TOOLS[tool.name].launch
    assert recipe
    chosen: dict[str, tuple[str, ...]] = {
        "pi": ("--provider", "openrouter", "--model", MODEL),
        "llm": ("-m", f"pointsman {MODEL}"),
    }
    end = await place.run(
        tool,
        closed_door,
        recipe.program,
        *chosen.get(tool.name, ()),
        *tool.arguments,
        task="Say hi.",
    )
    assert end.code == 0, end.out + end.complaints
    receipts = await stand.receipts()
    assert receipts
    assert {receipt["model_sent"] for receipt in receipts} == {MODEL}

    undone = await place.run(
        tool, closed_door, *command("connect", tool.name, "--undo"), task="", **port
    )
    assert undone.code == 0, undone.complaints
    if tool.name in REWRITERS | {"cline", "kilo", "opencode"} and config.exists():
        assert "4477" not in config.read_text(encoding="utf-8")
        assert stand.url not in config.read_text(encoding="utf-8")
    else:
        assert (config.read_bytes() if config.exists() else None) == before
    edit = edit_of(READ_BY_THE_TOOLS[tool.name], Target(stand.url, MODEL))
    assert edit.values, "there was something to undo"
