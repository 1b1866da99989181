"""The receipt: its names are settled, its ids sort, its JSON is JSON."""

import json
import random
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.receipt import (
    FIELDS,
    MONEY,
    TUPLES,
    as_json_object,
    iso,
    new_receipt_id,
    paid_usd,
)
from app.ledger.tables import RECEIPTS
from tests.ledger.receipts import FULL, receipt

# The names are a promise to those who read exports: none of them changes.
SETTLED = (
    "id started_at caller user_agent path dialect model_asked alias model_sent rules book "
    "preferences_sent overruled streamed status generation_id provider model_served "
    "quantizations_listed verdict reason evidence attempts router_strategy cache_status ttfb_ms "
    "ttft_ms duration_ms prompt_tokens cached_tokens completion_tokens reasoning_tokens "
    "tokens_per_second cost_usd finish_reason error_code error_message ending bytes_in bytes_out "
    "session "
    "native_finish_reason service_tier region cache_write_tokens is_byok upstream_cost_usd unread "
    "tool_calls defects max_tokens_asked context_tokens tools_offered response_format modalities "
    "session_source subagent pinned_to pin_reason affinity explanation token_prices listing "
    "audit cost_source"
)


def test_record_json_and_table_have_the_settled_names() -> None:
    assert tuple(SETTLED.split()) == FIELDS
    assert tuple(as_json_object(FULL)) == FIELDS
    ours = ("flip_from", "flip_tokens", "flip_pico")  # the ledger's, not the receipt's
    assert tuple(column.name for column in RECEIPTS.columns) == ("seq", *FIELDS, *ours)


def test_a_receipt_as_json_says_what_the_record_says() -> None:
    said = json.loads(json.dumps(as_json_object(FULL), allow_nan=False))
    assert said["started_at"] == "2026-11-21T09:30:00.125Z"
    assert said["cost_usd"] == 0.002053250001
    assert said["rules"] == ["precise-open-weights", "private"]
    assert said["attempts"] == [{"provider": "Novita", "model": None, "status": 200}]
    assert said["upstream_cost_usd"] == 0.020000000003
    plain = set(FIELDS) - TUPLES - {"started_at", *MONEY}
    assert {name: said[name] for name in plain} == {name: getattr(FULL, name) for name in plain}


def test_what_is_not_known_is_null_and_never_left_out() -> None:
    said = as_json_object(receipt())
    assert said["cost_usd"] is None
    assert said["verdict"] is None
    assert said["rules"] == []
    assert said["streamed"] is False


@pytest.mark.parametrize(
    ("is_byok", "cost", "charge", "paid"),
    [
        (False, "0.002", "0.002", "0.002"),  # the same money seen from below
        (None, "0.002", "0.0019", "0.002"),
        (True, "0.0001", "0.002", "0.0021"),
        (True, "0.0001", None, "0.0001"),
        (True, None, "0.002", "0.002"),
        (True, None, None, None),
        (None, None, "0.002", None),
    ],
)
def test_only_with_an_own_key_the_providers_charge_comes_on_top(
    is_byok: bool | None,  # noqa: FBT001 - a field's value
    cost: str | None,
    charge: str | None,
    paid: str | None,
) -> None:
    money = [None if each is None else Decimal(each) for each in (cost, charge, paid)]
    one = receipt(is_byok=is_byok, cost_usd=money[0], upstream_cost_usd=money[1])
    assert paid_usd(one) == money[2]


def test_nothing_charged_is_zero_and_not_null() -> None:
    assert as_json_object(receipt(cost_usd=Decimal(0)))["cost_usd"] == 0


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 21, 9, 30, tzinfo=UTC), "2026-11-21T09:30:00.000Z"),
        (datetime(2026, 11, 21, 9, 30, 0, 999_999, UTC), "2026-11-21T09:30:00.999Z"),
        (
            datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2))),
            "2025-12-31T23:00:00.000Z",
        ),
    ],
)
def test_a_time_is_utc_with_milliseconds(moment: datetime, text: str) -> None:
    assert iso(moment) == text


@given(
    st.floats(1_700_000_000, 4_000_000_000), st.floats(1_700_000_000, 4_000_000_000), st.integers()
)
def test_ids_of_later_milliseconds_sort_later(one: float, other: float, seed: int) -> None:
    first = new_receipt_id(one, random.Random(seed))
    second = new_receipt_id(other, random.Random(seed + 1))
    if int(one * 1000) < int(other * 1000):
        assert first < second
    assert len(first) == 4 + 10 + 12
    assert set(first[4:]) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_ids_of_one_millisecond_differ() -> None:
    source = random.Random(7)
    assert len({new_receipt_id(1_795_000_000.5, source) for _ in range(10_000)}) == 10_000
