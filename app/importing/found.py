"""What reading another tool's file comes to: things found, and things left behind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.policy.merge import Conflict, tighten
from app.policy.yaml_tree import Spot

Provider = Mapping[str, Any]

EVERY_MODEL = "*"  # the model of a provider object that a tool sends with whatever it asks


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the file that is read."""

    file: str
    line: int
    where: str  # model_list[2].litellm_params.extra_body.provider

    def __str__(self) -> str:
        """Render as `file:line: where`, which terminals and editors link."""
        return f"{self.file}:{self.line}: {self.where}".removesuffix(": ")


@dataclass(frozen=True, slots=True)
class Found:
    """One model that callers may ask for, and the provider object that is sent along."""

    model: str  # as OpenRouter knows it, or a pattern
    provider: Provider  # in the words of a policy file; empty: nothing is sent
    alias: str | None  # what callers call it, where that isn't the model's own name
    place: Place

    @property
    def asked(self) -> str:
        """What callers ask for."""
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


def found_as(name: str, model: str, provider: Provider, place: Place) -> Found:
    """What callers find under `name`; names are matched whatever their case."""
    return Found(model, provider, None if name.strip().lower() == model else name, place)
