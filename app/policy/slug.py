"""Parses a model name into the parts that a policy needs.

A name is `author/model`, perhaps with variants (`:nitro`), a preset (`@preset/mine`), or a
leading `~` (the newest model of a family). OpenRouter may be lenient about case and blanks, so
rules are matched against the name in lower case, each part of it trimmed, while the name is sent
unchanged: an odd spelling must not bypass a rule.
"""

import msgspec

from ..catalog.trimming import BLANKS, trimmed

_PRESET = "@preset/"


class Slug(msgspec.Struct, frozen=True, gc=False):
    """A model name's parts, lower case."""

    base: str  # author/model; the whole of a bare @preset/mine
    variants: tuple[str, ...] = ()
    preset: str | None = None
    latest: bool = False  # ~author/family-latest

    @property
    def name(self) -> str:
        """The model without variants or preset."""
        return f"~{self.base}" if self.latest else self.base

    @property
    def author(self) -> str:
        """The author of the model: the part before the slash."""
        return self.base.partition("/")[0]


# Models of other authors that route to models of their choice (openrouter.md §2.2).
_ROUTERS = frozenset({"typesafe/jev-router", "nvidia/switchyard"})


def stands_for_others(slug: Slug) -> bool:
    """Whether a model other than the one named will answer, and only the answer shows which.

    True for the newest of a family, a router, and a preset in place of a model.
    """
    router = slug.author == "openrouter" or slug.base in _ROUTERS
    return router or slug.latest or slug.base.startswith(_PRESET)


def read_slug(name: str) -> Slug:
    """Parse `name`; any text is accepted, since callers send it."""
    text = trimmed(name).lower()
    model, found, preset = text.partition(_PRESET)
    if found and not model:
        return Slug(base=text, preset=preset)
    base, *variants = (trimmed(part) for part in model.removeprefix("~").split(":"))
    return Slug(
        base=base,
        variants=tuple(variants),
        preset=preset if found else None,
        latest=model.startswith("~"),
    )


def without_preset(name: str) -> str:
    """`name` without its preset, otherwise as spelled; empty if nothing else is left."""
    cut = name.lower().find(_PRESET)
    return name if cut < 0 else name[:cut].rstrip(BLANKS)


def without_variant(name: str, variant: str) -> str:
    """`name` without each `:variant`, otherwise as spelled."""
    cut = name.lower().find(_PRESET)
    model, preset = (name, "") if cut < 0 else (name[:cut], name[cut:])
    base, *variants = model.split(":")
    kept = [each for each in variants if trimmed(each).lower() != variant]
    return ":".join((base, *kept)) + preset
