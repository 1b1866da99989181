"""The result of reading another tool's file: models found, and settings left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from ..policy.file.yaml_tree import Spot
from ..policy.merge import Conflict, tighten

Provider = Mapping[str, Any]

EVERY_MODEL = "*"  # the model of a provider object that a tool sends with every request


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the file that is read."""

    file: str
    line: int
    where: str  # model_list[2].litellm_params.extra_body.provider
    read: frozenset[int] = field(default=frozenset(), compare=False)  # see read_at

    def __str__(self) -> str:
        """Render as `file:line: where`, which terminals and editors link."""
        return f"{self.file}:{self.line}: {self.where}".removesuffix(": ")


@dataclass(frozen=True, slots=True)
class Found:
    """One model that clients may request, and the provider object that is sent with it."""

    model: str  # as OpenRouter knows it, or a pattern
    provider: Provider  # in the words of a policy file; empty: nothing is sent
    alias: str | None  # the name that clients use, if it isn't the model's own name
    place: Place

    @property
    def asked(self) -> str:
        """The model name in client requests."""
        return self.alias or self.model

    @property
    def preferences(self) -> Provider:
        """The provider object as the router parses it; empty if it contradicts itself."""
        settled = tighten(self.provider, {})
        return {} if isinstance(settled, Conflict) else settled


@dataclass(frozen=True, slots=True)
class Left:
    """A setting that the policy file leaves out or changes."""

    place: Place
    what: str
    why: str

    def __str__(self) -> str:
        """Render on one line, without the part that the place already contains."""
        told = self.place.where.endswith(self.what)
        return f"{self.place}: {self.why}" if told else f"{self.place}: {self.what}: {self.why}"


def place_of(spot: Spot) -> Place:
    """The position of a value."""
    return Place(spot.file, spot.line, spot.where)


def read_at(spot: Spot | None, instead: Spot) -> Place:
    """The position of a provider object whose every field is carried over or reported.

    The search for unread objects skips it by its node, whichever anchors refer to it. If there
    is no object, this is the position of the value found instead of it.
    """
    if spot is None:
        return place_of(instead)
    return replace(place_of(spot), read=frozenset(map(id, _nodes(spot.node))))


def _nodes(node: yaml.Node) -> Iterator[yaml.Node]:
    """A mapping, and the mappings that `<<` merges into it."""
    yield node
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        if key.tag.endswith(":merge"):
            for base in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                yield from _nodes(base)


def found_as(name: str, model: str, provider: Provider, place: Place) -> Found:
    """The model that clients get under `name`; names are matched case-insensitively."""
    return Found(model, provider, None if name.strip().lower() == model else name, place)
