"""`write FILE: CONTENT` is done with whatever the request offers, in every dialect."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.simulator.task import find_task
from tests.simulator.simulated import HELLO, Simulated, endpoint, events, model, routed

ASK = "write notes/a.txt: Don't panic, $HOME"
CONTENT = "Don't panic, $HOME\n"


def tool(name: str, *parameters: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {each: {"type": "string"} for each in parameters},
        "required": list(parameters),
    }
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def called(*tools: dict[str, Any], ask: str = ASK) -> tuple[str, dict[str, Any]]:
    messages = [{"role": "user", "content": ask}]
    call = routed(model(endpoint("novita")), tools=list(tools), messages=messages)
    assert call.completion.tool_call
    return call.completion.tool_call.name, json.loads(call.completion.tool_call.arguments)


# As qwen-code, opencode, pi and Claude Code offer them, each among others that it offers, too.
@pytest.mark.parametrize(
    ("path", "tools"),
    [
        ("file_path", [tool("edit", "file_path", "old_string"), tool("w", "file_path", "content")]),
        ("filePath", [tool("todowrite", "todos"), tool("w", "content", "filePath")]),
        ("path", [tool("bash", "command"), tool("w", "path", "content")]),
        ("file_path", [tool("Bash", "command"), tool("w", "file_path", "content")]),
    ],
)
def test_a_tool_that_takes_path_and_content_is_called_with_them(
    path: str, tools: list[dict[str, Any]]
) -> None:
    assert called(*tools) == ("w", {path: "notes/a.txt", "content": CONTENT})


@pytest.mark.parametrize("parameter", ["command", "cmd"])
def test_a_shell_is_told_to_write_exactly_that(parameter: str, tmp_path: Path) -> None:
    """As Codex offers it, beside a tool whose name only sounds like writing a file."""
    name, arguments = called(tool("write_stdin", "chars"), tool("exec", parameter))
    assert name == "exec"
    (tmp_path / "notes").mkdir()
    subprocess.run(["sh", "-c", arguments[parameter]], cwd=tmp_path, check=True)  # noqa: S603, S607
    assert (tmp_path / "notes" / "a.txt").read_text(encoding="utf-8") == CONTENT


def test_optional_parameters_of_other_kinds_are_left_alone() -> None:
    offered = tool("w", "path", "content")
    offered["function"]["parameters"]["properties"]["artifact"] = {"type": "boolean"}
    assert set(called(offered)[1]) == {"path", "content"}


def test_without_a_task_no_shell_is_preferred() -> None:
    assert called(tool("look", "city"), tool("bash", "command"), ask="hello")[0] == "look"


async def test_without_tools_the_answer_is_the_file_as_a_listing() -> None:
    reply = await Simulated().chat("x-ai/grok-4", messages=[{"role": "user", "content": ASK}])
    content = reply.json()["choices"][0]["message"]["content"]
    assert content == f"notes/a.txt\n```\n{CONTENT}```\n"


async def test_a_streamed_listing_is_the_same_listing() -> None:
    asked = [{"role": "user", "content": ASK}]
    reply = await Simulated().chat("x-ai/grok-4", messages=asked, stream=True)
    deltas = [body["choices"][0]["delta"] for body in events(reply.text) if body["choices"]]
    said = "".join(delta.get("content") or "" for delta in deltas)
    assert said == f"notes/a.txt\n```\n{CONTENT}```\n"


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": f"Today is Monday.\n{ASK}\nBe brief."}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ASK}]}]},
        {"messages": [{"role": "user", "content": "write b: c"}, {"role": "user", "content": ASK}]},
        {"messages": [{"role": "user", "content": ASK}, {"role": "assistant", "content": "x"}]},
        {"input": ASK},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": ASK}]}]},
        {"input": [{"type": "message", "role": "user", "content": ASK}]},
        {"prompt": ASK},
    ],
)
def test_the_users_last_such_line_counts_in_every_dialect(body: dict[str, Any]) -> None:
    task = find_task(body)
    assert task
    assert (task.path, task.content) == ("notes/a.txt", CONTENT)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": HELLO},
        {"messages": [{"role": "system", "content": ASK}]},
        {"messages": [{"role": "assistant", "content": ASK}, *HELLO]},
        {"messages": [{"role": "user", "content": f"please {ASK}"}]},
        {"messages": [{"role": "user", "content": "write a.txt"}]},
        {"messages": [{"role": "user", "content": [{"type": "image", "url": ASK}]}, "x"]},
        {"input": ["one", "two"]},
    ],
)
def test_nothing_else_is_a_task(body: dict[str, Any]) -> None:
    assert find_task(body) is None
