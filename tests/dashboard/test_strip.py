"""The last hour by verdict."""

import pytest

from app.dashboard.address import address_of
from app.dashboard.names import NO_COLOUR, days
from app.dashboard.strip import strip_of
from tests.dashboard.stats import figures, series

HERE = address_of("/dashboard", {"caller": "ci"}, reads=None)


def test_verdicts_are_stacked_to_the_height_of_the_fullest_minutes() -> None:
    of = series(all=[figures(4, kept=3, broken=1, cost="0.5"), figures(0), figures(2, none=2)])
    strip = strip_of(of, HERE)
    full, half = strip.columns
    assert [(block.kind, block.height) for block in full.blocks] == [("broken", 25), ("kept", 75)]
    assert sum(block.height for block in half.blocks) == pytest.approx(50)
    assert half.blocks[0].top == pytest.approx(50)
    assert {(total.kind, total.count) for total in strip.totals} == {
        ("kept", "3"),
        ("none", "2"),
        ("broken", "1"),
    }
    assert strip.cost == "$0.50"
    assert "caller=ci" in full.href
    assert all(f"verdict={total.kind}" in total.href for total in strip.totals)


def test_an_hour_without_requests_is_empty() -> None:
    strip = strip_of(series(all=[figures(0)]), HERE)
    assert (strip.columns, strip.totals, strip.cost) == ((), (), "$0")


def test_days_without_requests_are_left_out() -> None:
    ((name, total),) = days(series(all=[figures(0), figures(3)]))
    assert (name.text, name.colour, total.requests) == ("2026-11-21", NO_COLOUR, 3)
    assert not name.is_grey
