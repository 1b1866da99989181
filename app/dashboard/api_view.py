"""The OpenAPI description of all paths, for a page. PURE."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[tuple[str, str, str], ...]  # name, location, description
    body: str  # the kinds that it accepts
    answers: tuple[tuple[str, str, str], ...]  # status, meaning, fields


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of one tag."""

    name: str
    description: str
    operations: tuple[Operation, ...]


def groups_of(described: Mapping[str, Any]) -> tuple[Group, ...]:
    """Every operation, in the order of the tags and of the paths."""
    found = tuple(_operations(described))
    return tuple(
        Group(
            tag["name"], tag["description"], tuple(op for name, op in found if name == tag["name"])
        )
        for tag in described["tags"]
    )


def _operations(described: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            yield (
                told["tags"][0],
                Operation(
                    method=method.upper(),
                    path=path,
                    summary=told["summary"],
                    description=told.get("description", ""),
                    parameters=tuple(
                        (each["name"], each["in"], each.get("description", ""))
                        for each in told.get("parameters", ())
                    ),
                    body=", ".join(told.get("requestBody", {}).get("content", ())),
                    answers=tuple(
                        (status, answer["description"], _fields(answer, described))
                        for status, answer in told["responses"].items()
                    ),
                ),
            )


def _fields(answer: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    """The names of an answer's fields, if a schema lists them."""
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    return ", ".join(described["components"]["schemas"][name]["properties"]) if name else ""
