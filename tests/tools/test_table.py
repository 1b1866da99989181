"""What is said of tools is the same in the code, in docs and in the tests that ran them."""

import json
import re
from pathlib import Path

import pytest

from app.tools.filling import Target
from app.tools.table import ANY_PROGRAM, TOOLS
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
    unnamed = "not known" if row[1] == "not run" else "none of its own"
    assert (f"`{pattern}`" if pattern else unnamed) in row[3]


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


def row_of(name: str) -> str:
    """The row of a tool in the table of docs/tools.md that says what is set."""
    launch, config = TOOLS[name].launch, TOOLS[name].config
    assert launch
    assert config
    flags = dict.fromkeys(each for group in launch.arguments for each in group[:1])
    files = [*launch.files, *([launch.copy] if launch.copy else [])]
    sets = [*launch.variables, *flags]
    also = f"; files {', '.join(map(code, files))}" if files else ""
    unset = f"; without {', '.join(map(code, launch.without))}" if launch.without else ""
    edits = [*map(shown, config.chosen), shown(config.usual[-1])]
    return (
        f"| {name} | `{launch.program}` | {', '.join(map(code, sets))}{also}{unset} "
        f"| {', else '.join(edits)} |"
    )


def code(text: str) -> str:
    return f"`{text}`"


def shown(place: str) -> str:
    for variable, usual in (("$HOME", "~"), ("$XDG_CONFIG_HOME", "~/.config")):
        place = place.replace(variable, usual)
    return code(place.replace("$APPLICATIONS", "~/.config"))


LAUNCHED = [name for name, tool in TOOLS.items() if tool.launch]


@pytest.mark.parametrize("name", LAUNCHED)
def test_the_recipes_say_what_launch_and_connect_set(name: str) -> None:
    assert row_of(name) in RECIPES.splitlines()


def test_the_recipes_name_every_variable_of_any_program() -> None:
    listed = RECIPES.partition("pointsman launch --env PROGRAM [")[2].partition("\n\n")[0]
    assert re.findall(r"`([A-Z_]{2,})`", listed) == list(ANY_PROGRAM)


def test_a_tool_that_can_be_launched_can_be_connected_and_names_are_unique() -> None:
    assert [name for name, tool in TOOLS.items() if bool(tool.launch) != bool(tool.config)] == []
    names = [each for name, tool in TOOLS.items() for each in (name, *tool.names)]
    assert len(names) == len(set(names))


def test_every_placeholder_of_a_recipe_is_one() -> None:
    known = set(Target("http://x", "m", "k").values(folder="f", by_name="n", plain=True))
    texts = [ANY_PROGRAM, *(each for tool in TOOLS.values() for each in (tool.launch, tool.config))]
    used = set(re.findall(r"\$([a-z_]+)", str(texts)))
    assert used <= known
    assert known - used == set(), "each has a use"
