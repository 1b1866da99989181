"""Single filters where the brute force has no word: abilities, tiers, matching, messages."""

import re
from pathlib import Path
from typing import Any

import pytest

from app.simulator.refusals import Refusal
from tests.simulator.simulated import TOOL, Simulated, endpoint, model, routed, tried

FIREWORKS = [endpoint("fireworks"), endpoint("fireworks/us"), endpoint("novita/fp8")]


@pytest.mark.parametrize(
    ("entry", "tags"),
    [
        ("fireworks", {"fireworks", "fireworks/us"}),  # a base slug can itself be a tag
        ("fireworks/us", {"fireworks/us"}),
        ("novita", {"novita/fp8"}),
        ("novita/fp8", {"novita/fp8"}),
    ],
)
def test_a_slug_means_all_of_a_provider_and_a_tag_only_itself(entry: str, tags: set[str]) -> None:
    others = {"fireworks", "fireworks/us", "novita/fp8"} - tags
    assert set(tried(*FIREWORKS, provider={"only": [entry]})) == tags
    assert set(tried(*FIREWORKS, provider={"ignore": [entry]})) == others
    strict = {"order": [entry], "allow_fallbacks": False}
    assert set(tried(*FIREWORKS, provider=strict)) == tags


@pytest.mark.parametrize("entry", ["Fireworks", "FIREWORKS", "fire", "fireworks/", "fireworks/u"])
def test_nothing_else_means_a_row(entry: str) -> None:
    with pytest.raises(Refusal, match="No allowed providers"):
        tried(*FIREWORKS, provider={"only": [entry]})
    assert len(tried(*FIREWORKS, provider={"ignore": [entry]})) == 3


def test_ignore_wins_over_only_and_order() -> None:
    both = {"only": ["fireworks", "novita"], "order": ["fireworks"], "ignore": ["fireworks"]}
    assert tried(*FIREWORKS, provider=both) == ["novita/fp8"]


TIERS = [endpoint("openai"), endpoint("openai/priority"), endpoint("openai/flex")]


@pytest.mark.parametrize(
    ("fields", "tags"),
    [
        ({}, {"openai"}),
        ({"provider": {"only": ["openai"]}}, {"openai"}),
        ({"provider": {"only": ["openai/flex"]}}, {"openai/flex"}),
        ({"provider": {"order": ["openai/priority"]}}, {"openai", "openai/priority"}),
        ({"service_tier": "priority"}, {"openai", "openai/priority"}),
        ({"service_tier": "fast"}, {"openai", "openai/priority"}),
        ({"speed": "fast"}, {"openai", "openai/priority"}),
        ({"speed": "fast", "service_tier": "default"}, {"openai"}),
        ({"service_tier": "ultrafast"}, {"openai", "openai/priority"}),
        ({"service_tier": "flex"}, {"openai/flex"}),
        ({"service_tier": "default"}, {"openai"}),
        ({"model": "acme/sim-1:nitro"}, {"openai", "openai/priority"}),
        ({"model": "acme/sim-1:floor"}, {"openai", "openai/flex"}),
        ({"model": "acme/sim-1:nitro", "service_tier": "default"}, {"openai"}),
        ({"model": "acme/sim-1:floor", "provider": {"order": ["openai"]}}, {"openai"}),
        ({"provider": {"sort": "throughput"}}, {"openai"}),
    ],
)
def test_a_tier_serves_only_who_opts_in(fields: dict[str, Any], tags: set[str]) -> None:
    assert set(tried(*TIERS, **fields)) == tags


def test_a_tier_may_be_known_from_the_listing_alone() -> None:
    """A base slug means no row of a service tier, however spelled (openrouter.md §1.3)."""
    fast = endpoint("openai/fast", service_tier="priority")
    turbo = endpoint("novita/turbo", service_tier="priority")
    rows = [endpoint("openai"), fast, endpoint("novita"), turbo, endpoint("deepinfra/turbo")]
    plain = {"openai", "novita", "deepinfra/turbo"}
    assert set(tried(*rows)) == plain
    assert set(tried(*rows, service_tier="priority")) == plain | {"openai/fast", "novita/turbo"}
    ignoring: dict[str, Any] = {
        "provider": {"ignore": ["openai", "novita"]},
        "service_tier": "priority",
    }
    assert set(tried(*rows, **ignoring)) == {"openai/fast", "novita/turbo", "deepinfra/turbo"}
    assert tried(*rows, provider={"only": ["novita/turbo"]}) == ["novita/turbo"]


def test_flex_means_normal_where_there_is_no_flex() -> None:
    assert tried(endpoint("openai"), service_tier="flex") == ["openai"]


