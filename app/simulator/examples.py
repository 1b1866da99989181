"""Values that fit a JSON schema, and values that don't."""

from collections.abc import Mapping
from typing import Any

_DEEP = 8  # depth limit for a schema that may contain itself

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
    kind = str(kind[0]) if isinstance(kind, list) else kind
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
        schema = _wellformed(schema)
        alternatives = next((schema[k] for k in ("anyOf", "oneOf", "allOf") if k in schema), None)
        if alternatives is not None:
            schema = alternatives[0]
        elif "$ref" in schema:
            target: Any = root
            for step in str(schema["$ref"]).removeprefix("#/").split("/"):
                target = target.get(step, {}) if isinstance(target, Mapping) else {}
            schema = target
        else:
            break
    return _wellformed(schema) if isinstance(schema, Mapping) else {}


# The type of each keyword that is read; one of another type is ignored, as a host would.
_KEYWORDS: dict[str, type | tuple[type, ...]] = {
    "anyOf": list,
    "oneOf": list,
    "allOf": list,
    "enum": list,
    "required": list,
    "properties": dict,
    "type": (str, list),
    "minItems": int,
    "minimum": (int, float),
}


def _wellformed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords that have a value of their type; of lists, those that are not empty."""
    return {
        name: value
        for name, value in schema.items()
        if isinstance(value, _KEYWORDS.get(name, object)) and (name == "required" or value != [])
    }


def _object(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    needed = filter(_is_text, schema.get("required", list(properties)))
    return {key: example(properties.get(key) or {}, key, root, depth + 1) for key in needed}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def misfit(schema: Mapping[str, Any], fitting: Any) -> Any:
    """A value that a schema excludes: `fitting` without a required field, or of another type.

    For a schema that admits every object it is a list, since arguments are always an object.
    """
    resolved = _resolved(schema, schema)
    if not isinstance(fitting, dict):
        return {"simulated": fitting}
    required = filter(_is_text, resolved.get("required", ()))
    needed = [name for name in required if name in fitting]
    if needed:
        return {name: value for name, value in fitting.items() if name != needed[0]}
    for name, value in fitting.items():
        if "type" in _resolved((resolved.get("properties") or {}).get(name), schema):
            wrong = "simulated" if isinstance(value, dict) else {"simulated": value}
            return {**fitting, name: wrong}
    return []
