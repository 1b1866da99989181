"""What goes into a request beside the provider object: named, never quoted."""

from collections.abc import Iterator

from app.importing.found import Left, place_of
from app.importing.source import entries
from app.policy.yaml_tree import Spot


def beside(body: Spot | None, *carried: str) -> Iterator[Left]:
    """Every other field that a tool puts into the request's body."""
    for name, spot in entries(body).items():
        if name not in carried:
            why = "only the provider object is carried over; `set` in a rule can set the rest"
            yield Left(place_of(spot), name, why)
