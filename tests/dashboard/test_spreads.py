"""Distributions on one axis."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.dashboard.address import address_of
from app.dashboard.names import grouped, provider_name
from app.dashboard.spreads import Spreads, spreads_of
from app.ledger.stats import Group
from tests.dashboard.stats import group

NARROW = "\N{NARROW NO-BREAK SPACE}"


def ttft_of(*groups: Group) -> Spreads:
    found = grouped(((each.names, each.figures) for each in groups), provider_name)
    here = address_of("/dashboard/quality", {}, reads=None)
    return spreads_of("TTFT", "ms", found, lambda figures: figures.ttft, here)


def test_a_slower_provider_lies_further_to_the_right() -> None:
    found = ttft_of(
        group("quick", requests=1, ttft=[100.0] * 9), group("slow", requests=1, ttft=[900.0] * 9)
    )
    quick, slow = found.spreads
    assert quick.median_at < slow.median_at
    assert max(c.start for c in quick.columns) < min(c.start for c in slow.columns)
    assert quick.href == "/dashboard/receipts?provider=quick"
    assert quick.count == 9


def test_what_was_never_measured_is_left_out() -> None:
    found = ttft_of(
        group(None, requests=1),
        group("novita", requests=1, ttft=[300.0]),
        group("groq", requests=1),
    )
    assert [spread.name for spread in found.spreads] == ["novita"]
    assert ttft_of(group(None, requests=1), group("groq", requests=1)).spreads == ()
    assert ttft_of().ticks == ()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(min_value=0.2, max_value=1e6), min_size=1, max_size=30),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_the_values_everything_stays_on_the_axis(values: list[list[float]]) -> None:
    found = ttft_of(*(group(str(at), requests=1, ttft=each) for at, each in enumerate(values)))
    assert len(found.spreads) == len(values)
    for spread in found.spreads:
        assert 0 <= spread.median_at <= 100 + 1e-9
        assert max(column.height for column in spread.columns) == pytest.approx(100)
        assert all(0 < column.height <= 100 + 1e-9 for column in spread.columns)
        assert all(c.start >= 0 and c.start + c.width <= 100 + 1e-9 for c in spread.columns)
    places = [tick.at for tick in found.ticks]
    assert all(-1e-9 <= at <= 100 + 1e-9 for at in places)
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (90.0, 1100.0, ["0.10 s", "0.20 s", "0.50 s", "1.00 s"]),
        (0.9, 110_000.0, ["1 ms", "10 ms", "0.10 s", "1.00 s", "10.0 s", "100.0 s"]),
    ],
)
def test_the_axis_is_marked_at_round_values_and_never_crowded(
    low: float, high: float, labels: list[str]
) -> None:
    ticks = ttft_of(group("novita", requests=1, ttft=[low, high])).ticks
    assert [tick.label.replace(NARROW, " ") for tick in ticks] == labels


def test_a_distribution_shows_its_median_and_its_tail() -> None:
    values = [random.Random(1).lognormvariate(6, 0.5) for _ in range(400)]
    (spread,) = ttft_of(group("novita", requests=1, ttft=values)).spreads
    assert spread.median.endswith("s")
    assert spread.p95.endswith("s")
    many = [group(f"p{at:02}", requests=1, ttft=[9.0]) for at in range(20)]
    assert ttft_of(*many).spreads[-1].name == "p07"
