"""What other tools call a model, as OpenRouter calls it, and the addresses they ask it at."""

import re

from app.importing.found import EVERY_MODEL
from app.policy.file.schema import MODEL, PATTERN

NO_SLUG = "not a model slug, which reads author/model"  # of a name that slug_in knows none for

# OpenRouter's address, and Pointsman's where it listens by default.
_ADDRESS = re.compile(r"(?i)openrouter\.ai|:4477(?!\d)")


def is_openrouter(*addresses: str) -> bool:
    """Whether one of these addresses is OpenRouter's, or that of Pointsman in front of it."""
    return any(map(_ADDRESS.search, addresses))


def slug_in(name: str, *prefixes: str) -> str | None:
    """The slug in a tool's name for a model, less the tool's prefix; None where there is none.

    `openrouter/auto` is a model of OpenRouter's own: a prefix is one if a whole slug follows.
    """
    slug = _bare(name, prefixes)
    return slug if MODEL.fits(slug) else None


def pattern_in(name: str, *prefixes: str) -> str | None:
    """The same, for a name that may have wildcards."""
    pattern = _bare(name, prefixes)
    return pattern if "*" in pattern and PATTERN.fits(pattern) else slug_in(name, *prefixes)


def _bare(name: str, prefixes: tuple[str, ...]) -> str:
    name = name.strip().lower()
    for prefix in prefixes:
        rest = name.removeprefix(f"{prefix}/")
        if "/" in rest or rest == EVERY_MODEL:
            name = rest
    return name
