"""Whether a value is as a JSON Schema of a request demands, at a bounded cost.

The schema comes from a client, and may be made to hurt. So

Rule 1  Each keyword that is applied costs steps, by the size of what it looks at (`Budget`).
Rule 2  A `$ref` leads within the schema or the schema is not followed. Nothing is ever fetched.
Rule 3  No pattern is run: it is JavaScript's, Python reads it otherwise, and it may take for ever.
        Any text counts as matching.
Rule 4  In doubt a schema is not followed, and nothing is said of the value.
"""

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import partial
from types import MappingProxyType
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema.validators import Draft202012Validator, extend
from referencing import Registry

from .budget import Budget, NotJudged
from .sound import followed, leads_to_a_schema, sizes_of

_Errors = Iterator[ValidationError]
_Keyword = Callable[[Any, Any, Any, Any], _Errors | None]

_CHARACTERS_A_STEP = 1000  # a failing keyword prints the value into its message
_ENTRIES_A_STEP = 8
_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_budget: ContextVar[Budget] = ContextVar("budget")
_sizes: ContextVar[Mapping[int, int]] = ContextVar("sizes")


def satisfies(schema: Any, value: Any, budget: Budget) -> bool | None:
    """Whether `value` is as `schema` demands; None if that is not judged. Never raises."""
    try:
        applied = followed(schema, budget)
        _sizes.set(sizes_of(value, budget))
        _budget.set(budget)
        return next(_VALIDATOR(applied, registry=Registry()).iter_errors(value), None) is None
    except Exception:  # noqa: BLE001 - a schema may be anything, and the library then raises anything
        return None


def _counted(name: str, keyword: _Keyword, validator: Any, *looked_at: Any) -> _Errors:
    wanted, value, _ = looked_at
    budget = _budget.get()
    budget.charge(1 + (_entries(wanted) + _entries(value)) // _ENTRIES_A_STEP)
    budget.charge(_entries(wanted) if name == "required" else 0)  # each may be a message
    budget.charge(_sizes.get().get(id(value), 0) // _CHARACTERS_A_STEP)
    if name in _SHAPES and not _SHAPES[name](wanted):
        raise NotJudged(f"{name} has another form, or is not followed")
    budget.enter()
    try:
        yield from keyword(validator, *looked_at) or ()
    finally:  # also where the first error was enough
        budget.leave()


def _entries(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def _enum(_: Any, wanted: Any, value: Any, __: Any) -> _Errors:
    """As the library's, without comparing lists and objects, whose cost has no bound."""
    if isinstance(value, list | dict) and any(isinstance(each, list | dict) for each in wanted):
        raise NotJudged("lists and objects are not compared")
    if not any(_same(each, value) for each in wanted):
        yield ValidationError("is none of them")


def _const(validator: Any, wanted: Any, value: Any, schema: Any) -> _Errors:
    return _enum(validator, [wanted], value, schema)


def _unique(_: Any, wanted: Any, value: Any, __: Any) -> _Errors:
    """As the library's, which takes the square of the length where values can't be sorted."""
    if not wanted or not isinstance(value, list):
        return
    if any(isinstance(each, list | dict) for each in value):
        raise NotJudged("lists and objects are not compared")
    if len({(isinstance(each, bool), each) for each in value}) < len(value):
        yield ValidationError("two are equal")


def _any_text(*_: Any) -> None:
    """A pattern, or a format."""


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 is 1.0, and not true."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _are_types(wanted: Any) -> bool:
    return _are_names(wanted := wanted if isinstance(wanted, list) else [wanted]) and (
        _TYPES.issuperset(wanted)
    )


def _are_names(wanted: Any) -> bool:
    return isinstance(wanted, list) and all(isinstance(each, str) for each in wanted)


def _is_number(wanted: Any) -> bool:
    return isinstance(wanted, int | float) and not isinstance(wanted, bool)


def _is_whole(wanted: Any) -> bool:
    return isinstance(wanted, int) and not isinstance(wanted, bool)


def _is_schema(wanted: Any) -> bool:
    return isinstance(wanted, dict | bool)


def _is_unknown(_: Any) -> bool:
    return False


# The forms of a keyword that are followed. Older drafts have others: `exclusiveMinimum: true`,
# `items: [...]`. A fraction as `multipleOf` can't be decided in floats.
_SHAPES: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "$ref": leads_to_a_schema,
        "$dynamicRef": _is_unknown,
        "unevaluatedItems": _is_unknown,
        "unevaluatedProperties": _is_unknown,
        "additionalProperties": _is_schema,
        "items": _is_schema,
        "enum": lambda wanted: isinstance(wanted, list),
        "required": _are_names,
        "type": _are_types,
        "multipleOf": _is_whole,
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _is_number),
        **dict.fromkeys(("minProperties", "maxProperties"), _is_number),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
    }
)
_KEYWORDS: Mapping[str, _Keyword] = {
    **Draft202012Validator.VALIDATORS,
    "enum": _enum,
    "const": _const,
    "uniqueItems": _unique,
    "pattern": _any_text,
    "format": _any_text,
}
_VALIDATOR: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {name: partial(_counted, name, keyword) for name, keyword in _KEYWORDS.items()},
)
