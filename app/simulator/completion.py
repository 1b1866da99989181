"""The simulated model's answer and its cost: the same in every dialect."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

from app.simulator.ask import Ask
from app.simulator.caches import CacheUse
from app.simulator.catalog import Row
from app.simulator.task import Task, find_task, runs_commands, writes_files

_THOUGHT = "The request is simulated, so a short and plain answer will do."
_DEEP = 8  # depth limit for a schema that may contain itself
_PIECE = 4  # characters per token


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a function that the caller offered."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, and exact USD by the serving row's prices."""

    prompt_tokens: int
    cached_tokens: int  # read from the cache
    cache_write_tokens: int
    cache_write_1h_tokens: int  # of these, the ones to keep for an hour
    completion_tokens: int
    reasoning_tokens: int
    prompt_cost: Decimal
    completion_cost: Decimal

    @property
    def uncached_tokens(self) -> int:
        """The tokens of the prompt that the cache had no part in."""
        return self.prompt_tokens - self.cached_tokens - self.cache_write_tokens

    @property
    def cost(self) -> Decimal:
        """The cost of the request."""
        return self.prompt_cost + self.completion_cost


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer: the endpoint that serves it, its content, its cost."""

    id: str
    created: int
    row: Row
    text: str
    reasoning: str
    tool_call: ToolCall | None
    finish_reason: str
    native_finish_reason: str  # the provider's own finish reason
    usage: Usage

    @property
    def pieces(self) -> list[str]:
        """The text in the pieces of a stream, word by word."""
        words = self.text.split(" ")
        return [word if n == 0 else f" {word}" for n, word in enumerate(words)] if self.text else []


def complete(ask: Ask, row: Row, *, created: int, random: Random, cache: CacheUse) -> Completion:
    """The answer of one row to one request; the same seed gives the same answer."""
    reasons = bool(row.model.hidden.get("reasons")) and "reasoning" in row.parameters
    empty = ask.switches.empty
    reasoning = _THOUGHT if empty == "reasoning_only" or (reasons and not empty) else ""
    task = find_task(ask.body)
    tool_call = None if empty else _tool_call(ask, task, random)
    text = "" if tool_call or empty else _text(ask, row, task)
    finish = "tool_calls" if tool_call else "stop"
    said = tool_call.arguments if tool_call else text
    completion_tokens = tokens(reasoning) + tokens(said)
    if ask.most_tokens is not None and not tool_call and completion_tokens > ask.most_tokens:
        finish, completion_tokens = "length", ask.most_tokens
        reasoning = reasoning[: completion_tokens * _PIECE]
        text = text[: (completion_tokens - tokens(reasoning)) * _PIECE]
    prompt_tokens = 0 if empty == "network_error" else tokens(ask.prompt)
    now = datetime.fromtimestamp(created, UTC)
    price = partial(row.price_at, prompt_tokens=prompt_tokens, now=now)
    return Completion(
        id=generation_id(created, random),
        created=created,
        row=row,
        text=text,
        reasoning=reasoning,
        tool_call=tool_call,
        finish_reason=finish,
        native_finish_reason="network_error" if empty == "network_error" else finish,
        usage=_usage(price, prompt_tokens, cache, completion_tokens, tokens(reasoning)),
    )


def generation_id(created: int, random: Random) -> str:
    """`gen-<unix>-<20 letters and digits>`."""
    return f"gen-{created}-{_letters(random, 20)}"


def tokens(text: str) -> int:
    """How many tokens a text counts as."""
    return -(-len(text) // _PIECE)


def _usage(
    price: Callable[[str], Decimal], prompt: int, cache: CacheUse, completion: int, reasoning: int
) -> Usage:
    cached = min(cache.read, prompt)
    for_an_hour = min(cache.written_1h, prompt - cached)
    briefly = min(cache.written, prompt - cached - for_an_hour)
    hour_price = price("input_cache_write_1h") or 2 * price("prompt")
    return Usage(
        prompt_tokens=prompt,
        cached_tokens=cached,
        cache_write_tokens=briefly + for_an_hour,
        cache_write_1h_tokens=for_an_hour,
        completion_tokens=completion,
        reasoning_tokens=reasoning,
        prompt_cost=(prompt - cached - briefly - for_an_hour) * price("prompt")
        + cached * price("input_cache_read")
        + briefly * price("input_cache_write")
        + for_an_hour * hour_price,
        completion_cost=completion * price("completion"),
    )


def _text(ask: Ask, row: Row, task: Task | None) -> str:
    wanted = ask.body.get("response_format") or _format(ask.body.get("text"))
    wanted = wanted if isinstance(wanted, dict) else {}  # a file's format, on media routes
    schema = (wanted.get("json_schema") or {}).get("schema") or wanted.get("schema")
    if schema is not None:
        return json.dumps(example(schema))
    if wanted.get("type") == "json_object":
        return json.dumps({"simulated": True})
    if ask.tool_answered:
        return "Done: the tool has answered, and this simulated model has nothing to add."
    if task and not ask.tools:
        return task.listing
    digest = hashlib.sha256(ask.prompt.encode()).hexdigest()[:8]
    return (
        f"This is a simulated answer, as {row.name} might give it. "
        f"Nothing was computed; the prompt's digest is {digest}."
    )


def _format(text: Any) -> Any:
    """The output format that a response's `text` requests."""
    return text.get("format") if isinstance(text, dict) else None


