"""The ladder, floors, and whose weights are published."""

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.policy.precision import LADDER, at_least, lowest, weights_of
from app.policy.slug import read_slug

RUNGS = [
    {"int4"},
    {"fp4", "mxfp4", "nvfp4"},
    {"fp6"},
    {"int8"},
    {"fp8", "mxfp8"},
    {"fp16", "bf16"},
    {"fp32"},
]


@pytest.mark.parametrize("rung", range(len(RUNGS)))
def test_a_floor_admits_its_own_rung_and_all_above(rung: int) -> None:
    admitted = set().union(*RUNGS[rung:])
    for floor in RUNGS[rung]:
        assert set(at_least(floor, unknown_ok=False)) == admitted
        assert set(at_least(floor, unknown_ok=True)) == admitted | {"unknown"}


def test_labels_come_lowest_first_and_unknown_last() -> None:
    assert at_least("int8", unknown_ok=True) == (
        *("int8", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"),
    )


def test_unknown_has_no_rank() -> None:
    assert "unknown" not in LADDER


def test_the_lowest_floor_lets_every_ranked_label_through() -> None:
    assert lowest(LADDER) == "int4"
    assert lowest({"b": 2, "a": 1}) == "a"
    assert set(at_least("int4", unknown_ok=False)) == set(LADDER)


def test_a_ladder_of_ones_own_is_gone_by() -> None:
    assert at_least("fp5", unknown_ok=False, ladder={**LADDER, "fp5": 5})[:2] == ("fp5", "fp6")


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        ("anthropic/claude-sonnet-5", "closed"),
        ("openai/gpt-5", "closed"),
        ("openai/gpt-oss-120b", "open"),
        ("google/gemini-3-pro", "closed"),
        ("google/gemma-3-27b-it:free", "open"),
        ("x-ai/grok-4", "closed"),
        ("~anthropic/claude-sonnet-latest", "closed"),
        ("Anthropic/Claude-Sonnet-5", "closed"),
        ("qwen/qwen3", "open"),
        ("nobody-knows/this", "open"),
        ("@preset/mine", "open"),
        ("openrouter/auto", "open"),
        ("", "open"),
    ],
)
def test_without_a_catalog_the_author_tells(model: str, weights: str) -> None:
    assert weights_of(read_slug(model), EMPTY) == weights


def listed(catalog: Catalog, model: str, *tags: str) -> Catalog:
    rows = [{"tag": tag, "provider_name": tag.partition("/")[0]} for tag in tags]
    return catalog.with_listing(model, rows, 1.0)


def test_weights_that_the_catalog_knows_of_are_out_whoever_the_author_is() -> None:
    rows = [
        {"id": "anthropic/opened", "hugging_face_id": "anthropic/opened"},
        {"id": "openrouter/auto", "hugging_face_id": None},
    ]
    catalog = Catalog().with_models(rows)
    assert weights_of(read_slug("anthropic/opened:nitro"), catalog) == "open"
    assert weights_of(read_slug("openrouter/auto"), catalog) == "open"  # it may pick any model


@pytest.mark.parametrize(
    ("model", "tags", "weights"),
    [
        # real listings had an empty field for these open models
        ("z-ai/glm-4.6", ["z-ai", "deepinfra/fp8"], "open"),
        ("minimax/minimax-m1", ["minimax", "novita"], "open"),
        ("inclusionai/ling-2.6-1t", ["chutes/fp8"], "open"),
        ("nvidia/nemotron-3-nano-omni", ["deepinfra"], "open"),
        ("z-ai/new", [], "open"),  # nobody serves it yet
        ("z-ai/new", ["z-ai", "z-ai/us"], "closed"),
        ("mistralai/shut", ["mistral"], "closed"),
        ("x-ai/grok-9", ["xai", "azure"], "closed"),  # by its author
        ("google/gemma-4", ["google-vertex"], "open"),  # of a published family
    ],
)
def test_t49_a_missing_field_proves_closed_weights_only_where_the_author_alone_serves(
    model: str, tags: list[str], weights: str
) -> None:
    for empty in ({}, {"hugging_face_id": ""}, {"hugging_face_id": None}):
        catalog = listed(Catalog().with_models([{"id": model, **empty}]), model, *tags)
        assert weights_of(read_slug(model), catalog) == weights


def test_t49_a_listing_that_is_not_known_proves_nothing() -> None:
    catalog = Catalog().with_models([{"id": "z-ai/new"}])
    assert weights_of(read_slug("z-ai/new"), catalog) == "open"
    free = listed(catalog, "z-ai/new:free", "z-ai")
    assert weights_of(read_slug("z-ai/new"), free) == "open"
    both = listed(listed(catalog, "z-ai/new:free", "chutes"), "z-ai/new", "z-ai")
    assert weights_of(read_slug("z-ai/new"), both) == "open"
    unheard_of = listed(Catalog(), "z-ai/new", "z-ai")
    assert weights_of(read_slug("z-ai/new"), unheard_of) == "open"


NAMED = Catalog().with_models(
    [
        {"id": "x-ai/grok-2.5", "canonical_slug": "x-ai/grok-2.5-20250823", "hugging_face_id": "x"},
        {"id": "x-ai/grok-4", "canonical_slug": "x-ai/grok-4-07-09"},
        {"id": "amazon/nova-open", "hugging_face_id": "amazon/nova"},
        {"id": "~amazon/nova-latest", "alias_target": {"slug": "amazon/nova-open"}},
    ]
)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("x-ai/grok-2.5", "open"),
        ("x-ai/grok-2-5", "open"),
        ("x-ai/grok-2.5-20250823", "open"),
        ("x-ai/grok-2-5-20260101:nitro", "open"),  # a date that the catalog doesn't know yet
        ("x-ai/grok-2.5-2026-01-01", "open"),
        ("~amazon/nova-latest", "open"),
        ("amazon/nova-open-20260101", "open"),
        ("x-ai/grok-4", "closed"),
        ("x-ai/grok-4-07-09", "closed"),
        ("x-ai/grok-5-20260101", "closed"),
    ],
)
def test_t49_the_model_that_is_meant_is_judged_under_each_of_its_names(
    name: str, weights: str
) -> None:
    assert weights_of(read_slug(name), NAMED) == weights
