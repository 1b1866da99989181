"""Model: the fields of a row in the list of models that routing needs (openrouter.md §5.2)."""

import re
from dataclasses import dataclass
from itertools import islice

from .endpoint import readable_name

_MOST_KINDS = 100
_DATE = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?![0-9])")


@dataclass(frozen=True, slots=True)
class Model:
    """One row of `GET /models`; modalities are None if the row doesn't have them."""

    slug: str  # lower case, its own variant (`:free`) included
    canonical_slug: str | None
    inputs: frozenset[str] | None  # text, image, file, ...
    outputs: frozenset[str] | None
    stands_for: str | None = None  # the newest of a family, where this is `~author/family-latest`
    published: bool = False  # whether the row says where the weights are; most new rows don't yet
    reasoning_mandatory: bool = False  # whether reasoning can't be switched off
    expires_on: str | None = None  # a date: 2026-12-31


def read_model(row: object) -> Model | None:
    """A model from a list's row; None where it lacks a slug."""
    if not isinstance(row, dict):
        return None
    slug, canonical = readable_name(row.get("id")), readable_name(row.get("canonical_slug"))
    if slug is None:
        return None
    reasoning = row.get("reasoning")
    target = _target(row.get("alias_target"))
    architecture = row.get("architecture")
    made_of = architecture if isinstance(architecture, dict) else {}
    return Model(
        slug=slug.lower(),
        canonical_slug=canonical and canonical.lower(),
        inputs=_kinds(made_of.get("input_modalities")),
        outputs=_kinds(made_of.get("output_modalities")),
        stands_for=target.lower() if target else None,
        published=bool(row.get("hugging_face_id")),
        reasoning_mandatory=isinstance(reasoning, dict) and reasoning.get("mandatory") is True,
        expires_on=_date(row.get("expiration_date")),
    )


def _target(value: object) -> str | None:
    """The slug in an `alias_target`, which is `{slug, name}`, or in older lists only the slug."""
    slug = value.get("slug") if isinstance(value, dict) else value
    return readable_name(slug)


def _date(value: object) -> str | None:
    """The date that a value begins with, in case it becomes a time one day; None: none."""
    found = _DATE.match(value) if isinstance(value, str) else None
    return found and found[0]


def _kinds(value: object) -> frozenset[str] | None:
    if not isinstance(value, list):
        return None
    return frozenset(item for item in islice(value, _MOST_KINDS) if isinstance(item, str))
