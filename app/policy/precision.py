"""The precision ladder: quantization labels by rank, and the labels that a floor admits.

A rank is the format's width in bits; an integer format ranks half a bit below a floating one of
the same width. Labels of one rank are equivalent. `unknown` has no rank: a separate key decides
whether it is admitted, since most first-party hosts declare nothing.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Protocol

from ..catalog.audits import Audited
from ..catalog.catalog import Spelling
from ..catalog.providers import is_own
from ..catalog.scores import Scored
from .slug import Slug, read_slug

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
# Exceptions: models of those authors with published weights, by the beginning of the slug.
PUBLISHED_FAMILIES = ("google/gemma", "openai/gpt-oss", "perplexity/r1-")
# OpenRouter's own routers: they may pick a model of either kind, so they count as open.
ROUTERS = "openrouter"


_DATE = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2})$")


class KnowsModels(Protocol):
    """The part of a catalog that policies need."""

    def published(self, name: str, /) -> bool | None:
        """Whether the list of models says where the weights are; None: not in the list."""
        ...

    def hosts(self, name: str, /) -> frozenset[str] | None:
        """The slugs of all providers of a model; None until it is listed."""
        ...

    def spelling(self, name: str, /) -> Spelling:
        """What the model's listing says about tags and display names."""
        ...

    def scored(self, name: str, /) -> Scored | None:
        """A model's benchmark scores; None: not looked for, so that no score floor applies."""
        ...

    def audited(self, name: str, /) -> Audited | None:
        """A model's audits; None: not looked for, so that no `audited` applies."""
        ...

    def id_of(self, name: str, /) -> str | None:
        """The slug of a model, given another name of it; None for a name that is its slug."""
        ...


def at_least(
    floor: str, *, unknown_ok: bool, ladder: Mapping[str, float] = LADDER
) -> tuple[str, ...]:
    """The exact labels that a floor admits, lowest first."""
    ranked = sorted(ladder, key=ladder.__getitem__)  # stable: equals stay as the ladder has them
    kept = tuple(label for label in ranked if ladder[label] >= ladder[floor])
    return (*kept, UNKNOWN) if unknown_ok else kept


def lowest(ladder: Mapping[str, float]) -> str:
    """The floor that admits every ranked label."""
    return min(ladder, key=ladder.__getitem__)


def weights_of(slug: Slug, catalog: KnowsModels) -> Weights:
    """Whether a model's weights are published (open) or not (closed); open in case of doubt.

    A model is closed if its author publishes no weights, or if the list of models has no weights
    for it and only its author serves it. A missing field alone proves nothing: the list lacks it
    for new open models, and then another provider's endpoint shows that the weights are public.
    The name is resolved first: it may be dated, have dashes for dots, or be the newest of a
    family.
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
    """The model under its own slug; under the given name if no slug is known."""
    known = catalog.id_of(slug.name)
    if known is None and catalog.published(slug.name) is None:
        undated = _DATE.sub("", slug.name)
        known = catalog.id_of(undated) or (undated if catalog.published(undated) else None)
    return read_slug(known) if known else slug
