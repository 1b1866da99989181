"""Histograms: small, near the truth, and additive."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ledger.histogram import GROWTH, Histogram, from_bytes, of_one, to_bytes

VALUES = st.lists(st.floats(0.2, 10_000_000), min_size=1, max_size=60)


def of(values: list[float]) -> Histogram:
    return Histogram(sum(of_one(value) for value in values))


@settings(max_examples=100)
@given(VALUES, st.sampled_from([1, 25, 50, 95, 100]))
def test_a_percentile_is_never_off_by_more_than_a_bucket(
    values: list[float], percent: float
) -> None:
    exact = sorted(values)[math.ceil(len(values) * percent / 100) - 1]
    found = of(values).percentile(percent)
    assert found is not None
    assert exact / GROWTH * 0.999 <= found <= exact * GROWTH * 1.001


@settings(max_examples=100)
@given(VALUES, VALUES)
def test_parts_add_up_to_the_whole(one: list[float], other: list[float]) -> None:
    assert of(one) + of(other) == of(one + other)
    assert of(one + other).count == len(one) + len(other)


@settings(max_examples=100)
@given(st.lists(st.floats(), max_size=20))
def test_stored_and_read_again_it_is_the_same(values: list[float]) -> None:
    packed = of(values).packed
    assert from_bytes(to_bytes(packed)) == packed


@pytest.mark.parametrize("value", [None, 0, -1, math.nan, math.inf, -math.inf])
def test_what_is_no_duration_counts_nowhere(value: float | None) -> None:
    assert of_one(value) == 0


@pytest.mark.parametrize("value", [1e-300, 0.05, 1e9, 1e300])
def test_what_is_out_of_range_counts_at_its_end(value: float) -> None:
    assert Histogram(of_one(value)).count == 1


def test_nothing_has_no_percentile_and_no_bars() -> None:
    assert Histogram().percentile(50) is None
    assert Histogram().bars() == ()
    assert (to_bytes(0), from_bytes(b"")) == (b"", 0)


def test_bars_hold_what_was_put_in() -> None:
    values = [100.0, 101.0, 900.0]
    low, high = of(values).bars()
    assert (low.count, high.count) == (2, 1)
    assert low.low <= min(values) < low.high
    assert high.low <= 900 < high.high
    assert low.high / low.low == pytest.approx(GROWTH)


def test_a_single_value_takes_few_bytes() -> None:
    assert len(to_bytes(of_one(412.5))) == 2


def test_a_hundred_million_values_of_a_kind_fit() -> None:
    many = Histogram(of_one(400.0) * 100_000_000)
    assert many.count == 100_000_000
    assert many.percentile(50) == pytest.approx(400, rel=0.1)
