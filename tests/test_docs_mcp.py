"""docs/mcp.md: every tool with its arguments, answers in the shape that is shown, and recipes."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli.mcp.arguments import checked
from app.cli.mcp.source import FromFiles
from app.cli.mcp.tools import TOOLS, Desk
from app.ledger.wanted import NAMES
from app.settings import Settings
from tests.cli.mcp.agents import furnished
from tests.test_docs import DOCS
from tests.test_docs_http import same_shape

TEXT = (DOCS / "mcp.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"^```json arguments (\w+)\n(.*?)^```\n```text tells\n(.*?)^```\n```json answer\n(.*?)^```$",
    TEXT,
    re.MULTILINE | re.DOTALL,
)
RECIPES = re.findall(
    r"^```(json|toml|yaml) (claude-code|codex|opencode|qwen-code|cline|goose)\n(.*?)^```$",
    TEXT,
    re.MULTILINE | re.DOTALL,
)
READERS: dict[str, Any] = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load}


def section(name: str) -> str:
    return TEXT.split(f"\n## {name}\n")[1].split("\n## ")[0]


def test_every_tool_has_its_example() -> None:
    assert [name for name, *_ in EXAMPLES] == [*TOOLS]


@pytest.mark.parametrize(("name", "arguments", "told", "answer"), EXAMPLES)
def test_an_answer_has_the_shape_that_is_shown(
    name: str, arguments: str, told: str, answer: str, tmp_path: Path
) -> None:
    settings = Settings.read(ledger_url=f"{furnished(tmp_path)}/ledger.db", state=tmp_path)
    tool, desk = TOOLS[name], Desk(lambda: FromFiles(settings), settings)
    came = tool.answer(desk, checked(tool.takes, json.loads(arguments)))
    said = json.loads(answer)
    if name == "score":  # the page shows two of the rates
        shown = said["hosts"][0]["rates"]
        came["hosts"][0]["rates"] = {each: came["hosts"][0]["rates"][each] for each in shown}
    same_shape(said, came)
    assert tool.tell(came) == told.strip()


@pytest.mark.parametrize("name", TOOLS)
def test_every_argument_has_its_row(name: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section(name), re.MULTILINE)
    properties = TOOLS[name].takes["properties"]
    assert {row for row, _ in rows} == {each for each in properties if each not in _filters(name)}
    for row, said in rows:
        usual = properties[row].get("default")
        if isinstance(usual, int):
            assert said.endswith(f"{properties[row]['maximum']}; {usual} unless given")


def _filters(name: str) -> set[str]:
    return {*NAMES} if name in {"log", "stats", "score"} else set()


def test_every_filter_is_named() -> None:
    assert set(re.findall(r"`(\w+)`", section("Filters"))) - {"log", "stats", "score"} == {*NAMES}


@pytest.mark.parametrize(("kind", "tool", "text"), RECIPES)
def test_a_recipe_starts_the_command(kind: str, tool: str, text: str) -> None:
    read = READERS[kind](text)
    (servers,) = read.values()
    entry = servers["pointsman"]
    command = entry.get("command") or entry.get("cmd")
    words = command if isinstance(command, list) else [command, *entry["args"]]
    assert words == ["pointsman", "mcp"], tool


def test_every_agent_has_its_recipe() -> None:
    assert len(RECIPES) == 6
    assert TEXT.count("\n### ") == 6
