"""Stats over time to charts."""

from collections.abc import Callable

import pytest

from app.dashboard.charts import Chart, cost_chart, name_of, share_chart, speed_chart, ttft_chart
from app.ledger.stats import Series
from tests.dashboard.stats import figures, series

DASH = "\N{EN DASH}"
NARROW = "\N{NARROW NO-BREAK SPACE}"


def test_a_chart_has_a_row_for_each_bucket_with_every_number_as_it_is_read() -> None:
    chart = share_chart(
        "Share",
        series(novita=[figures(3), figures(0)], groq=[figures(1), figures(0)]),
    )
    assert chart.names == ("novita", "groq")
    assert [start for start, _ in chart.rows] == [
        "2026-11-21T09:00:00.000Z",
        "2026-11-21T10:00:00.000Z",
    ]
    texts = [[cell.text.replace(NARROW, " ") for cell in cells] for _, cells in chart.rows]
    assert texts == [["75.0 %", "25.0 %"], ["0 %", "0 %"]]
    assert chart.kind == "stack"
    assert not chart.is_empty


@pytest.mark.parametrize("count", [1, 8, 9, 30])
def test_however_many_there_are_the_shares_of_a_bucket_stay_whole(count: int) -> None:
    lines = {f"p{at:02}": [figures(count - at)] for at in range(count)}
    chart = share_chart("Share", series(**lines))
    ((_, cells),) = chart.rows
    assert sum(cell.value or 0 for cell in cells) == pytest.approx(1)
    assert len(chart.names) == min(count, 8)
    assert (chart.names[-1] == "others") == (count > 8)


def test_the_costs_of_the_others_are_theirs_together() -> None:
    lines = {f"p{at}": [figures(20 - at, cost="0.5")] for at in range(10)}
    chart = cost_chart("Cost", series(**lines))
    ((_, cells),) = chart.rows
    assert [cell.value for cell in cells] == [0.5] * 7 + [1.5]
    assert cells[-1].text == "$1.50"


def test_no_two_lines_have_one_colour_and_greys_are_for_nobody_and_the_others() -> None:
    lines = {name: [figures(1)] for name in ("a", "nobody", *(f"p{at}" for at in range(9)))}
    chart = share_chart("Share", series(**lines))
    assert len(set(chart.colours)) == len(chart.names) == 8
    assert dict(zip(chart.names, chart.colours, strict=True)) | {"a": 1} == {
        **dict(zip(chart.names, chart.colours, strict=True)),
        "provider not named": 9,
        "others": 0,
    }


@pytest.mark.parametrize(("chart_of", "field"), [(ttft_chart, "ttft"), (speed_chart, "speed")])
def test_medians_are_drawn_for_those_who_served_and_only_where_something_was_measured(
    chart_of: Callable[[str, Series, dict[str, int]], Chart], field: str
) -> None:
    lines = {f"p{at}": [figures(1, **{field: [100.0]}), figures(1)] for at in range(6)}
    chart = chart_of("Median", series(nobody=[figures(9), figures(9)], **lines), {"p1": 4})
    assert chart.names == ("p0", "p1", "p2", "p3", "p4")
    (_, first), (_, second) = chart.rows
    assert first[0].value == pytest.approx(100, rel=0.1)
    assert (second[0].value, second[0].text) == (None, DASH)
    assert chart.kind == "lines"
    assert chart.colours == (0, 4, 0, 0, 0)


def test_where_nothing_happened_there_is_nothing_to_draw() -> None:
    assert share_chart("Share", series(novita=[figures(0)])).is_empty
    assert ttft_chart("TTFT", series(nobody=[figures(3)]), {}).is_empty


def test_a_group_of_several_dimensions_is_named_by_all_of_them() -> None:
    assert name_of(("novita", "fp8")) == "novita · fp8"
    assert name_of((None,)) == "provider not named"
