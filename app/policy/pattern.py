"""Globs over model names and user agents."""

import re
from dataclasses import dataclass
from fnmatch import translate

from .slug import Slug

_WILD = re.compile(r"[*?]")


def glob(pattern: str) -> re.Pattern[str]:
    """Compile `pattern`: `*` matches any run of characters, `?` any one; case is ignored.

    `translate` builds an expression that can't backtrack for long on a hostile name.
    """
    return re.compile(translate(pattern), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelPattern:
    """One entry of a rule's `models`."""

    text: str
    exact: bool
    literals: int  # characters that are not wildcards
    base: re.Pattern[str]
    variant: re.Pattern[str] | None

    def covers(self, slug: Slug) -> bool:
        """Whether this pattern covers a model.

        Without a `:` it covers the model and all its variants, with one only that variant.
        Without a leading `~` it covers `~author/family-latest` like any model of that author.
        """
        latest = slug.latest and self.text.startswith("~")
        if not self.base.match(f"~{slug.base}" if latest else slug.base):
            return False
        return self.variant is None or any(map(self.variant.match, slug.variants))


def model_pattern(text: str) -> ModelPattern:
    """Parse a model pattern from `text`."""
    base, colon, variant = text.partition(":")
    return ModelPattern(
        text=text,
        exact=_WILD.search(text) is None,
        literals=len(_WILD.sub("", text)),
        base=glob(base),
        variant=glob(variant) if colon else None,
    )
