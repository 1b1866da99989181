"""Resolve a model's name in a request to a catalog model and the meaning of its suffix."""

from dataclasses import dataclass, field
from typing import Any, Literal

from .catalog import Catalog, Model
from .presets import Preset
from .refusals import Refusal

_SUFFIXES = frozenset({"nitro", "floor", "exacto", "online"})
# Models that are routers, each of which picks the model that answers: the plugin that configures
# it, and the strategy that router metadata shows.
ROUTERS: dict[str, tuple[str, str]] = {
    "openrouter/auto": ("auto-router", "auto"),
    "openrouter/auto-beta": ("auto-beta-router", "auto"),
    "openrouter/free": ("", "free"),
    "openrouter/pareto-code": ("pareto-router", "pareto"),
    "openrouter/fusion": ("fusion", "fusion"),
    "openrouter/fusion-flash": ("fusion", "fusion"),
    "openrouter/bodybuilder": ("", "bodybuilder"),
    "typesafe/jev-router": ("jev-router", "auto"),
    "nvidia/switchyard": ("switchyard-router", "auto"),
}
Why = Literal["outer", "preset", "picked", "judge", "inner"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may answer, and its source."""

    model: Model
    suffix: str
    strategy: str
    place: int = 0  # of the entry that named it; 0 is the first choice
    body: dict[str, Any] = field(default_factory=dict)  # the request as it applies to this model
    preset: Preset | None = None
    why: Why = "outer"
    panel: tuple[str, ...] = ()  # models that answer before it does

    @property
    def is_router(self) -> bool:
        """Whether it picks a model instead of answering."""
        return self.model.id in ROUTERS


def candidate(name: str, catalog: Catalog) -> Candidate:
    """Find a model by any of its names. Raises the 400 for an unknown name."""
    plain, _, last = name.rpartition(":")
    if name in ROUTERS or (plain in ROUTERS and last in _SUFFIXES):
        slug, suffix = (name, "") if name in ROUTERS else (plain, last)
        return Candidate(_router(slug), suffix, ROUTERS[slug][1])
    exact, suffix = catalog.find(name), ""
    if exact is None and last in _SUFFIXES:
        exact, suffix = catalog.find(plain), last
    if exact is None:
        raise Refusal(400, f"{name} is not a valid model ID")
    if exact.stands_for and (latest := catalog.find(exact.stands_for)):
        return Candidate(latest, suffix, "latest")
    return Candidate(exact, suffix, "direct")


def _router(slug: str) -> Model:
    text = {"input_modalities": ["text", "image"], "output_modalities": ["text"]}
    return Model({"id": slug, "canonical_slug": slug, "architecture": text}, {}, [])
