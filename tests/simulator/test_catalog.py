"""The shipped catalog is one that OpenRouter might show, and holds the hard cases."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.simulator.catalog import SHIPPED, Catalog
from app.simulator.validation import QUANTIZATIONS
from tests.simulator.simulated import endpoint, model

OFFERED = json.loads(SHIPPED.read_text("utf-8"))["models"]
NAMES = json.loads(
    (
        Path(__file__).parents[1] / "fixtures/openrouter/json/provider_slugs_sdk_1.3.84.json"
    ).read_text("utf-8")
)


@pytest.mark.parametrize("item", OFFERED, ids=lambda item: item["id"])
def test_every_row_has_a_tag_a_known_label_and_prices_per_token(item: dict[str, Any]) -> None:
    assert bool(item["endpoints"]) == (item.get("alias_target") is None)
    for row in item["endpoints"]:
        assert re.fullmatch(r"[a-z0-9-]+(/[a-z0-9-]+)?", row["tag"])
        assert row["quantization"] in (None, *QUANTIZATIONS)
        assert row["model_id"] == item["id"]
        assert row["name"] == f"{row['provider_name']} | {item['canonical_slug']}"
        for price in ("prompt", "completion"):
            assert re.fullmatch(r"0(\.\d+)?", row["pricing"][price])
            assert float(row["pricing"][price]) < 0.001, "USD per token, not per million"


def test_it_holds_the_cases_that_policies_stumble_over() -> None:
    rows = [(item["id"], row) for item in OFFERED for row in item["endpoints"]]
    tags = [(name, row["tag"]) for name, row in rows]
    labels: dict[tuple[str, str], set[str | None]] = {}
    for name, row in rows:
        labels.setdefault((name, row["tag"].partition("/")[0]), set()).add(row["quantization"])
    assert len(tags) > len(set(tags)), "two rows with one tag"
    assert any(len(of_provider) > 1 for of_provider in labels.values()), (
        "mixed labels of a provider"
    )
    assert ("qwen/qwen3-coder", "fireworks") in tags, "a base slug that is a tag"
    assert ("qwen/qwen3-coder", "fireworks/us") in tags, "and a region beside it"
    assert {row["service_tier"] for _, row in rows if row.get("service_tier")} >= {
        "flex",
        "priority",
    }
    assert any(row["quantization"] is None for _, row in rows), "a row without any label"
    assert any(row["status"] for _, row in rows), "a row that has been failing"
    assert any(row["pricing"].get("overrides") for _, row in rows), "a price that varies"
    assert any(item["hugging_face_id"] == "" for item in OFFERED), "closed weights"
    every = {label for found in labels.values() for label in found}
    assert every >= {"int4", "fp4", "mxfp4", "nvfp4", "fp8", "mxfp8", "bf16", "fp32", "unknown"}


def test_providers_are_those_that_the_sdk_knows() -> None:
    providers = Catalog.read(None).providers()
    assert set(providers) <= set(NAMES["slugs"])
    derived = NAMES["name_to_slug_derived"]
    assert {name: slug for slug, name in providers.items() if name in derived} == {
        name: derived[name] for name in providers.values() if name in derived
    }


def test_a_model_is_found_by_no_other_name() -> None:
    catalog = Catalog.read(None)
    for item in OFFERED:
        found = catalog.find(item["id"])
        assert found is not None
        assert found.id == item["id"]
    assert catalog.find("qwen/qwen3") is None


def test_the_newest_of_a_family_has_its_target_s_rows() -> None:
    """`alias_target` is an object (openrouter.md §A6); as a plain text, it is read too."""
    target = model(endpoint("a"), endpoint("b"), id="acme/sim-2")
    for alias in ({"slug": "acme/sim-2", "name": "Sim 2"}, "acme/sim-2", None):
        latest = model(id="~acme/sim-latest", alias_target=alias)
        catalog = Catalog([latest, target])
        found = catalog.find("~acme/sim-latest")
        assert found is not None
        assert [row.tag for row in found.rows] == (["a", "b"] if alias else [])
        assert {row.model.id for row in found.rows} <= {"acme/sim-2"}


@pytest.mark.parametrize("pricing", [{}, None, {"completion": "0.000001"}])
def test_a_row_may_lack_its_prices(pricing: dict[str, str] | None) -> None:
    ((row,),) = (model.rows for model in Catalog([model(endpoint("a", pricing=pricing))]).models)
    assert row.price("prompt") == 0
