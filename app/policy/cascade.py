"""Stacks the clauses of all rules that speak for a request.

Clauses are flat (`max_price.prompt`, `refuse.plugins`), so one sentence is the whole law: of each
key, the most specific layer's clause stands. Lists of fields to strip or refuse unite by it,
`set` and `max_price` merge by key, everything else replaces. A pin is an `only` and an `order` in
one, and each of the two is replaced by itself: a more specific `order` leaves the pin's `only`.
"""

from collections.abc import Iterable, Mapping

from app.policy.rule import Clause

Layer = Mapping[str, Clause]


def cascade(layers: Iterable[Layer]) -> dict[str, Clause]:
    """The clauses that stand, given the layers from the most specific to the most general."""
    standing: dict[str, Clause] = {}
    for layer in layers:
        standing |= {key: each for key, each in apart(layer).items() if key not in standing}
    return standing


def apart(layer: Layer) -> Layer:
    """A layer whose pin is the two preferences that it means."""
    if "pin" not in layer:
        return layer
    pin = layer["pin"]
    others = {key: clause for key, clause in layer.items() if key != "pin"}
    return {"only": pin, "order": pin, **others}
