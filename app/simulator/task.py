"""The one task that the simulated model can do, so that a coding agent's whole loop runs for free.

A user's line of the form `write FILE: CONTENT` is done with a tool that the request offers: one
that takes a path and a content, else one that runs a shell command. If no tool is offered, the
answer is the file as a listing (its name, then its content in a fence), which agents that edit by
text write to disk. FILE has no blanks; CONTENT is the rest of the line, followed by a newline.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PATHS = ("path", "file_path", "filePath", "absolute_path")
COMMANDS = ("command", "cmd")
_CONTENT = "content"
_LINE = re.compile(r"^write (\S+): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Task:
    """A file to write."""

    path: str
    content: str

    @property
    def listing(self) -> str:
        """The file in the form that a coding model shows."""
        return f"{self.path}\n```\n{self.content}```\n"

    @property
    def arguments(self) -> dict[str, str]:
        """The values of a tool's parameters, by name."""
        write = f"printf %s {shlex.quote(self.content)} > {shlex.quote(self.path)}"
        return {
            **dict.fromkeys(PATHS, self.path),
            _CONTENT: self.content,
            **dict.fromkeys(COMMANDS, write),
        }


def find_task(body: Mapping[str, Any]) -> Task | None:
    """The last file that the user requested; None if no line requests one."""
    asked = [found for text in _user_texts(body) for found in _LINE.findall(text)]
    return Task(asked[-1][0], f"{asked[-1][1].rstrip()}\n") if asked else None


def writes_files(tool: Mapping[str, Any]) -> bool:
    """Whether a tool takes the path and the content of a file."""
    names = _parameters(tool)
    return _CONTENT in names and any(name in names for name in PATHS)


def runs_commands(tool: Mapping[str, Any]) -> bool:
    """Whether a tool takes a shell command."""
    names = _parameters(tool)
    return any(name in names for name in COMMANDS)


def _parameters(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    return (tool.get("parameters") or {}).get("properties") or {}


def _user_texts(body: Mapping[str, Any]) -> Iterator[str]:
    turns = body.get("messages") or body.get("input") or body.get("prompt") or ()
    if isinstance(turns, str):
        yield turns
        return
    for turn in turns if isinstance(turns, list) else ():
        if not isinstance(turn, dict) or turn.get("role") != "user":
            continue
        content = turn.get("content")
        if isinstance(content, str):
            yield content
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                yield part["text"]
