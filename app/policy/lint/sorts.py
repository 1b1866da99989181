"""Sorts that have no effect, or contradict each other."""

from collections.abc import Iterator
from typing import Any

from ...wording import listed
from ..rule import Clause, named
from ..slug import read_slug
from .finding import Finding, Subject, at

# The sort of each variant of a model's name (openrouter.md §2.2).
_SORTED_BY = {"nitro": "throughput", "floor": "price", "exacto": "exacto"}


def sort_beside_order(subject: Subject) -> Iterator[Finding]:
    """Sorts that an order disables: a warning within one rule, else a note."""
    silenced: dict[Clause, dict[Clause, None]] = {}
    models: dict[Clause, list[str]] = {}
    for case in subject.cases:
        origins = case.route.origins
        for clause in origins.get("sort", ()) if "order" in case.route.preferences else ():
            silenced.setdefault(clause, {}).update(dict.fromkeys(origins["order"]))
            is_real = case.named or case.forecast is not None  # else an example of a pattern
            models.setdefault(clause, []).extend([str(case)] if is_real else [])
    for clause, orders in silenced.items():
        together = any((each.rule, each.file) == (clause.rule, clause.file) for each in orders)
        keys = " and ".join(dict.fromkeys(each.key for each in orders))
        where = f" for {listed(models[clause])}" if models[clause] else ""
        message = (
            f"OpenRouter ignores a sort if there is an order, so this is not sent{where}; "
            f"remove it, or the {keys} in {named(orders)}"
        )
        yield at(clause, "warning" if together else "note", message)


def sort_against_variant(subject: Subject) -> Iterator[Finding]:
    """Sorts and orders that override a `:nitro` or `:floor` in the model's name."""
    for case in subject.cases:
        name, wanted = case.route.model_sent, case.route.preferences
        for variant in read_slug(name).variants:
            by = _SORTED_BY.get(variant)
            if by is None:
                continue
            for clause in case.route.origins.get("order", ()):
                message = f"an order overrides :{variant} in {name}; remove one of them"
                yield at(clause, "warning", message)
            if _way(wanted.get("sort", by)) != by:
                for clause in case.route.origins["sort"]:
                    message = (
                        f":{variant} in {name} sorts by {by} already, and this by "
                        f"{_way(clause.value)}; remove one of them"
                    )
                    yield at(clause, "warning", message)


def _way(sort: Any) -> Any:
    return sort["by"] if isinstance(sort, dict) else sort
