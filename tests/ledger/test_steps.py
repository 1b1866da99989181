"""Steps and moments: lengths of time as people know them."""

from datetime import UTC, datetime, timedelta

import pytest

from app.ledger.moments import moment
from app.ledger.steps import step_for

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("length", "points", "shortest", "step"),
    [
        (HOUR, 120, timedelta(0), timedelta(minutes=1)),
        (6 * HOUR, 120, timedelta(0), timedelta(minutes=5)),
        (7 * HOUR, 1000, timedelta(0), HOUR),  # receipts one by one are for short ranges
        (DAY, 120, timedelta(0), HOUR),
        (7 * DAY, 120, timedelta(0), 3 * HOUR),
        (90 * DAY, 120, timedelta(0), DAY),
        (90 * DAY, 20, timedelta(0), 7 * DAY),
        (DAY, 120, DAY, DAY),  # the hours are gone
        (10_000 * DAY, 10, timedelta(0), 30 * DAY),  # there is none longer
    ],
)
def test_the_shortest_step_that_gives_few_enough_points(
    length: timedelta, points: int, shortest: timedelta, step: timedelta
) -> None:
    assert step_for(length, points=points, shortest=shortest) == step


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("30m", NOW - timedelta(minutes=30)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-11-01T10:00:00Z", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("2026-11-01T10:00:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_span_ago_or_a_date(text: str, found: datetime) -> None:
    assert moment(text, NOW) == found


def test_a_date_alone_begins_where_this_machine_is() -> None:
    assert moment("2026-11-01") == datetime(2026, 11, 1).astimezone()


@pytest.mark.parametrize("text", ["", "h", "5", "5y", "yesterday", "999999w", "\uff12h"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(
        ValueError, match="is not a time; use a duration such as 30m, 24h or 7d, or a date"
    ):
        moment(text, NOW)
