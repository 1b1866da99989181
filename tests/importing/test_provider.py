"""What becomes of each field of a provider object."""

import json
from typing import Any

import pytest

from app.catalog.providers import SLUGS
from app.importing.provider import provider_of
from app.importing.source import read_source
from app.policy.precision import LADDER, UNKNOWN


def mended(provider: Any) -> tuple[dict[str, Any], list[str]]:
    root, _ = read_source("theirs", json.dumps({"provider": provider}))
    said, left = provider_of(root.entries()["provider"])
    return dict(said), [f"{each.what}: {each.why}" for each in left]


EVERYTHING: dict[str, Any] = {
    "only": ["deepinfra", "novita/fp8"],
    "order": ["novita/fp8", "deepinfra"],
    "ignore": ["azure"],
    "allow_fallbacks": True,
    "require_parameters": False,
    "data_collection": "deny",
    "zdr": True,
    "enforce_distillable_text": False,
    "quantizations": [*LADDER, UNKNOWN],
    "max_price": {"prompt": 1, "completion": 2.5, "request": 0, "image": 0.00001, "audio": 1e-07},
    "preferred_min_throughput": {"p50": 100, "p90": 50.5},
    "preferred_max_latency": 3,
    "options": {"deepinfra": {"deep": [None, True, 1, 1e-07, "no", {"x": "1e5"}]}},
}


def test_whatever_the_schema_takes_is_carried_over_as_it_stands() -> None:
    assert mended(EVERYTHING) == (EVERYTHING, [])
    for sort in ("exacto", {"by": "price", "partition": "none"}):
        assert mended({"sort": sort}) == ({"sort": sort}, [])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"only": ["DeepInfra", " Moonshot AI", "Google", "Z.AI", "z.ai", "google"]}, None),
        ({"only": "novita"}, {"only": ["novita"]}),
        ({"order": ["novita", "Novita"]}, {"order": ["novita"]}),
        ({"order": ["NOVITA/FP8", "a-new-host"]}, {"order": ["novita/fp8", "a-new-host"]}),
        ({"quantizations": ["FP8", "fp-16", "bfloat16", "INT 4", "Unknown"]}, None),
        ({"quantizations": "fp8"}, {"quantizations": ["fp8"]}),
        ({"zdr": "true", "allow_fallbacks": "False"}, {"zdr": True, "allow_fallbacks": False}),
        ({"data_collection": "DENY"}, {"data_collection": "deny"}),
        ({"data_collection": "disallow"}, {"data_collection": "deny"}),
        ({"allowFallbacks": False}, {"allow_fallbacks": False}),
        ({"require-parameters": True}, {"require_parameters": True}),
        ({"preferredMinThroughput": 5}, {"preferred_min_throughput": 5}),
        ({"zdr": True, "ZDR": True}, {"zdr": True}),
        ({"only": ["Amazon Bedrock"]}, {"only": ["amazon-bedrock"]}),
        ({"sort": "Price"}, {"sort": "price"}),
        ({"sort": {"by": "Latency"}}, {"sort": {"by": "latency"}}),
        ({"max_price": {"prompt": "0.50"}}, {"max_price": {"prompt": 0.5}}),
        ({"max_price": {"prompt": " 2 "}}, {"max_price": {"prompt": 2}}),
        ({"preferred_max_latency": "3"}, {"preferred_max_latency": 3}),
        ({"options": {"DeepInfra": {"a": 1}}}, {"options": {"deepinfra": {"a": 1}}}),
    ],
)
def test_a_spelling_that_leaves_no_doubt_is_put_right(
    written: dict[str, Any], meant: dict[str, Any] | None
) -> None:
    lists = {
        "only": ["deepinfra", "moonshotai", "google-vertex", "z-ai"],
        "quantizations": ["fp8", "fp16", "bf16", "int4", "unknown"],
    }
    assert mended(written) == (meant or {key: lists[key] for key in written}, [])


def test_every_display_name_that_is_known_is_put_right() -> None:
    assert mended({"only": [*SLUGS]})[0] == {"only": [*dict.fromkeys(SLUGS.values())]}


@pytest.mark.parametrize(
    ("written", "meant", "doubt"),
    [
        ({"max_price": {"prompt": 5e-07, "image": 5e-07}}, 0.5, "looks like USD per token"),
        ({"max_price": {"prompt": "0.0000005", "image": 5e-07}}, 0.5, "looks like USD per token"),
        ({"preferred_max_latency": 2500}, 2.5, "looks like milliseconds"),
        ({"preferred_max_latency": {"p90": "3000"}}, 3, "looks like milliseconds"),
    ],
)
def test_a_number_in_another_unit_is_converted_and_that_is_said(
    written: dict[str, Any], meant: float, doubt: str
) -> None:
    said, left = mended(written)
    assert said in (
        {"max_price": {"prompt": meant, "image": 5e-07}},
        {"preferred_max_latency": meant},
        {"preferred_max_latency": {"p90": meant}},
    )
    assert len(left) == 1
    assert doubt in left[0]


NOTHING_LEFT = "none of it can be used, so it is left out"


