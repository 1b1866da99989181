"""The precision ladder: quantization labels by rank, and what a floor lets through.

A rank is the format's width in bits; an integer format ranks half a bit below a floating one of
the same width. Labels of one rank are worth the same. `unknown` has no rank: whether it is let
through is a question of its own, since most first-party hosts declare nothing.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Protocol

from app.catalog.catalog import Spelling
from app.catalog.providers import is_own
from app.policy.slug import Slug, read_slug

Weights = Literal["open", "closed"]

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

# Authors whose models have no published weights, so that no provider can serve them at less than
# the author's own precision. 2026-11-21.
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


_DATE = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2})$")


class KnowsModels(Protocol):
    """What this room asks of a catalog."""

    def published(self, name: str, /) -> bool | None:
        """Whether the list of models says where the weights are; None: not in the list."""
        ...

    def hosts(self, name: str, /) -> frozenset[str] | None:
        """The slugs of all providers of a model; None until it is listed."""
        ...

    def spelling(self, name: str, /) -> Spelling:
        """What the model's listing tells of tags and display names."""
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


def weights_of(slug: Slug, catalog: KnowsModels) -> Weights:
    """Whether the weights of the model that is meant are published; in doubt they are.

    Closed are the models of authors who publish none, and those of which the list of models knows
    no weights while only their author serves them. A missing field alone proves nothing: the list
    lacks it for new open models, and then another provider's endpoint shows that the weights are
    out. Judged is the model that is meant, whatever it is called: dated, with dashes for dots, or
    as the newest of its family.
    """
    meant = _meant(slug, catalog)
    known = catalog.published(meant.base)
    if meant.author == ROUTERS or known or meant.base.startswith(PUBLISHED_FAMILIES):
        return "open"
    if meant.author in CLOSED_AUTHORS:
        return "closed"
    hosts = catalog.hosts(meant.base) if known is False else None
    return "closed" if hosts and all(is_own(meant.author, host) for host in hosts) else "open"


def _meant(slug: Slug, catalog: KnowsModels) -> Slug:
    """The model under its own slug; under the name given where that is all there is."""
    known = catalog.id_of(slug.name)
    if known is None and catalog.published(slug.name) is None:
        undated = _DATE.sub("", slug.name)
        known = catalog.id_of(undated) or (undated if catalog.published(undated) else None)
    return read_slug(known) if known else slug
