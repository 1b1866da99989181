"""Rates with their interval, and the order that can be relied on."""

import pytest

from app.ledger.rates import FEWEST, Rate, rate_as_json, surest_first


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2552961, 0.3662091),
        (15, 148, 0.0623870, 0.1604863),
        (0, 20, 0.0, 0.1611252),
        (1, 29, 0.0061079, 0.1717573),
        # by the formula, worked out by hand
        (5, 50, 0.0434753, 0.2136023),
        (1, 2, 0.0945312, 0.9054688),
        (20, 20, 0.8388748, 1.0),
    ],
)
def test_the_interval_is_wilsons(found: int, of: int, low: float, high: float) -> None:
    rate = Rate(found, of)
    assert rate.low == pytest.approx(low, abs=5e-5)
    assert rate.high == pytest.approx(high, abs=5e-5)
    assert rate.low <= found / of <= rate.high


def test_without_a_request_nothing_is_known() -> None:
    rate = Rate()
    assert (rate.share, rate.low, rate.high, rate.is_faint) == (None, 0.0, 1.0, True)
    assert rate_as_json(rate) == {"found": 0, "of": 0, "rate": None, "low": 0.0, "high": 1.0}


def test_a_rate_of_few_requests_is_faint() -> None:
    assert Rate(0, FEWEST - 1).is_faint
    assert not Rate(0, FEWEST).is_faint


def test_what_is_sure_comes_before_what_is_only_high() -> None:
    rates = [Rate(0, 500), Rate(1, 2), Rate(30, 100), Rate(), Rate(0, 3), Rate(1, 500)]
    assert sorted(rates, key=surest_first) == [
        Rate(30, 100),
        Rate(1, 2),
        Rate(1, 500),
        Rate(),
        Rate(0, 3),
        Rate(0, 500),
    ]


def test_intervals_part_only_where_one_begins_above_the_end_of_the_other() -> None:
    assert Rate(30, 100).is_surely_above(Rate(2, 100))
    assert not Rate(2, 100).is_surely_above(Rate(30, 100))
    assert not Rate(3, 20).is_surely_above(Rate(0, 20))