@pytest.mark.parametrize(
    ("written", "kept", "reasons"),
    [
        ({"quantization": "fp8"}, {}, ["OpenRouter has no such field; did you mean quantizations"]),
        (
            {"only": ["Host & Co", "novita"]},
            {"only": ["novita"]},
            ['"Host & Co" is left out: unknown provider name'],
        ),
        ({"only": ["UnheardOf"]}, {}, ['"UnheardOf" is left out', NOTHING_LEFT]),
        ({"ignore": [["x"], {}, 5]}, {}, ["a list is", "a mapping is", "5 is", NOTHING_LEFT]),
        ({"order": ["X" * 99]}, {}, [f'"{"X" * 59}... is left out', NOTHING_LEFT]),
        (
            {"quantizations": ["q4_k_m", "fp8"]},
            {"quantizations": ["fp8"]},
            ['"q4_k_m" is left out'],
        ),
        ({"quantizations": [None]}, {}, ["null is left out", NOTHING_LEFT]),
        ({"zdr": "perhaps"}, {}, ['zdr: "perhaps" is not a boolean; write true or false']),
        ({"data_collection": 5}, {}, ["5 is not a data policy"]),
        ({"zdr": True, "ZDR": False}, {"zdr": True}, ["zdr is set already, in another spelling"]),
        ({"sort": {"partition": "none"}}, {}, ["sort: `by` is missing; write `by: price`"]),
        (
            {"sort": {"by": "price", "then": "latency"}},
            {},
            ["sort: unknown key `then`; the known keys are by, partition"],
        ),
        ({"max_price": 5}, {}, ["5 is not a mapping"]),
        (
            {"max_price": {"prompt": -1, "cache": 1, "image": True, "completion": 1}},
            {"max_price": {"completion": 1}},
            ["prompt: -1 is below zero", "cache is left out: it takes prompt", "image: true"],
        ),
        ({"preferred_min_throughput": {"p42": 1}}, {}, ["p42 is left out", NOTHING_LEFT]),
        (
            {"preferred_min_throughput": "fast"},
            {},
            [
                (
                    'preferred_min_throughput: "fast" is not a number; write it in tokens per '
                    "second, without quotes"
                )
            ],
        ),
        ({"options": ["x"]}, {}, ["a list is not a mapping"]),
        ({"options": {"No Host": {}}}, {}, ['"No Host" is left out', NOTHING_LEFT]),
    ],
)
def test_what_can_only_be_guessed_is_left_out_with_the_reason(
    written: dict[str, Any], kept: dict[str, Any], reasons: list[str]
) -> None:
    said, left = mended(written)
    assert said == kept
    assert len(left) == len(reasons)
    for each, reason in zip(left, reasons, strict=True):
        assert reason in each


@pytest.mark.parametrize(
    "silent", [{}, None, {"only": []}, {"zdr": None}, {"max_price": {}}, {"options": {}}]
)
def test_what_says_nothing_upstream_says_nothing_here(silent: Any) -> None:
    assert mended(silent) == ({}, [])


def test_no_object_at_all_says_nothing() -> None:
    assert provider_of(None) == ({}, [])


@pytest.mark.parametrize("other", [["novita"], "novita", 5])
def test_a_provider_that_is_no_object_is_left_out(other: Any) -> None:
    said, left = mended(other)
    assert said == {}
    assert "not a mapping" in left[0]


def test_a_sort_that_the_router_would_ignore_is_left_out() -> None:
    said, left = mended({"order": ["novita"], "sort": "price"})
    assert said == {"order": ["novita"]}
    assert left == ["sort: OpenRouter ignores a `sort` if there is an `order`"]


@pytest.mark.parametrize(
    "hopeless",
    [
        {"only": ["novita"], "ignore": ["novita"]},
        {"only": ["novita/fp8"], "ignore": ["novita"]},
        {"only": ["novita"], "order": ["azure"], "allow_fallbacks": False},
        {"order": ["azure"], "ignore": ["azure"], "allow_fallbacks": False},
    ],
)
def test_an_object_that_no_provider_can_serve_is_left_out_whole(hopeless: dict[str, Any]) -> None:
    said, left = mended({**hopeless, "zdr": True})
    assert said == {}
    assert "contradict each other" in left[0]


KEY = "sk-or-v1-canary"


@pytest.mark.parametrize(
    "written",
    [
        {"options": {"deepinfra": {"api_key": KEY}}},
        {"options": {"deepinfra": {"nested": [{"apiKey": "anything"}]}}},
        {"options": {"deepinfra": {"x": f"Bearer {KEY}"}}},
        {"only": [KEY]},
        {"data_collection": KEY},
        {"sort": {KEY: KEY, "token": "anything"}},
        {"api_key": KEY},
        {"max_price": {"prompt": KEY}},
    ],
)
def test_a_key_is_neither_carried_over_nor_quoted(written: dict[str, Any]) -> None:
    said, left = mended(written)
    assert said == {}
    assert len(left) == 1
    assert "canary" not in left[0]


def test_a_key_in_place_of_the_object_is_not_quoted() -> None:
    assert "canary" not in mended(KEY)[1][0]
