"""Coding agents find the tools of `pointsman mcp` with the recipes of docs/mcp.md."""

import sys
from pathlib import Path

import pytest

from tests.cli.mcp.agents import ROOT, furnished
from tests.clients.conftest import ClosedDoor
from tests.clients.installed import node, program
from tests.clients.programs import output
from tests.test_docs_mcp import RECIPES

# Where each keeps the recipe in its home, and what it says of a server that answers.
# Codex does not connect before it has a task, and lists what it has read.
LISTED = {
    "claude-code": (".claude.json", "pointsman: pointsman mcp - ✔ Connected"),
    "codex": (".codex/config.toml", "enabled"),
    "opencode": (".config/opencode/opencode.json", "pointsman \x1b[90mconnected"),
    "qwen-code": (".qwen/settings.json", "pointsman: pointsman mcp (stdio) - Connected"),
}
_NODE = frozenset({"codex", "qwen-code"})
_QUIET = (
    *("OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_DEFAULT_PLUGINS"),
    *("OPENCODE_DISABLE_LSP_DOWNLOAD", "OPENCODE_DISABLE_MODELS_FETCH"),
)


@pytest.mark.parametrize("name", LISTED)
async def test_an_agent_connects(name: str, tmp_path: Path, closed_door: ClosedDoor) -> None:
    own = program(name)
    home, bin_ = furnished(tmp_path), tmp_path / "bin"
    bin_.mkdir()
    started = f"PYTHONPATH={ROOT} POINTSMAN_PORT=1 exec {sys.executable} -m app"
    (bin_ / "pointsman").write_text(f'#!/bin/sh\n{started} "$@"\n')
    (bin_ / "pointsman").chmod(0o755)
    file, told = LISTED[name]
    (home / file).parent.mkdir(parents=True, exist_ok=True)
    (home / file).write_text(next(text for _, tool, text in RECIPES if tool == name))
    out, complaints = await output(
        *([node()] if name in _NODE else []),
        *(own, "mcp", "list"),
        environment={
            "HOME": str(home),
            "PATH": f"{bin_}:{node().parent}:/usr/local/bin:/usr/bin:/bin",
            **closed_door.environment,
            **dict.fromkeys(_QUIET, "1"),
        },
        cwd=home,
        within=120,
    )
    plain = (out + complaints).replace("\x1b[32m✓\x1b[0m ", "").replace("\x1b[0m", "")
    assert "pointsman" in plain
    assert told in plain, plain
