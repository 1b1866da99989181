"""Which JSON Schemas are followed, and the copy of one that is applied.

The library reads all names of a schema each time it applies it, and a `$ref` may lead to a map of
names as if that were a schema. So the copy has the keywords of the draft and nothing else, and a
`$ref` leads to a schema.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema.validators import Draft202012Validator

from .budget import Budget, NotJudged

_DEEPEST = 64
_LONGEST_REF = 256
_ENTRIES_A_STEP = 8
_MAPS = frozenset({"$defs", "definitions", "dependentSchemas", "properties"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS = frozenset(
    {"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"}
)
_KEYWORDS = _MAPS | _LISTS | _SCHEMAS | Draft202012Validator.VALIDATORS.keys()
# What changes where a `$ref` leads, what older drafts mean by null, and regular expressions.
_REFUSED = frozenset({"$schema", "$id", "$anchor", "$dynamicAnchor", "nullable"})
_AT_THE_TOP = frozenset({"$schema", "$id"})  # where they say nothing that matters here
# Where a value is meant not to match: a pattern that is not run would count against it.
_NEGATES = frozenset({"not", "oneOf", "if", "contains"})


def followed(schema: Any, budget: Budget) -> dict[str, Any]:
    """A copy of `schema` that can be applied. Raises `NotJudged` for one that is not followed."""
    if not isinstance(schema, dict):
        raise NotJudged("a schema is an object")
    top: dict[str, Any] = {}
    names: set[str] = set()
    waiting = [(schema, top, 0)]
    for node, copy, depth in waiting:  # which grows meanwhile
        if depth > _DEEPEST:
            raise NotJudged("it is nested too deep")
        budget.charge(1 + len(node) // _ENTRIES_A_STEP)
        for name in node.keys() & _REFUSED:
            if node[name] and (depth or name not in _AT_THE_TOP):
                raise NotJudged(f"{name} is not followed")
        for name in filter(_KEYWORDS.__contains__, node):  # in their order: it must not vary
            names.add(name)
            copy[name] = inside = _emptied(name, node[name], budget)
            waiting += ((its, into, depth + 1) for its, into in _pairs(name, node[name], inside))
    if "patternProperties" in names or ("pattern" in names and names & _NEGATES):
        raise NotJudged("patterns are not run")
    return top


def _emptied(name: str, wanted: Any, budget: Budget) -> Any:
    """The value of a keyword, with an empty object for each schema in it."""
    if name in _SCHEMAS:
        return {} if isinstance(wanted, dict) else wanted
    if name in _MAPS and isinstance(wanted, dict):
        budget.charge(len(wanted) // _ENTRIES_A_STEP)
        return {key: {} if isinstance(its, dict) else its for key, its in wanted.items()}
    if name in _LISTS and isinstance(wanted, list):
        budget.charge(len(wanted) // _ENTRIES_A_STEP)
        return [{} if isinstance(its, dict) else its for its in wanted]
    return wanted


def _pairs(name: str, wanted: Any, inside: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each schema in the value of a keyword, and the empty object that is to become its copy."""
    if name in _SCHEMAS:
        pairs = iter([(wanted, inside)])
    elif name in _MAPS and isinstance(wanted, dict):
        pairs = zip(wanted.values(), inside.values(), strict=True)
    elif name in _LISTS and isinstance(wanted, list):
        pairs = zip(wanted, inside, strict=True)
    else:
        return iter(())
    return ((its, into) for its, into in pairs if isinstance(its, dict))


def leads_to_a_schema(ref: Any) -> bool:
    """Whether a `$ref` names a place for a schema within the same one."""
    if not isinstance(ref, str) or len(ref) > _LONGEST_REF or "%" in ref:
        return False
    first, *steps = ref.split("/")
    at = "schema"
    for step in steps:
        if at != "schema":  # a map, or a list: of schemas
            at = "schema"
        elif step in _MAPS or step in _LISTS:
            at = step
        elif step not in _SCHEMAS:
            return False
    return first == "#" and at == "schema"


def sizes_of(value: Any, budget: Budget) -> Mapping[int, int]:
    """Roughly the characters of each text, list and object in `value`, by its identity."""
    sizes: dict[int, int] = {}
    for node in reversed(_values(value, budget)):  # what is inside comes after what has it
        if isinstance(node, str):
            sizes[id(node)] = len(node)
        elif isinstance(node, list | dict):
            sizes[id(node)] = sum(8 + sizes.get(id(each), 0) for each in _inside(node))
    return sizes


def _values(top: Any, budget: Budget) -> list[Any]:
    """Each value in `top`, itself first. Raises `NotJudged` if one is deep."""
    waiting = [(0, top)]
    for depth, node in waiting:  # which grows meanwhile
        if depth > _DEEPEST:
            raise NotJudged("it is nested too deep")
        inside = [(depth + 1, each) for each in _inside(node)]
        budget.charge(len(inside) // _ENTRIES_A_STEP)
        waiting += inside
    return [node for _, node in waiting]


def _inside(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        return iter(node.values())
    return iter(node if isinstance(node, list) else ())
