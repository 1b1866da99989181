"""Models and providers, whatever their rows hold."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.catalog.catalog import EMPTY
from app.catalog.model import Model, read_model

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openrouter" / "json"


def test_the_recorded_models_are_read() -> None:
    text = (FIXTURES / "models_list_excerpt_2026-08-04.json").read_text(encoding="utf-8")
    rows = json.loads(text)["body"]["data"]
    catalog = EMPTY.with_models(rows)
    assert set(catalog.models) == {row["id"] for row in rows}
    for row in rows:
        model = catalog.model(row["id"])
        assert model is not None
        assert model.inputs == frozenset(row["architecture"]["input_modalities"])
        assert model.outputs == frozenset(row["architecture"]["output_modalities"])


@pytest.mark.parametrize("row", [None, [], "x", {}, {"id": ""}, {"id": 3}])
def test_a_row_without_a_slug_is_no_model(row: object) -> None:
    assert read_model(row) is None
    assert EMPTY.with_models([row]).models == {}


@pytest.mark.parametrize(
    "more", [{}, {"architecture": 3}, {"architecture": {"input_modalities": "text"}}]
)
def test_what_is_not_told_is_not_known(more: dict[str, Any]) -> None:
    row = {"id": "Acme/Sim-1", "canonical_slug": 3, **more}
    assert read_model(row) == Model("acme/sim-1", None, None, None)


def test_a_variant_that_is_not_listed_is_its_model() -> None:
    catalog = EMPTY.with_models([{"id": "acme/sim-1"}, {"id": "acme/sim-1:free"}])
    asked = ("acme/sim-1:nitro", "acme/sim-1:thinking", "ACME/sim-1:free", "acme/sim-2")
    slugs = [model.slug if (model := catalog.model(name)) else None for name in asked]
    assert slugs == ["acme/sim-1", "acme/sim-1", "acme/sim-1:free", None]


@pytest.mark.parametrize("rows", [None, {}, "x", [None, {}, {"slug": 3}]])
def test_what_is_no_list_of_providers_adds_none(rows: object) -> None:
    known = EMPTY.with_providers([{"slug": "Novita"}])
    assert known.with_providers(rows).providers == {"novita"}


@pytest.mark.parametrize(
    ("reasoning", "mandatory"),
    [
        ({"mandatory": True, "default_enabled": True}, True),
        ({"mandatory": False}, False),
        ({"mandatory": "true"}, False),
        ({}, False),
        (None, False),
        ([], False),
    ],
)
def test_whether_reasoning_can_be_switched_off(reasoning: object, *, mandatory: bool) -> None:
    model = read_model({"id": "acme/sim-1", "reasoning": reasoning})
    assert model is not None
    assert model.reasoning_mandatory is mandatory
