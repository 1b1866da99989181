"""What reading another tool's file comes to: things found, and things left behind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from app.policy.file.yaml_tree import Spot
from app.policy.merge import Conflict, tighten

Provider = Mapping[str, Any]

EVERY_MODEL = "*"  # the model of a provider object that a tool sends with whatever it asks


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the file that is read."""

    file: str
    line: int
    where: str  # model_list[2].litellm_params.extra_body.provider
    read: frozenset[int] = field(default=frozenset(), compare=False)  # see read_at

    def __str__(self) -> str:
        """Render as `file:line: where`, which terminals and editors link."""
        return f"{self.file}:{self.line}: {self.where}".removesuffix(": ")


@dataclass(frozen=True, slots=True)
class Found:
    """One model that clients may ask for, and the provider object that is sent along."""

    model: str  # as OpenRouter knows it, or a pattern
    provider: Provider  # in the words of a policy file; empty: nothing is sent
    alias: str | None  # what clients call it, where that isn't the model's own name
    place: Place

    @property
    def asked(self) -> str:
        """What clients ask for."""
        return self.alias or self.model

    @property
    def preferences(self) -> Provider:
        """The provider object as the router reads it; empty if it contradicts itself."""
        settled = tighten(self.provider, {})
        return {} if isinstance(settled, Conflict) else settled


@dataclass(frozen=True, slots=True)
class Left:
    """Something that the policy file doesn't say, or doesn't say as it was written."""

    place: Place
    what: str
    why: str

    def __str__(self) -> str:
        """Render on one line, less what the place says already."""
        told = self.place.where.endswith(self.what)
        return f"{self.place}: {self.why}" if told else f"{self.place}: {self.what}: {self.why}"


def place_of(spot: Spot) -> Place:
    """Where a value stands."""
    return Place(spot.file, spot.line, spot.where)


def read_at(spot: Spot | None, instead: Spot) -> Place:
    """Where a provider object stands whose every field is carried over or named.

    The search for unread ones passes it over, by its node, whichever anchors lead there. Where
    there is no object, it is the place of the value that takes its place.
    """
    if spot is None:
        return place_of(instead)
    return replace(place_of(spot), read=frozenset(map(id, _nodes(spot.node))))


def _nodes(node: yaml.Node) -> Iterator[yaml.Node]:
    """A mapping, and those that `<<` brings into it."""
    yield node
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        if key.tag.endswith(":merge"):
            for base in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                yield from _nodes(base)


def found_as(name: str, model: str, provider: Provider, place: Place) -> Found:
    """The model that clients get under `name`; names are matched whatever their case."""
    return Found(model, provider, None if name.strip().lower() == model else name, place)