def _tool_call(ask: Ask, task: Task | None, random: Random) -> ToolCall | None:
    if not ask.tools or ask.tool_choice == "none" or ask.tool_answered:
        return None
    chosen = _chosen(ask.tools, ask.body.get("tool_choice"), task)
    return ToolCall(
        id=f"call_{_letters(random, 24)}",
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


# Values for a coding tool's parameters, by name, so that an agent's loop makes progress.
_BY_NAME = {
    "path": "hello.txt",
    "file_path": "hello.txt",
    "filePath": "hello.txt",
    "absolute_path": "hello.txt",
    "content": "Hello from the simulator.\n",
    "command": "echo hello",
    "location": "Lisbon",
    "city": "Lisbon",
}
_BY_TYPE = {"integer": 1, "number": 1.5, "boolean": True, "null": None, "string": "simulated"}


def example(
    schema: Mapping[str, Any],
    name: str = "",
    root: Mapping[str, Any] | None = None,
    depth: int = 0,
) -> Any:
    """A value that fits a JSON schema; the plain kinds that tools and structured outputs use.

    A recursive schema is followed for a few levels; after that, lists have their minimum length.
    """
    if depth > 2 * _DEEP:
        return None
    root = schema if root is None else root
    schema = _resolved(schema, root)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return _object(schema, root, depth)
    if kind == "array":
        length = schema.get("minItems") or (1 if depth < _DEEP else 0)
        return [example(schema.get("items") or {}, name, root, depth + 1) for _ in range(length)]
    by_name = _BY_NAME.get(name) if kind == "string" else schema.get("minimum")
    return _BY_TYPE.get(kind) if by_name is None else by_name


def _resolved(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema after resolving references and alternatives: the first of each."""
    for _ in range(_DEEP):
        if not isinstance(schema, Mapping):
            return {}  # true is also a schema: any value fits
        alternatives = next((schema[k] for k in ("anyOf", "oneOf", "allOf") if schema.get(k)), None)
        if alternatives is not None:
            schema = alternatives[0]
        elif "$ref" in schema:
            target: Any = root
            for step in str(schema["$ref"]).removeprefix("#/").split("/"):
                target = target.get(step, {}) if isinstance(target, Mapping) else {}
            schema = target
        else:
            break
    return dict(schema)


def _object(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    needed = schema.get("required", list(properties))
    return {key: example(properties.get(key) or {}, key, root, depth + 1) for key in needed}


def _letters(random: Random, count: int) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(random.choices(alphabet, k=count))
