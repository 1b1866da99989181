"""What the simulated model says: a text, its reasoning, or a call of an offered tool."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from .ask import Ask
from .catalog import Row
from .examples import example
from .quirks import HONEST, Quirks
from .task import Task, find_task, runs_commands, writes_files
from .wording import LONGEST, worded

THOUGHT = "The request is simulated, so a short and plain answer will do."
_PIECE = 4  # characters per token


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a function that the caller offered."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Said:
    """The content of an answer, before it is billed."""

    text: str
    reasoning: str
    call: ToolCall | None
    finish: str | None  # OpenRouter's finish reason; None if the answer stops without one
    native: str | None  # the provider's own
    unseen: int = 0  # tokens that are billed and not part of the answer

    @property
    def tokens(self) -> int:
        """The tokens to bill."""
        called = tokens(self.call.arguments) if self.call else 0
        return tokens(self.reasoning) + tokens(self.text) + called + self.unseen

    def ending(self, finish: str | None) -> "Said":
        """The same with another finish reason."""
        return replace(self, finish=finish, native=finish)


def say(ask: Ask, row: Row, random: Random, quirks: Quirks = HONEST) -> Said:
    """The content of one row's answer to one request; the same seed gives the same."""
    reasons = quirks.thinks or _reasons(ask, row)
    empty = ask.switches.empty
    reasoning = THOUGHT if empty == "reasoning_only" or (reasons and not empty) else ""
    task = find_task(ask.body)
    call = None if empty else _tool_call(ask, task, random)
    text = "" if call or empty else _text(ask, row, task, random, quirks)
    finish = "tool_calls" if call else "stop"
    native = "network_error" if empty == "network_error" else finish
    said = Said(text, reasoning, call, finish, native)
    return said if quirks.unlimited else _limited(ask, said)


def _reasons(ask: Ask, row: Row) -> bool:
    """Whether the model reasons: always, by "default", or "asked" for it."""
    reasons = row.model.hidden.get("reasons")
    told = {"asked": ask.wants_reasoning, "default": not ask.declines_reasoning}
    return bool(told.get(str(reasons), reasons)) and "reasoning" in row.parameters


def _limited(ask: Ask, said: Said) -> Said:
    """The part of an answer that its token limit leaves; a call is never cut."""
    most = ask.most_tokens
    if most is None or said.call or said.tokens <= most:
        return said
    reasoning = said.reasoning[: most * _PIECE]
    text = said.text[: (most - tokens(reasoning)) * _PIECE]
    return replace(said, text=text, reasoning=reasoning, finish="length", native="length")


def tokens(text: str) -> int:
    """How many tokens a text counts as."""
    return -(-len(text) // _PIECE)


def _text(ask: Ask, row: Row, task: Task | None, random: Random, quirks: Quirks) -> str:
    if "schema" in ask.structure:
        return json.dumps(example(ask.structure["schema"]))
    if ask.structure:
        return json.dumps({"simulated": True})
    if ask.tool_answered:
        return "Done: the tool has answered, and this simulated model has nothing to add."
    if task and not ask.tools:
        return task.listing
    if _greedy(ask):
        most = LONGEST if quirks.unlimited else (ask.most_tokens or LONGEST)
        return worded(ask.prompt, row, quirks, random, words=most + 1)
    digest = hashlib.sha256(ask.prompt.encode()).hexdigest()[:8]
    return (
        f"This is a simulated answer, as {row.name} might give it. "
        f"Nothing was computed; the prompt's digest is {digest}."
    )


def _greedy(ask: Ask) -> bool:
    """Whether the words of a plain text follow from the model's logits: at temperature 0."""
    return ask.body.get("temperature") == 0 and not ask.tools and not ask.server_tools


def _tool_call(ask: Ask, task: Task | None, random: Random) -> ToolCall | None:
    if not ask.tools or ask.tool_choice == "none" or ask.tool_answered:
        return None
    chosen = _chosen(ask.tools, ask.body.get("tool_choice"), task)
    return ToolCall(
        id=f"call_{letters(random, 24)}",
        name=chosen["name"],
        arguments=json.dumps(_arguments(chosen.get("parameters") or {}, task)),
    )


def _chosen(tools: list[dict[str, Any]], choice: Any, task: Task | None) -> dict[str, Any]:
    """The tool that was requested by name, else one that writes a file, else the first."""
    if isinstance(choice, dict):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, dict) else choice.get("name")
        named = [tool for tool in tools if tool["name"] == name]
        if named:
            return named[0]
    able = [tool for tool in tools if writes_files(tool)]
    able += [tool for tool in tools if task and runs_commands(tool)]
    able += [tool for tool in tools if "write" in tool["name"].lower()]
    return (able or tools)[0]


def _arguments(schema: Mapping[str, Any], task: Task | None) -> Any:
    arguments = example(schema)
    if task and isinstance(arguments, dict):
        offered = schema.get("properties") or {}
        arguments |= {key: told for key, told in task.arguments.items() if key in offered}
    return arguments


def letters(random: Random, count: int) -> str:
    """Random letters and digits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(random.choices(alphabet, k=count))
