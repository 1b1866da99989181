"""Windows: fixed hours, days, weeks and months in any time zone, without gaps or overlaps."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.budget.windows import SESSION, Calendar
from app.ledger.spender import bucket_of, start_of
from app.policy.budgets import PERS, Per

HOUR = timedelta(hours=1)
# Some put their clocks forward or back at midnight, or by half an hour, or are not a whole number
# of hours from UTC.
ZONES = [
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati"),
    *("America/Havana", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu"),
    "Asia/Tehran",
]
CALENDARS: tuple[Per, ...] = PERS[:-1]
moments = st.integers(946_684_800, 2_145_916_800).map(lambda at: datetime.fromtimestamp(at, UTC))


def window(per: Per, zone: str, at: datetime) -> tuple[str, str]:
    """A window's ends as the clocks there show them, for a time that they show."""
    calendar = Calendar(ZoneInfo(zone))
    found = calendar.window(per, at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))
    return calendar.shown(found.start), calendar.shown(found.end)


@given(moments, st.sampled_from(ZONES), st.sampled_from(CALENDARS))
def test_every_moment_is_in_one_window_and_the_next_begins_where_it_ends(
    moment: datetime, zone: str, per: Per
) -> None:
    here = Calendar(ZoneInfo(zone)).window(per, moment)
    assert here.start <= moment < here.end
    assert Calendar(ZoneInfo(zone)).window(per, here.start) == here
    assert Calendar(ZoneInfo(zone)).window(per, here.end - timedelta(microseconds=1)) == here
    assert Calendar(ZoneInfo(zone)).window(per, here.end).start == here.end


@given(moments, st.sampled_from(ZONES), st.sampled_from(CALENDARS))
def test_a_window_is_made_of_whole_quarters_of_an_hour(
    moment: datetime, zone: str, per: Per
) -> None:
    found = Calendar(ZoneInfo(zone)).window(per, moment)
    assert start_of(found.first) == found.start
    assert start_of(bucket_of(found.end)) == found.end
    quarter = start_of(bucket_of(moment))
    assert Calendar(ZoneInfo(zone)).window(per, quarter) == found


@given(st.lists(moments, min_size=1, max_size=6), st.sampled_from(ZONES))
def test_a_clock_that_jumps_finds_the_window_of_each_moment(
    jumps: list[datetime], zone: str
) -> None:
    calendar = Calendar(ZoneInfo(zone))
    for moment in jumps:
        for per in CALENDARS:
            assert calendar.window(per, moment) == Calendar(ZoneInfo(zone)).window(per, moment)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", (2026, 3, 29), 23),
        ("Europe/Berlin", (2026, 10, 25), 25),
        ("America/Havana", (2026, 3, 8), 23),  # the hour after midnight is left out
        ("America/Havana", (2026, 11, 1), 25),  # it comes twice
        ("America/Santiago", (2026, 9, 6), 23),  # midnight is left out
        ("Australia/Lord_Howe", (2026, 4, 5), 24.5),
        ("Asia/Kathmandu", (2026, 4, 5), 24),
    ],
)
def test_a_day_has_23_to_25_hours_where_clocks_are_changed(
    zone: str, day: tuple[int, int, int], hours: float
) -> None:
    noon = datetime(*day, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    found = Calendar(ZoneInfo(zone)).window("day", noon)
    assert found.end - found.start == hours * HOUR


def test_an_hour_that_comes_twice_is_two_windows() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    twice = [datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=fold) for fold in (0, 1)]
    first, second = (Calendar(berlin).window("hour", each.astimezone(UTC)) for each in twice)
    assert first.end == second.start
    assert first.end - first.start == second.end - second.start == HOUR


@pytest.mark.parametrize(
    ("per", "zone", "at", "start", "end"),
    [
        ("week", "Europe/Berlin", "2026-11-29T23:00", "2026-11-23T00:00:00+01:00",
         "2026-11-30T00:00:00+01:00"),
        ("month", "Europe/Berlin", "2026-12-31T23:00", "2026-12-01T00:00:00+01:00",
         "2027-01-01T00:00:00+01:00"),
        ("month", "UTC", "2028-02-29T00:00", "2028-02-01T00:00:00+00:00",
         "2028-03-01T00:00:00+00:00"),
        ("hour", "Asia/Kathmandu", "2026-02-01T05:59", "2026-02-01T05:00:00+05:45",
         "2026-02-01T06:00:00+05:45"),
    ],
)  # fmt: skip
def test_weeks_begin_on_monday_and_months_on_the_first(
    per: Per, zone: str, at: str, start: str, end: str
) -> None:
    assert window(per, zone, datetime.fromisoformat(at)) == (start, end)


def test_a_session_lasts_as_long_as_it_lasts() -> None:
    assert Calendar(UTC).window("session", datetime.now(UTC)) is SESSION
