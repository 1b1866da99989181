"""Moments as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from app.ledger.moments import moment

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
    with pytest.raises(ValueError, match=r"is not a time; use e\.g\. 90m, 12h or 7d"):
        moment(text, NOW)
