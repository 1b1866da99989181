"""Spans: tallies are kept by the hour, by the day and by thirty days. PURE.

Rule 1  A span begins at a multiple of its length, counted in hours from 1970 in UTC; so thirty
        days are made of whole days, and days of whole hours.
Rule 2  Any range of hours is covered by at most five stretches, long spans inside and short ones
        at the edges: an answer over ten years reads few more rows than one over two months.
Rule 3  Short spans are deleted first, in whole longer spans. Where they are deleted, the edges of
        a range move outward to the nearest tally that still exists.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

HOUR, DAY, BLOCK = 1, 24, 720
SPANS = (BLOCK, DAY, HOUR)
FOREVER = BLOCK * 10_000  # the year 2791
_MS = 3_600_000


class Stretch(NamedTuple):
    """Tallies of one span that begin at `start` or later and before `stop`, in hours since 1970."""

    span: int
    start: int
    stop: int


def hour_of(moment: datetime) -> int:
    """The hour that contains a moment."""
    return round(moment.timestamp() * 1000) // _MS


def moment_of(hour: int) -> datetime:
    """The moment at which an hour begins."""
    return datetime.fromtimestamp(0, UTC) + timedelta(hours=hour)


def up_to_hour(moment: datetime) -> int:
    """The first hour that begins at a moment or after it."""
    return -(-round(moment.timestamp() * 1000) // _MS)


def down(hour: int, span: int) -> int:
    """The last start of a span at or before an hour."""
    return hour // span * span


def up(hour: int, span: int) -> int:
    """The first start of a span at or after an hour."""
    return -(-hour // span) * span


def cover(first: int, last: int, spans: tuple[int, ...] = SPANS) -> tuple[Stretch, ...]:
    """The fewest stretches that make up the hours from `first` up to `last`."""
    if first >= last:
        return ()
    span, *shorter = spans
    start, stop = up(first, span), down(last, span)
    if start >= stop:
        return cover(first, last, tuple(shorter))
    return (
        *cover(first, start, tuple(shorter)),
        Stretch(span, start, stop),
        *cover(stop, last, tuple(shorter)),
    )


def outward(hour: int, oldest: Mapping[int, int], to: Callable[[int, int], int]) -> int:
    """An hour moved `down` or `up` to where tallies exist; `oldest` has each span's first tally."""
    for span, longer in ((HOUR, DAY), (DAY, BLOCK)):
        if hour < horizon(span, oldest):
            hour = to(hour, longer)
    return hour


def horizon(span: int, oldest: Mapping[int, int]) -> int:
    """The hour before which tallies of a span may be deleted, in whole longer spans."""
    return down(oldest.get(span, FOREVER), DAY if span == HOUR else BLOCK)


def begin(oldest: Mapping[int, int]) -> int | None:
    """The hour in which the first receipt was counted, as exactly as tallies show it."""
    if not oldest:
        return None
    first = oldest[BLOCK]
    for span, longer in ((DAY, BLOCK), (HOUR, DAY)):
        if down(oldest.get(span, FOREVER), longer) == down(first, longer):
            first = oldest[span]
    return first


class Parts(NamedTuple):
    """Whole hours from `first` up to `last`, and the parts of hours next to them."""

    first: int
    last: int
    edges: tuple[tuple[datetime, datetime], ...]


def parts(since: datetime | None, until: datetime | None) -> Parts:
    """Split a period into whole hours and parts of hours."""
    first = 0 if since is None else up_to_hour(since)
    last = FOREVER if until is None else hour_of(until)
    if since is not None and until is not None and first > last:
        return Parts(first, first, ((since, until),))
    edges = []
    if since is not None and since < moment_of(first):
        edges.append((since, moment_of(first)))
    if until is not None and moment_of(last) < until:
        edges.append((moment_of(last), until))
    return Parts(first, last, tuple(edges))


# --- how long the buckets of a series last ----------------------------------------------------

# Below an hour, receipts are read one by one, so this is for short ranges only.
_BELOW_AN_HOUR = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15))
_FROM_AN_HOUR = tuple(timedelta(hours=hours) for hours in (1, 3, 6, 12, 24, 7 * 24, 30 * 24))
_LONGEST_BY_RECEIPTS = timedelta(hours=6)


def step_for(length: timedelta, *, points: int, shortest: timedelta) -> timedelta:
    """The shortest step that divides a length into at most `points` steps, if there is one."""
    below = _BELOW_AN_HOUR if length <= _LONGEST_BY_RECEIPTS else ()
    fitting = [
        step for step in (*below, *_FROM_AN_HOUR) if step >= shortest and length <= step * points
    ]
    return fitting[0] if fitting else _FROM_AN_HOUR[-1]
