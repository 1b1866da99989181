"""Stats over time to charts."""

from datetime import timedelta

import pytest

from app.dashboard.address import address_of
from app.dashboard.charts import Chart, Unit, chart_of, length_of, span_with_data
from app.dashboard.names import COLOURS, UNNAMED, lines, provider_name
from app.ledger.stats import Series
from tests.dashboard.stats import HOUR, START, figures, series

DASH = "\N{EN DASH}"
NARROW = "\N{NARROW NO-BREAK SPACE}"
HERE = address_of("/dashboard/who", {"model": "a/b"}, reads=None)


def chart(unit: Unit, of: Series) -> Chart:
    return chart_of("Title", unit, of, lines(of.lines, provider_name), HERE)


def test_a_chart_has_a_row_for_each_bucket_with_every_number_as_it_is_read() -> None:
    found = chart("share", series(novita=[figures(3), figures(0)], groq=[figures(1), figures(0)]))
    assert [name.text for name in found.names] == ["novita", "groq"]
    assert [start for start, _, _ in found.rows] == [
        "2026-11-21T09:00:00.000Z",
        "2026-11-21T10:00:00.000Z",
    ]
    texts = [[cell.text.replace(NARROW, " ") for cell in cells] for _, _, cells in found.rows]
    assert texts == [["75.0 %", "25.0 %"], ["0 %", "0 %"]]
    assert found.kind == "stack"
    assert not found.is_empty
    assert found.axis == "share of requests per hour"


def test_each_number_leads_to_its_receipts() -> None:
    ((_, bucket, (cell,)),) = chart("count", series(novita=[figures(3)])).rows
    for part in ("since=2026-11-21T09:00:00.000Z", "until=2026-11-21T10:00:00.000Z", "model=a/b"):
        assert part in cell.href
        assert part in bucket
    assert "provider=novita" in cell.href


@pytest.mark.parametrize("count", [1, 8, 9, 30])
def test_however_many_there_are_the_shares_of_a_bucket_stay_whole(count: int) -> None:
    found = chart("share", series(**{f"p{at:02}": [figures(count - at)] for at in range(count)}))
    ((_, _, cells),) = found.rows
    assert sum(cell.value or 0 for cell in cells) == pytest.approx(1)
    assert len(found.names) == min(count, 8)
    assert (found.names[-1].text == "others") == (count > 8)


def test_the_costs_of_the_others_are_theirs_together() -> None:
    found = chart("usd", series(**{f"p{at}": [figures(20 - at, cost="0.5")] for at in range(10)}))
    ((_, _, cells),) = found.rows
    assert [cell.value for cell in cells] == [0.5] * 7 + [1.5]
    assert cells[-1].text == "$1.50"
    assert not cells[-1].href


@pytest.mark.parametrize(("unit", "field"), [("ms", "ttft"), ("rate", "speed")])
def test_medians_are_drawn_for_providers_and_only_where_something_was_measured(
    unit: Unit, field: str
) -> None:
    points = {f"p{at}": [figures(1, **{field: [100.0]}), figures(1)] for at in range(6)}
    found = chart(unit, series(nobody=[figures(9), figures(9)], **points))
    assert [name.text for name in found.names] == ["p0", "p1", "p2", "p3", "p4"]
    (_, _, first), (_, _, second) = found.rows
    assert first[0].value == pytest.approx(100, rel=0.1)
    assert (second[0].value, second[0].text) == (None, DASH)
    assert found.kind == "lines"
    assert all(1 <= name.colour <= COLOURS for name in found.names)


def test_where_nothing_happened_there_is_nothing_to_draw() -> None:
    assert chart("share", series(novita=[figures(0)])).is_empty
    found = chart("ms", series(nobody=[figures(3)]))
    assert found.is_empty
    assert UNNAMED not in found.names


def test_the_span_with_data_leaves_out_empty_ends() -> None:
    of = series(novita=[figures(n) for n in (0, 0, 2, 0, 1, 0)])
    assert span_with_data(of) == (START + 2 * HOUR, START + 5 * HOUR)
    assert span_with_data(series(novita=[figures(0)])) is None


def test_a_buckets_length_is_said_in_words() -> None:
    lengths = (timedelta(minutes=1), timedelta(minutes=5), HOUR, 3 * HOUR, timedelta(days=7))
    words = ["minute", "5 minutes", "hour", "3 hours", "7 days"]
    assert [length_of(each) for each in lengths] == words
