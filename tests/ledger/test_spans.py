"""Spans: any range of hours is covered exactly once, by few stretches."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ledger.spans import (
    BLOCK,
    DAY,
    FOREVER,
    HOUR,
    SPANS,
    begin,
    cover,
    down,
    hour_of,
    moment_of,
    outward,
    parts,
    step_for,
    up,
)

HOURS = st.integers(0, 5 * BLOCK)


@settings(max_examples=150)
@given(HOURS, HOURS)
def test_every_hour_is_covered_once_and_by_few_stretches(first: int, last: int) -> None:
    stretches = cover(first, last)
    hours = [hour for each in stretches for hour in range(each.start, each.stop)]
    assert hours == list(range(first, last))
    assert len(stretches) <= 5
    for each in stretches:
        assert each.start % each.span == each.stop % each.span == 0
    short = sum(each.stop - each.start for each in stretches if each.span == HOUR)
    assert short <= 2 * (DAY - 1)


def test_all_of_time_is_one_stretch() -> None:
    assert cover(0, FOREVER) == ((BLOCK, 0, FOREVER),)


def test_spans_nest() -> None:
    assert all(long % short == 0 for long, short in pairwise(SPANS))


@settings(max_examples=150)
@given(st.integers(0, 10**9), st.integers(0, 10**9), st.sampled_from(["open", "closed"]))
def test_parts_make_up_the_whole_to_the_millisecond(one: int, other: int, end: str) -> None:
    since = moment_of(0) + timedelta(milliseconds=min(one, other))
    until = None if end == "open" else moment_of(0) + timedelta(milliseconds=max(one, other))
    first, last, edges = parts(since, until)
    pieces: list[tuple[datetime, datetime]] = list(edges)
    if first < last:
        pieces.append((moment_of(first), moment_of(last)))
    pieces.sort()
    if until is None:
        assert last == FOREVER
    elif pieces:
        assert pieces[-1][1] == until
    if pieces:
        assert pieces[0][0] == since
        assert all(stop == start for (_, stop), (start, _) in pairwise(pieces))
    else:
        assert since == until
    for start, stop in edges:
        assert stop - start < timedelta(hours=1)


def test_hours_go_by_universal_time() -> None:
    moment = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    assert moment_of(hour_of(moment)) == datetime(2026, 11, 21, 9, tzinfo=UTC)


GONE = {BLOCK: 0, DAY: 2 * BLOCK, HOUR: 3 * BLOCK + 5 * DAY}


@pytest.mark.parametrize(
    ("hour", "earlier", "later"),
    [
        (3 * BLOCK + 5 * DAY + 7, 3 * BLOCK + 5 * DAY + 7, 3 * BLOCK + 5 * DAY + 7),
        (3 * BLOCK + 4 * DAY + 7, 3 * BLOCK + 4 * DAY, 3 * BLOCK + 5 * DAY),  # no hours there
        (BLOCK + 7, BLOCK, 2 * BLOCK),  # nor days
    ],
)
def test_an_edge_moves_outward_to_what_is_there(hour: int, earlier: int, later: int) -> None:
    assert outward(hour, GONE, down) == earlier
    assert outward(hour, GONE, up) == later


@pytest.mark.parametrize(
    ("oldest", "hour"),
    [
        ({}, None),
        ({BLOCK: 0, DAY: 48, HOUR: 50}, 50),  # nothing is gone
        ({BLOCK: 0, DAY: 48, HOUR: 720}, 48),  # hours are
        (GONE, 0),  # days too
    ],
)
def test_the_begin_is_told_as_near_as_can_be(oldest: dict[int, int], hour: int | None) -> None:
    assert begin(oldest) == hour


ONE_HOUR, ONE_DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("length", "points", "shortest", "step"),
    [
        (ONE_HOUR, 120, timedelta(0), timedelta(minutes=1)),
        (6 * ONE_HOUR, 120, timedelta(0), timedelta(minutes=5)),
        (7 * ONE_HOUR, 1000, timedelta(0), ONE_HOUR),  # receipts one by one are for short ranges
        (ONE_DAY, 120, timedelta(0), ONE_HOUR),
        (7 * ONE_DAY, 120, timedelta(0), 3 * ONE_HOUR),
        (90 * ONE_DAY, 120, timedelta(0), ONE_DAY),
        (90 * ONE_DAY, 20, timedelta(0), 7 * ONE_DAY),
        (ONE_DAY, 120, ONE_DAY, ONE_DAY),  # the hours are gone
        (10_000 * ONE_DAY, 10, timedelta(0), 30 * ONE_DAY),  # there is none longer
    ],
)
def test_the_shortest_step_that_gives_few_enough_points(
    length: timedelta, points: int, shortest: timedelta, step: timedelta
) -> None:
    assert step_for(length, points=points, shortest=shortest) == step
