"""What a routing 404 says of itself, however it says it."""

import json
from typing import Any

import pytest

from app.policy.forecast.routing_refusal import RoutingRefusal, read_refusal


def read(message: str, metadata: Any = None, **more: Any) -> RoutingRefusal | None:
    error = {"code": 404, "message": message, **({"metadata": metadata} if metadata else {})}
    return read_refusal(json.dumps({"error": error, **more}).encode())


def step(message: str, metadata: Any = None) -> str | None:
    refusal = read(message, metadata)
    assert refusal is not None
    return refusal.step


def row(name: Any, left: Any) -> dict[str, Any]:
    return {"step": name, "endpoint_count": left}


EVERY = (
    "No endpoints found for x. Every candidate endpoint was removed during routing: "
    "Filter by Guardrails removed a (Paid model training violation); "
    "Filter by Fallback removed b, c."
)


@pytest.mark.parametrize(
    ("message", "metadata", "expected"),
    [
        # the field, whatever the rows and the message say
        ("No endpoints found that satisfy the max price", {"failed_routing_step": "Filter by X"},
         "Filter by X"),
        # the last row, where it is at zero
        ("No endpoints found for x.", {"routing_funnel": [row("A step", 3), row("Another", 0)]},
         "Another"),
        ("No endpoints found for x.", {"routing_funnel": [row("A step", 3)]}, None),
        # the message: what removed the last, then its words
        (EVERY, None, "Filter by Fallback"),
        ("No allowed providers are available for the selected model.", None,
         "Filter by Allowed Providers"),
        ("0 endpoints out of 1 requested are available matching your guardrail restrictions and",
         None, "Filter by Guardrails"),
        ("No endpoints found matching your data policy (Zero data retention).", None,
         "Filter by Data Policy"),
        ("No endpoints for openai/gpt-5.2 match your data policy (zero data retention).", None,
         "Filter by Data Policy"),
        ("No endpoints found that satisfy the max price for this request", None,
         "Filter by Max Price"),
        ("No endpoints found for the request with quantization: fp8.", None,
         "Filter by Quantization"),
        ("No endpoints found that can handle the requested parameters.", None,
         "Filter by Parameters"),
        ("No endpoints found that support tool use.", None, "Filter by Tool Compatibility"),
        ("No endpoints found that support the provided 'tool_choice' value.", None,
         "Filter by Tool Compatibility"),
        ("No endpoints found that support image input", None, "Filter by Image Support"),
        ("No endpoints found that support the requested output modalities: audio", None,
         "Filter by Model Output Modalities"),
        ("No endpoints found for the request with manual order: OpenAI.", None,
         "Filter by Fallback"),
        ("No endpoints found for x.", None, None),
    ],
)  # fmt: skip
def test_t53_the_step_is_read_wherever_it_is_named(
    message: str, metadata: Any, expected: str | None
) -> None:
    assert step(message, metadata) == expected


@pytest.mark.parametrize(
    "metadata",
    [
        {"failed_routing_step": 7, "routing_funnel": "x"},
        {"failed_routing_step": "\x1b[31mred", "routing_funnel": [None, 3, {}]},
        {"failed_routing_step": "x" * 200, "routing_funnel": [row(None, 1), row("A step", "3")]},
        {"failed_routing_step": None, "routing_funnel": [row("A step", True), row("a\nb", 1)]},
        ["failed_routing_step"],
        "failed_routing_step",
    ],
)
def test_metadata_of_another_shape_says_nothing(metadata: Any) -> None:
    refusal = read("No endpoints found for x.", metadata)
    assert refusal is not None
    assert (refusal.step, refusal.counts, refusal.filters) == (None, (), ())


def test_a_404_that_says_which_step_failed_is_about_routing_whatever_its_message() -> None:
    assert step("Nothing left.", {"failed_routing_step": "Filter by Fallback"}) is not None
    assert read("Nothing left.", {"other": 1}) is None


def test_only_so_many_rows_are_looked_at() -> None:
    rows = [row("A step", 99 - number) for number in range(50)]
    refusal = read("No endpoints found", {"routing_funnel": rows})
    assert refusal is not None
    assert len(refusal.counts) == 20


@pytest.mark.parametrize(
    ("words", "filters"),
    [
        ("Zero data retention", ("zdr",)),
        ("zero data retention", ("zdr",)),
        ("Paid model training", ("data_collection",)),
        ("Free model training", ("data_collection",)),
        ("Free model publication", ("data_collection",)),
        ("Distillable text", ("enforce_distillable_text",)),
        ("something new", ("zdr", "enforce_distillable_text", "data_collection")),
    ],
)
def test_t53_a_data_policy_is_told_apart_by_its_words(words: str, filters: tuple[str, ...]) -> None:
    refusal = read(f"No endpoints found matching your data policy ({words}). Configure: x")
    assert refusal is not None
    assert refusal.filters == filters
