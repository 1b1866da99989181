"""What a request asked for, as far as an answer can fall short of it.

`asked_of` copies the fields when the request is sent; `offered_of` decodes them when its answer has
ended.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from .json_text import parsed

LARGEST = 1_000_000  # bytes of the fields kept of one request; beyond, they count as unknown
_FIELDS = frozenset(
    {
        *("tools", "functions", "tool_choice", "function_call"),
        *("response_format", "text", "output_format", "output_config"),
        *("max_tokens", "max_completion_tokens", "max_output_tokens", "stop"),
        *("stop_sequences", "preset", "model", "models"),
    }
)
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_FORCES = ("required", "any", "function", "tool", "custom")  # a tuple: they may be of any type
_STRUCTURED = ("json_object", "json_schema")
_UNSAID = (b"", b"null", b"[]")


class Offered(NamedTuple):
    """What was asked for. A schema is None where the request gives none.

    `closed`: `tools` has every tool that the model was offered; a preset, or an entry that can't be
    read, may add others. `forced`: one tool had to be called. `structured`: the answer has to be
    JSON. `most_tokens`: the smallest limit. `stops`: a text was named that ends the answer.
    """

    tools: Mapping[str, Any]
    closed: bool = True
    offers_tools: bool = False
    forced: bool = False
    structured: bool = False
    structure: Any = None
    most_tokens: int | None = None
    stops: bool = False


def asked_of(fields: Mapping[str, msgspec.Raw]) -> dict[str, bytes]:
    """A copy of the fields that count, at most a megabyte; `{"tools": b"!"}` where it is more.

    A copy, so that the body itself can be let go of while the answer comes.
    """
    asked = {name: bytes(raw) for name, raw in fields.items() if name in _FIELDS}
    return asked if sum(map(len, asked.values())) <= LARGEST else {"tools": b"!"}


def offered_of(asked: Mapping[str, bytes]) -> Offered:
    """What these fields of a request offer and ask for; never raises."""
    found = {name: parsed(raw) for name, raw in asked.items() if raw.strip() not in _UNSAID}
    tools = dict(_tools(found.get("tools", [])))
    tools |= dict(_tools(found.get("functions", [])))
    wanted = _format_of(found)
    kind = _get(wanted, "type")
    limits = [limit for name in _LIMITS if type(limit := found.get(name)) is int and limit > 0]
    return Offered(
        tools={name: schema for name, schema in tools.items() if name},
        closed="" not in tools and not _has_preset(found),
        offers_tools=bool(tools),
        forced=_forces(found),
        structured=kind in _STRUCTURED,
        structure=_schema_of(wanted) if kind == "json_schema" else None,
        most_tokens=min(limits, default=None),
        stops=bool(found.keys() & {"stop", "stop_sequences"}),
    )


def _tools(listed: Any) -> Iterator[tuple[str, Any]]:
    """Each tool's name and schema; an empty name for what can't be read."""
    if not isinstance(listed, list):
        yield "", None
        return
    for entry in listed:
        if _get(entry, "type") == "namespace":
            yield from _tools(_get(entry, "tools"))
            continue
        inner = _get(entry, "function") or _get(entry, "custom") or entry
        name = _get(inner, "name")
        schema = _get(inner, "parameters") or _get(inner, "input_schema")
        yield name if isinstance(name, str) else "", schema


def _format_of(found: Mapping[str, Any]) -> Any:
    """The format asked for, in each dialect's place."""
    return (
        found.get("response_format")
        or _get(found.get("text"), "format")
        or _get(found.get("output_config"), "format")
        or found.get("output_format")
    )


def _schema_of(wanted: Any) -> Any:
    return _get(wanted, "schema") or _get(_get(wanted, "json_schema"), "schema")


def _forces(found: Mapping[str, Any]) -> bool:
    """Whether a tool is required: OpenAI then finishes with `stop`, as documented."""
    choice = found.get("tool_choice")
    choice = found.get("function_call") if choice is None else choice
    kind = choice.get("type", "function") if isinstance(choice, dict) else choice
    return kind in _FORCES


def _has_preset(found: Mapping[str, Any]) -> bool:
    listed = found.get("models")
    names = [found.get("model"), *(listed if isinstance(listed, list) else ())]
    return "preset" in found or any(isinstance(name, str) and "@" in name for name in names)


def _get(found: object, name: str) -> Any:
    return found.get(name) if isinstance(found, dict) else None
