"""Convert other tools' model names to OpenRouter's, and recognise the addresses they use."""

import re

from ..policy.file.schema import MODEL, PATTERN
from .found import EVERY_MODEL

NO_SLUG = "not a model slug, which reads author/model"  # for a name without a slug, see slug_in

# OpenRouter's address, and Pointsman's default address.
_ADDRESS = re.compile(r"(?i)openrouter\.ai|:4477(?!\d)")


def is_openrouter(*addresses: str) -> bool:
    """Whether one of these addresses is OpenRouter's, or Pointsman's in front of it."""
    return any(map(_ADDRESS.search, addresses))


def slug_in(name: str, *prefixes: str) -> str | None:
    """The slug in a tool's name for a model, without the tool's prefix; None if there is no slug.

    `openrouter/auto` is OpenRouter's own model: a prefix counts only if a whole slug follows it.
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
