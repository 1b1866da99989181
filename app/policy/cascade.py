"""Stacks the clauses of all rules that speak for a request.

Clauses are flat (`max_price.prompt`, `refuse.plugins`), so one sentence is the whole law: of each
key, the most specific layer's clause stands. Lists of fields to strip or refuse unite by it,
`set` and `max_price` merge by key, everything else replaces.
"""

from collections.abc import Iterable, Mapping

from app.policy.rule import Clause

Layer = Mapping[str, Clause]

# A pin is an `only` and an `order` in one: whichever is more specific displaces the other.
_RIVALS: Mapping[str, tuple[str, ...]] = {
    "pin": ("only", "order"),
    "only": ("pin",),
    "order": ("pin",),
}


def cascade(layers: Iterable[Layer]) -> dict[str, Clause]:
    """The clauses that stand, given the layers from the most specific to the most general."""
    standing: dict[str, Clause] = {}
    for layer in layers:
        fresh = {
            key: clause
            for key, clause in layer.items()
            if key not in standing and standing.keys().isdisjoint(_RIVALS.get(key, ()))
        }
        standing |= fresh
    return standing
