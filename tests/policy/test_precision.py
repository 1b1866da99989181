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


def test_the_catalogs_word_goes_before_the_authors_habit() -> None:
    rows = [
        {"id": "anthropic/opened", "hugging_face_id": "anthropic/opened"},
        {"id": "qwen/shut", "hugging_face_id": ""},
        {"id": "openrouter/auto", "hugging_face_id": None},
    ]
    catalog = Catalog().with_models(rows)
    assert weights_of(read_slug("anthropic/opened:nitro"), catalog) == "open"
    assert weights_of(read_slug("QWEN/shut"), catalog) == "closed"
    assert weights_of(read_slug("openrouter/auto"), catalog) == "open"  # it may pick any model