def test_a_regional_surcharge_row_must_be_asked_for() -> None:
    rows = [endpoint("vertex"), endpoint("vertex/europe", regional_surcharge=True)]
    assert tried(*rows) == ["vertex"]
    assert tried(*rows, provider={"only": ["vertex"]}) == ["vertex"]
    assert tried(*rows, provider={"only": ["vertex/europe"]}) == ["vertex/europe"]


@pytest.mark.parametrize(
    ("rows", "fields", "message", "step"),
    [
        (
            [endpoint("a", context_length=50)],
            {"messages": [{"role": "user", "content": "x" * 400}]},
            "No endpoints found that can fit this request",
            "Filter by Context Length",
        ),
        (
            [endpoint("a", context_length=5000)],
            {"max_tokens": 5000},
            "No endpoints found that can fit this request",
            "Filter by Context Length",
        ),
        (
            [endpoint("a")],
            {"modalities": ["image", "text"]},
            "No endpoints found that support the requested output modalities: image, text",
            "Filter by Model Output Modalities",
        ),
        (
            [endpoint("a", supports_tool_choice={"required": False, "auto": True})],
            {"tools": [TOOL], "tool_choice": "required"},
            "No endpoints found that support the provided 'tool_choice' value.",
            "Filter by Tool Compatibility",
        ),
        (
            [endpoint("a")],
            {"provider": {"ignore": ["a"]}},
            "No endpoints found for acme/sim-1. Every candidate endpoint was removed",
            "Filter by Ignored Providers",
        ),
        (
            [endpoint("a", trains=True)],
            {"provider": {"data_collection": "deny"}},
            "No endpoints found matching your data policy (Paid model training).",
            "Filter by Data Policy",
        ),
    ],
)
def test_what_leaves_nobody_is_named(
    rows: list[dict[str, Any]], fields: dict[str, Any], message: str, step: str
) -> None:
    with pytest.raises(Refusal, match=re.escape(message)) as refused:
        tried(*rows, **fields)
    assert refused.value.status == 404
    assert refused.value.metadata is not None
    assert refused.value.metadata["failed_routing_step"] == step


def test_a_request_that_fits_to_the_last_token_is_served() -> None:
    prompt = routed(model(endpoint("a"))).completion.usage.prompt_tokens
    assert tried(endpoint("a", context_length=prompt + 50), max_tokens=50) == ["a"]
    with pytest.raises(Refusal):
        tried(endpoint("a", context_length=prompt + 49), max_tokens=50)
    assert tried(endpoint("a", max_completion_tokens=50), max_tokens=50) == ["a"]


def test_a_model_whose_author_forbids_it_is_not_distilled() -> None:
    forbidden = model(endpoint("a"), distillable=False)
    assert routed(forbidden).available
    with pytest.raises(Refusal):
        routed(forbidden, provider={"enforce_distillable_text": True})
    assert routed(model(endpoint("a")), provider={"enforce_distillable_text": True}).available


def test_tool_choice_goes_by_the_row() -> None:
    forced = endpoint("a", supports_tool_choice={"required": True, "auto": True})
    free = endpoint("b", supports_tool_choice={"required": False, "auto": True})
    assert set(tried(forced, free, tools=[TOOL])) == {"a", "b"}
    assert tried(forced, free, tools=[TOOL], tool_choice="required") == ["a"]
    assert tried(forced, free, tools=[TOOL], tool_choice={"type": "any"}) == ["a"]


def test_a_tool_choice_that_was_not_provided_shuts_nobody_out() -> None:
    """The error speaks of "the provided" value (openrouter.md §3.5)."""
    picky = endpoint("a", supports_tool_choice={"auto": False})
    assert tried(picky, tools=[TOOL]) == ["a"]
    assert set(tried(picky, endpoint("b"), tools=[TOOL], tool_choice="auto")) == {"b"}


def test_an_ability_wished_for_is_ignored_where_nobody_has_it() -> None:
    able = endpoint("able", supported_parameters=["response_format"])
    fp8 = endpoint("fp8-only", "fp8", supported_parameters=[])
    wish = {"type": "json_object"}
    assert tried(able, fp8, response_format=wish) == ["able"]
    assert tried(fp8, response_format=wish) == ["fp8-only"]
    # The wish comes after every hard filter: it can't empty what quantizations left.
    bf16 = {**able, "quantization": "bf16"}
    assert tried(bf16, fp8, response_format=wish, provider={"quantizations": ["fp8"]}) == [
        "fp8-only"
    ]


def test_the_word_image_is_no_image() -> None:
    text = [{"role": "user", "content": 'image "type": "image" image_url'}]
    assert tried(endpoint("a"), messages=text) == ["a"]


async def test_a_model_without_endpoints_is_a_404(tmp_path: Path) -> None:
    reply = await Simulated(tmp_path, model()).chat()
    assert reply.status_code == 404
    assert reply.json()["error"]["message"] == "No endpoints found for acme/sim-1."
