"""Checks a tool's arguments by its schema; a message never repeats a value.

What an agent passes may be a part of its conversation.
"""

from collections.abc import Callable, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ...shown import json_text, one_line
from ...suggest import did_you_mean
from .fault import Fault

LONGEST_PROVIDER = 8_000  # characters of a `provider` object as JSON
_LONGEST_NAME = 60

Json = dict[str, Any]


def checked(schema: Json, arguments: Json) -> Json:
    """Return the arguments, with the schema's defaults filled in.

    Raises `Fault` that names the first argument that does not fit, and what it may be.
    """
    error = next(iter(Draft202012Validator(schema).iter_errors(arguments)), None)
    if error is not None:
        raise Fault(_problem(error, schema["properties"], arguments))
    usual = {
        name: each["default"] for name, each in schema["properties"].items() if "default" in each
    }
    return {**usual, **arguments}


def _problem(error: ValidationError, known: Mapping[str, Any], given: Json) -> str:
    place = ".".join(map(str, error.absolute_path)) or "arguments"
    if error.validator == "additionalProperties" and not error.absolute_path:
        name = next(each for each in given if each not in known)
        shown = one_line(name[:_LONGEST_NAME])
        names = ", ".join(known) or "none"
        return (
            f"{shown}: not an argument of this tool{did_you_mean(shown, known)}; known are {names}"
        )
    demand: Any = error.validator_value
    say = _DEMANDS.get(str(error.validator), lambda _: "does not fit the tool's schema")
    return f"{one_line(place)}: {say(demand)}"


_DEMANDS: Mapping[str, Callable[[Any], str]] = {
    "type": lambda kind: f"must be of the type {kind}",
    "enum": lambda values: f"must be one of {', '.join(map(str, values))}",
    "minimum": lambda least: f"must be {least} or more",
    "maximum": lambda most: f"must be {most} or less",
    "minLength": lambda _: "must not be empty",
    "maxLength": lambda most: f"must have at most {most} characters",
    "maxItems": lambda most: f"must have at most {most} entries",
    "minItems": lambda least: f"must have at least {least} entries",
    "uniqueItems": lambda _: "must name each once",
    "maxProperties": lambda most: f"must have at most {most} keys",
    "pattern": lambda _: "must be a receipt's id, its end of 4 characters or more, or last",
    "required": lambda names: f"must have {', '.join(names)}",
}


def small(provider: Json | None) -> Json | None:
    """Return a `provider` object if its size is within bounds. Raises `Fault`."""
    if provider is not None and len(json_text(provider)) > LONGEST_PROVIDER:
        raise Fault(f"provider: must have at most {LONGEST_PROVIDER} characters as JSON")
    return provider
