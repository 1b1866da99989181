"""Display names to slugs: the shipped list, held against what was observed."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.catalog.providers import SLUGS, is_known, slug_of

JSON = Path(__file__).parents[1] / "fixtures" / "openrouter" / "json"


def fixture(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((JSON / name).read_text(encoding="utf-8"))
    return data


OBSERVED = fixture("provider_display_name_to_slug.json")
SDK = fixture("provider_slugs_sdk_1.3.84.json")
PAIRS = sorted({**OBSERVED["from_listing"], **OBSERVED["from_other"]}.items())


@pytest.mark.parametrize(("name", "slug"), PAIRS)
def test_every_pair_that_was_observed_is_on_the_list(name: str, slug: str) -> None:
    assert slug_of(name) == slug
    assert is_known(name)


@pytest.mark.parametrize(
    "name", sorted(set(SDK["display_names"]) - set(SDK["names_without_derived_slug"]))
)
def test_every_name_the_sdk_has_a_slug_for_becomes_a_slug_the_sdk_knows(name: str) -> None:
    assert slug_of(name) in SDK["slugs"]


def test_no_slug_on_the_list_is_unknown_to_the_sdk_or_given_to_two_names() -> None:
    assert set(SLUGS.values()) <= set(SDK["slugs"])
    assert len(set(SLUGS.values())) == len(SLUGS)


@pytest.mark.parametrize(
    ("name", "slug", "known"),
    [
        (" DEEPINFRA ", "deepinfra", True),
        ("Google", "google-vertex", True),
        ("New Host, Inc.", "new-host-inc", False),
        ("--", "", False),
        ("", "", False),
    ],
)
def test_an_unknown_name_is_guessed_at_and_known_to_be_a_guess(
    name: str, slug: str, *, known: bool
) -> None:
    assert (slug_of(name), is_known(name)) == (slug, known)
