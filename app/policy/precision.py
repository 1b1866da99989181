"""The precision ladder: quantization labels by rank, and what a floor lets through.

A rank is the format's width in bits; an integer format ranks half a bit below a floating one of
the same width. Labels of one rank are worth the same. `unknown` has no rank: whether it is let
through is a question of its own, since most first-party hosts declare nothing.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from app.catalog.catalog import Weights
from app.policy.slug import Slug

UNKNOWN = "unknown"

LADDER: Mapping[str, float] = MappingProxyType(
    {
        "int4": 3.5,
        "fp4": 4,
        "mxfp4": 4,
        "nvfp4": 4,
        "fp6": 6,
        "int8": 7.5,
        "fp8": 8,
        "mxfp8": 8,
        "fp16": 16,
        "bf16": 16,
        "fp32": 32,
    }
)

# Authors whose models have no published weights, so that nobody can serve them at less than the
# author's own precision. Consulted only where the catalog has nothing to say. 2026-11-21.
CLOSED_AUTHORS = frozenset(
    {
        "amazon",
        "anthropic",
        "google",
        "inception",
        "inflection",
        "morph",
        "openai",
        "perplexity",
        "relace",
        "writer",
        "x-ai",
    }
)
# What those authors have published all the same, by how the slug begins.
PUBLISHED_FAMILIES = ("google/gemma", "openai/gpt-oss", "perplexity/r1-")
# OpenRouter's own routers: they may pick a model of either kind, so they count as open.
ROUTERS = "openrouter"


class KnowsWeights(Protocol):
    """What this room asks of a catalog."""

    def weights(self, model: str, /) -> Weights | None:
        """Whether the model's weights are published; None when the catalog can't tell."""
        ...

    def id_of(self, name: str, /) -> str | None:
        """The slug of a model that has another name too; None for a name that is its slug."""
        ...


def at_least(
    floor: str, *, unknown_ok: bool, ladder: Mapping[str, float] = LADDER
) -> tuple[str, ...]:
    """The exact labels that a floor lets through, lowest first."""
    ranked = sorted(ladder, key=ladder.__getitem__)  # stable: equals stay as the ladder has them
    kept = tuple(label for label in ranked if ladder[label] >= ladder[floor])
    return (*kept, UNKNOWN) if unknown_ok else kept


def lowest(ladder: Mapping[str, float]) -> str:
    """The floor that lets every ranked label through."""
    return min(ladder, key=ladder.__getitem__)


def weights_of(slug: Slug, catalog: KnowsWeights) -> Weights:
    """Whether a model's weights are published: the catalog's word, else its author's habit."""
    if slug.author == ROUTERS:
        return "open"
    known = catalog.weights(slug.base)
    if known is not None:
        return known
    published = slug.base.startswith(PUBLISHED_FAMILIES)
    return "closed" if slug.author in CLOSED_AUTHORS and not published else "open"
