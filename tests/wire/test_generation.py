"""OpenRouter's generation record, as it is documented and as it may come."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.generation import read_generation
from app.wire.observation import Attempt, Usage

FIXTURE = Path(__file__).parent.parent / "fixtures/openrouter/json/generation_record.json"
RECORDS: dict[str, Any] = json.loads(FIXTURE.read_text(encoding="utf-8"))


def read(record: object) -> Any:
    return read_generation(json.dumps({"data": record}).encode())


def test_the_documented_example_is_read() -> None:
    found = read_generation(json.dumps(RECORDS["schema_example"]).encode())
    assert found is not None
    assert (found.provider, found.attempts) == ("Infermatic", ())
    assert found.server_tools  # it counts search results
    assert not found.from_cache
    assert found.usage == Usage(
        prompt_tokens=10,
        cached_tokens=3,
        completion_tokens=25,
        reasoning_tokens=5,
        cost_usd=Decimal("0.0015"),
        is_byok=False,
        upstream_cost_usd=Decimal("0.0012"),
    )
    assert not found.cancelled


def test_the_record_of_a_stream_that_was_left_says_that_it_cost_nothing() -> None:
    found = read(RECORDS["cancelled_facts"])
    assert (found.cancelled, found.usage.cost_usd) == (True, 0)


@pytest.mark.parametrize("cost", [None, -1, "0.5", True, [1], {}, 1e30, 10**400, 1_000_000])
def test_a_cost_that_makes_no_sense_counts_as_not_recorded(cost: Any) -> None:
    assert read({"total_cost": cost, "upstream_inference_cost": cost}).usage == Usage()


def test_a_live_record_names_every_attempt() -> None:
    record = RECORDS["live_excerpt"]["data"]
    found = read(record)
    named = [row["provider_name"] for row in record["provider_responses"]]
    assert [attempt.provider for attempt in found.attempts] == named


def test_what_is_odd_is_left_out() -> None:
    rows = [1, {}, {"provider_name": "A", "status": "x"}, {"provider_name": "B", "status": 503}]
    record = {"provider_responses": rows, "num_fetches": True, "response_cache_source_id": "g"}
    found = read(record)
    assert found.provider is None
    assert found.attempts == (Attempt("A", None, None), Attempt("B", None, 503))
    assert (found.server_tools, found.from_cache) == (False, True)


@pytest.mark.parametrize("body", [
    b"", b"[]", b"<html>", b'{"data":[]}', b'{"error":{}}', b"\xff", b'{"data":{"total_cost":NaN}}'
])  # fmt: skip
def test_what_is_no_record_is_none(body: bytes) -> None:
    assert read_generation(body) is None


@pytest.mark.parametrize(
    ("named", "of", "is_read"),
    [
        ("gen-1", "gen-1", True),
        ("gen-2", "gen-1", False),
        ("gen-2", None, True),
        (None, "gen-1", True),
        (7, "gen-1", True),
        ("g" * 300, "g" * 300, True),
    ],
)
def test_the_record_of_another_generation_is_none(named: Any, of: str, *, is_read: bool) -> None:
    body = json.dumps({"data": {"id": named, "total_cost": 1}}).encode()
    assert (read_generation(body, of) is not None) is is_read


@given(st.binary())
def test_it_never_raises(body: bytes) -> None:
    read_generation(body)
    read_generation(b'{"data":' + body + b"}")
