"""An endpoint from a row of a listing, whatever the row holds."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.endpoint import Endpoint, read_endpoint

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openrouter"
REAL = "deepseek-v4.1-flash_2026-10-02.json"
COMPOSED = "COMPOSED_routing_edge_cases.json"


def rows(file: str) -> list[dict[str, Any]]:
    text = (FIXTURES / "endpoints" / file).read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)["data"]["endpoints"]
    return found


def read(**fields: Any) -> Endpoint:
    endpoint = read_endpoint({"tag": "novita/fp8", "provider_name": "Novita", **fields})
    assert endpoint is not None
    return endpoint


@pytest.mark.parametrize("row", rows(REAL) + rows(COMPOSED), ids=lambda row: row["tag"])
def test_every_row_of_the_recorded_listings_is_read(row: dict[str, Any]) -> None:
    endpoint = read_endpoint(row)
    assert endpoint is not None
    assert endpoint.tag == row["tag"]
    assert endpoint.provider == row["tag"].split("/")[0]
    assert endpoint.provider_name == row["provider_name"]
    assert endpoint.quantization == row["quantization"]
    assert endpoint.prompt_price == Decimal(row["pricing"]["prompt"])
    assert endpoint.completion_price == Decimal(row["pricing"]["completion"])
    assert endpoint.cache_read_price == Decimal(row["pricing"]["input_cache_read"])
    assert endpoint.price_varies == ("overrides" in row["pricing"])
    assert endpoint.context_length == row["context_length"]
    assert endpoint.supported_parameters == tuple(row["supported_parameters"])
    assert endpoint.status == row["status"]
    assert endpoint.tier == row.get("service_tier")


def test_labels_and_tiers_are_known_in_any_case() -> None:
    endpoint = read(quantization="FP8", service_tier="Flex")
    assert (endpoint.quantization, endpoint.tier) == ("fp8", "flex")


def test_the_recorded_listing_counts_its_labels_as_the_docs_do() -> None:
    """fp8 16, unknown 13, fp4 3, fp32 1 (openrouter.md §1.5)."""
    labels = [endpoint.quantization for row in rows(REAL) if (endpoint := read_endpoint(row))]
    counts = {label: labels.count(label) for label in set(labels)}
    assert counts == {"fp8": 16, "unknown": 13, "fp4": 3, "fp32": 1}


def test_a_listed_price_is_after_its_discount() -> None:
    """Shown 0.18 with `discount` 0.4 and a list price of 0.30 (openrouter.md §5.3)."""
    (gmicloud,) = [row for row in rows(REAL) if row["tag"] == "gmicloud/fp8"]
    endpoint = read_endpoint(gmicloud)
    assert endpoint is not None
    assert endpoint.prompt_price == Decimal("0.00000018")


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        "novita",
        {},
        {"tag": "novita/fp8"},
        {"provider_name": "Novita"},
        {"tag": "", "provider_name": "Novita"},
        {"tag": "novita", "provider_name": ""},
        {"tag": 5, "provider_name": "Novita"},
        {"tag": "novita", "provider_name": None},
    ],
)
def test_a_row_without_tag_or_name_is_no_endpoint(row: object) -> None:
    assert read_endpoint(row) is None


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("0.000000002115", Decimal("0.000000002115")),
        (0, Decimal(0)),
        (3e-07, Decimal("3E-7")),
        ("0", Decimal(0)),
        ("-1", None),  # "it depends", on OpenRouter's own routers
        (-1, None),
        ("NaN", None),
        ("Infinity", None),
        (float("inf"), None),
        ("1e999999999", None),
        (10**5000, None),  # more digits than Python turns into text
        ("cheap", None),
        ("", None),
        (True, None),
        (None, None),
        ([], None),
    ],
    ids=lambda value: str(value)[:12] if not isinstance(value, int) else "int",
)
def test_a_price_is_an_exact_number_or_not_listed(price: object, expected: Decimal | None) -> None:
    endpoint = read(pricing={"prompt": price, "completion": price, "input_cache_read": price})
    found = {endpoint.prompt_price, endpoint.completion_price, endpoint.cache_read_price}
    assert found == {expected}


@pytest.mark.parametrize(
    ("tag", "service_tier", "expected"),
    [
        ("openai", None, None),
        ("openai", "flex", "flex"),
        ("openai/priority", None, "priority"),  # the field was not in the listing of 2026-10-02
        ("google-vertex/FLEX", None, "flex"),
        ("openai/priority", "ultrafast", "ultrafast"),
        ("baseten/fast", None, None),
        ("google-vertex/us-east5", None, None),
        ("openai/priority", 5, "priority"),
    ],
)
def test_the_tier_is_the_listed_one_or_else_the_tags(
    tag: str, service_tier: object, expected: str | None
) -> None:
    assert read(tag=tag, service_tier=service_tier).tier == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("context_length", "4096"),
        ("context_length", True),
        ("max_completion_tokens", 1.5),
        ("status", None),
        ("uptime_last_30m", "99"),
        ("uptime_last_30m", True),
        ("uptime_last_30m", 10**400),  # beyond what a float can hold
        ("quantization", 8),
        ("quantization", ""),
        ("supported_parameters", "tools"),
        ("supported_parameters", [5, None]),
        ("pricing", "free"),
        ("pricing", None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_field_of_an_unexpected_type_counts_as_not_listed(field: str, value: object) -> None:
    assert read(**{field: value}) == read()


def test_an_uptime_is_a_percentage_with_or_without_a_fraction() -> None:
    assert (read(uptime_last_30m=99).uptime, read(uptime_last_30m=54.2).uptime) == (99.0, 54.2)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = sorted(rows(COMPOSED)[0])
PRICING = sorted(rows(COMPOSED)[0]["pricing"])


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON),
    JSON | st.dictionaries(st.sampled_from(PRICING), JSON | st.decimals().map(str)),
)
def test_no_row_is_too_odd_to_be_read(fields: dict[str, Any], pricing: Any) -> None:
    endpoint = read_endpoint({**rows(COMPOSED)[0], **fields, "pricing": pricing})
    if endpoint is not None:
        assert endpoint.tag
        prices = (endpoint.prompt_price, endpoint.completion_price, endpoint.cache_read_price)
        assert all(price is None or price >= 0 for price in prices)


def test_fees_beside_tokens_are_read_where_they_are_listed() -> None:
    endpoint = read(pricing={"request": "0.01", "image": 0, "audio": "x"})
    prices = (endpoint.request_price, endpoint.image_price, endpoint.audio_price)
    assert prices == (Decimal("0.01"), Decimal(0), None)


@pytest.mark.parametrize(
    ("choices", "refused"),
    [
        ({"none": True, "required": False, "function": False}, {"required", "function"}),
        ({"required": None}, set()),
        (["required"], set()),
        (None, set()),
    ],
)
def test_a_tool_choice_is_refused_only_where_the_row_says_so(
    choices: object, refused: set[str]
) -> None:
    assert read(supports_tool_choice=choices).tool_choices_refused == refused
