"""Which JSON Schemas are followed: each is walked through once before it is applied."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.defects.budget import Budget, NotJudged

_DEEPEST = 64
# What changes where a `$ref` leads, and what other dialects of JSON Schema mean by null.
_REFUSED = frozenset({"$schema", "$id", "$anchor", "$dynamicAnchor", "nullable"})
# Where a value is meant not to match: a pattern that is not run would count against it.
_NEGATES = frozenset({"not", "oneOf", "if", "contains"})


def must_be_sound(schema: Any, budget: Budget) -> None:
    """Raise `NotJudged` for a schema that is not followed; it costs a step for 8 values in it.

    A name whose value is an object may be a property's, and means nothing then.
    """
    names: set[str] = set()
    for depth, node in _nodes(schema, budget):
        for name, wanted in node.items() if isinstance(node, dict) else ():
            names.add(name)
            if name in _REFUSED and wanted and depth and not isinstance(wanted, dict):
                raise NotJudged(f"{name} is not followed")
    if "patternProperties" in names or ("pattern" in names and names & _NEGATES):
        raise NotJudged("patterns are not run")


def sizes_of(value: Any, budget: Budget) -> Mapping[int, int]:
    """Roughly the characters of each text, list and object in `value`, by its identity."""
    sizes: dict[int, int] = {}
    found = [node for _, node in _nodes(value, budget)]
    for node in reversed(found):  # what is inside comes after what it is inside of
        if isinstance(node, str):
            sizes[id(node)] = len(node)
        elif isinstance(node, list | dict):
            sizes[id(node)] = sum(8 + sizes.get(id(each), 0) for each in _inside(node))
    return sizes


def _nodes(top: Any, budget: Budget) -> Iterator[tuple[int, Any]]:
    """Each value in `top`, itself first, with its depth. Raises `NotJudged` if one is deep."""
    waiting = [(0, top)]
    for count, (depth, node) in enumerate(waiting):  # which grows meanwhile
        if depth > _DEEPEST:
            raise NotJudged("it is nested too deep")
        budget.charge(not count % 8)
        yield depth, node
        waiting.extend((depth + 1, each) for each in _inside(node))


def _inside(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        return iter(node.values())
    return iter(node if isinstance(node, list) else ())
