"""Convert a provider object from another tool's file to the spelling of a policy file."""

from collections.abc import Iterable
from typing import Any

from ..policy.file.schema import PROVIDER_KEYS
from ..policy.file.yaml_tree import Spot
from ..policy.merge import Conflict, tighten
from ..suggest import did_you_mean
from .found import Left, Place, Provider, place_of
from .mending import field_named, mended
from .quoting import shown
from .source import plain

_OBJECT = "the provider object"

Said = tuple[str, Spot, Any]  # a field's name, its position, and its value


def provider_of(spot: Spot | None) -> tuple[Provider, list[Left]]:
    """The preferences in a provider object, and the fields that can't be carried over."""
    if spot is None or spot.kind == "null":
        return {}, []
    if spot.kind != "mapping":
        return {}, [Left(place_of(spot), _OBJECT, f"it is {shown(plain(spot))}, not a mapping")]
    fields = ((name, field, plain(field)) for name, field in spot.entries().items())
    return provider_in(fields, place_of(spot))


def provider_in(fields: Iterable[Said], place: Place) -> tuple[Provider, list[Left]]:
    """The same for separate fields; `place` is the position of their combined result."""
    said: dict[str, Any] = {}
    left: list[Left] = []
    for name, spot, value in fields:
        field = field_named(name)
        if field is None:
            why = f"OpenRouter has no such field{did_you_mean(name, PROVIDER_KEYS)}"
            left.append(Left(place_of(spot), name, why))
            continue
        meant, remarks = mended(field, value)
        if meant is not None and said.setdefault(field, meant) != meant:
            remarks = [*remarks, f"{field} is set already, in another spelling"]
        left += [Left(place_of(spot), name, remark) for remark in remarks]
    return _settled({name: said[name] for name in PROVIDER_KEYS if name in said}, left, place)


def _settled(said: Provider, left: list[Left], place: Place) -> tuple[Provider, list[Left]]:
    """Leave out fields that the router ignores; empty if no provider could serve."""
    if "order" in said and "sort" in said:
        left = [*left, Left(place, "sort", "OpenRouter ignores a `sort` if there is an `order`")]
        said = {name: value for name, value in said.items() if name != "sort"}
    if isinstance(tighten(said, {}), Conflict):
        why = "its `only`, `order` and `ignore` contradict each other, so no provider could serve"
        return {}, [*left, Left(place, _OBJECT, why)]
    return said, left
