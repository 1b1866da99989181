"""Convert entries of a tool's file: a model, its provider object, and the names of the rest."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..policy.file.yaml_tree import Spot
from .found import EVERY_MODEL, Found, Left, Provider, found_as, read_at
from .provider import provider_of
from .source import entries

_NOTHING: Provider = {}
_NOT_IN_ALIASES = re.compile(r"^[^A-Za-z0-9]+|[^A-Za-z0-9._/:+-]+")


def asked(
    name: str, model: str, spot: Spot | None, entry: Spot, under: Provider = _NOTHING
) -> Iterator[Found | Left]:
    """A model that clients request as `name`; the object at `spot` overrides fields of `under`."""
    own, left = provider_of(spot)
    yield from left
    yield found_as(name, model, {**under, **own}, read_at(spot, entry))


def everywhere(spot: Spot | None) -> tuple[Provider, list[Found | Left]]:
    """A provider object for all models that a tool requests."""
    if spot is None:
        return {}, []
    provider, left = provider_of(spot)
    return provider, [*left, Found(EVERY_MODEL, provider, None, read_at(spot, spot))]


def in_force(*spots: Spot | None) -> tuple[Spot | None, list[Left]]:
    """The first of several provider objects that a request could have; reports the others."""
    present = [spot for spot in spots if spot is not None]
    if not present:
        return None, []
    first, *others = present
    return first, [
        left_at(each, each, "provider", f"{first.where} is sent in its place") for each in others
    ]


def left_at(spot: Spot | None, entry: Spot, what: str, why: str) -> Left:
    """An entry that is left out, located at its provider object if it has one."""
    return Left(read_at(spot, entry), what, why)


def beside(body: Spot | None, *carried: str) -> Iterator[Left]:
    """Every other field that a tool adds to the request body, by name and never with its value."""
    for name, spot in entries(body).items():
        if name not in carried:
            why = "only the provider object is carried over; `set` in a rule can set the rest"
            yield Left(read_at(spot, spot), name, why)


def told_apart(named: Iterable[tuple[str, Found]], tool: str) -> Iterator[Found | Left]:
    """The same models, with aliases where several provider objects share one model name.

    The first keeps the name; each of the others gets an alias and a note on how to use it.
    """
    first: dict[str, Found] = {}
    for label, found in named:
        other = first.setdefault(found.asked.lower(), found)
        if other.provider == found.provider:
            yield found
            continue
        alias = _NOT_IN_ALIASES.sub("-", label).strip("-")
        yield replace(found, alias=alias)
        why = (
            f"{tool} asks for {found.asked} here as in line {other.place.line}; to tell them apart"
        )
        yield Left(found.place, label, f"{why}, write {alias} as its model")


def deep(under: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Merge one mapping over another, recursively."""
    merged = {**under, **over}
    for key in under.keys() & over.keys():
        below, above = under[key], over[key]
        if isinstance(below, Mapping) and isinstance(above, Mapping):
            merged[key] = deep(below, above)
    return merged
