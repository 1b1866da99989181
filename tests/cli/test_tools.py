"""What is said of tools is the same in the code, in docs and in the tests that ran them."""

import json
import re
from pathlib import Path

import pytest

from app.cli.tools import TOOLS
from tests.clients.agents import AGENTS
from tests.clients.installed import CLIENTS, HERE

ROOT = Path(__file__).parent.parent.parent
RECIPES = (ROOT / "docs" / "tools.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def plain(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())


@pytest.mark.parametrize("name", TOOLS)
def test_each_tool_has_its_row_with_the_pattern_of_its_user_agent(name: str) -> None:
    first_table = RECIPES.partition("\n| ")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in first_table.splitlines()]
    (row,) = [row for row in rows if plain(row[0]) in {plain(name), f"vercel{plain(name)}"}]
    pattern = TOOLS[name].user_agent
    assert (f"`{pattern}`" if pattern else "none of its own") in row[3]


@pytest.mark.parametrize("name", TOOLS)
def test_the_readme_names_each_tool(name: str) -> None:
    assert plain(name) in plain(README)


def test_the_versions_in_the_recipes_are_those_that_are_run() -> None:
    pinned = {client.version for client in CLIENTS.values() if not client.lock} - {
        CLIENTS["node"].version
    }
    packages = json.loads((HERE / "node" / "package.json").read_text(encoding="utf-8"))
    pinned |= {version for name, version in packages["dependencies"].items() if name != "zod"}
    assert [version for version in pinned if version not in RECIPES] == []


def test_each_agent_that_is_run_is_a_tool_with_a_recipe() -> None:
    assert [agent.name for agent in AGENTS if agent.name not in TOOLS] == []
