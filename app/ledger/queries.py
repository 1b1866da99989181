"""Queries: compute stats and series from tallies, and from receipts for parts of hours.

Rule 1  Whole hours are read from tallies, whose rows do not grow with the number of requests.
Rule 2  A part of an hour is read from the receipts if all of them are still there; otherwise the
        whole hour is counted, and the answer's `since` and `until` show it.
Rule 3  Filters that tallies don't support are answered from the receipts alone; if older receipts
        are gone, the answer's `since` is when the first remaining one began.
Rule 4  The caller holds a transaction, so that an answer describes a single moment.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from .counting import Counted, counted
from .gathering import Gathering
from .histogram import from_bytes
from .narrowing import by_another_name, of_key, of_receipt
from .spans import (
    DAY,
    HOUR,
    SPANS,
    Stretch,
    begin,
    cover,
    down,
    horizon,
    hour_of,
    moment_of,
    outward,
    parts,
    step_for,
    up,
    up_to_hour,
)
from .stats import DETAILS, Dimension, Series, Stats
from .stored_values import milliseconds
from .tables import KEYS, RECEIPTS, TALLIES
from .tally import HISTOGRAMS, SUMS, Key, Tally
from .wanted import ANY, EVERYTHING, Wanted

_HOUR = timedelta(hours=1)
Groupings = Sequence[Sequence[Dimension]]


def stats(
    connection: sa.Connection, groupings: Groupings, wanted: Wanted, *, distributions: bool = True
) -> tuple[Stats, ...]:
    """Return stats of the wanted receipts for each grouping, all from one read."""
    gatherings = tuple(map(Gathering, groupings))
    oldest = _oldest(connection)
    if _asks_receipts(groupings, wanted):
        since, until = _kept_since(connection, wanted.since, oldest), wanted.until
        within = of_receipt(replace(wanted, since=since, until=until))
        details = _has_details(groupings)
        found = counted(connection, _as_one, *within, details=details)
    else:
        since = wanted.since and _start(connection, wanted.since, oldest)
        until = wanted.until and _stop(connection, wanted.until, oldest)
        found = _added_from_tallies(
            connection, gatherings, since, until, wanted, distributions=distributions
        )
    for bucket, key, tally in found:
        for gathering in gatherings:
            gathering.add(bucket, key, tally)
    return tuple(
        Stats(
            since=since,
            until=until,
            by=gathering.by,
            groups=gathering.groups(),
            total=gathering.total(),
        )
        for gathering in gatherings
    )


def _added_from_tallies(
    connection: sa.Connection,
    gatherings: Sequence[Gathering],
    since: datetime | None,
    until: datetime | None,
    wanted: Wanted,
    *,
    distributions: bool,
) -> Iterator[Counted]:
    """Add whole hours; only receipts that tallies don't cover remain to be added."""
    first, last, edges = parts(since, until)
    for stretch in cover(first, last):
        _add_tallies(connection, gatherings, stretch, wanted)
        if distributions:
            _add_spreads(connection, gatherings, stretch, wanted)
    for start, stop in edges:
        edge = of_receipt(replace(wanted, since=start, until=stop))
        yield from counted(connection, _as_one, *edge)
    if first < last:
        yield from _counted_by_another_name(connection, _as_one, first, last, wanted)


def series(
    connection: sa.Connection,
    groupings: Groupings,
    wanted: Wanted,
    *,
    now: datetime,
    points: int,
    distributions: bool,
) -> tuple[Series, ...]:
    """Return the wanted figures over time for each grouping, all from one read.

    `points` bounds the number of buckets; their length is a familiar one, such as an hour.
    """
    gatherings = tuple(map(Gathering, groupings))
    oldest = _oldest(connection)
    first = begin(oldest)
    since = wanted.since or (now - _HOUR if first is None else moment_of(first))
    until = max(wanted.until or now, since + timedelta(minutes=1))
    # A ledger younger than the period asked for has all of it in its hours.
    asked = hour_of(since) if first is None else max(hour_of(since), first)
    step = step_for(until - since, points=points, shortest=_shortest(asked, oldest))
    start = _floor(since, step)
    buckets = range(-(-(until - start) // step))
    zero, length = milliseconds(start), step // timedelta(milliseconds=1)

    def bucket_of(moment: int) -> int:
        return (moment - zero) // length

    if step < _HOUR or _asks_receipts(groupings, wanted):
        within = of_receipt(replace(wanted, since=start, until=start + step * len(buckets)))
        details = _has_details(groupings)
        found = counted(connection, bucket_of, *within, details=details)
    else:
        width = step // _HOUR
        span = next(each for each in SPANS if width % each == 0)
        hour = hour_of(start)
        stretch = Stretch(span, hour, hour + width * len(buckets))
        _add_tallies(connection, gatherings, stretch, wanted, width=width)
        if distributions:
            _add_spreads(connection, gatherings, stretch, wanted, width=width)
        found = _counted_by_another_name(connection, bucket_of, stretch.start, stretch.stop, wanted)
    for bucket, key, tally in found:
        for gathering in gatherings:
            gathering.add(bucket, key, tally)
    return tuple(
        Series(
            bucket=step,
            starts=tuple(start + step * bucket for bucket in buckets),
            by=gathering.by,
            lines=gathering.lines(buckets),
            total=tuple(gathering.total(bucket) for bucket in buckets),
        )
        for gathering in gatherings
    )


def begin_of_newest(connection: sa.Connection, count: int, wanted: Wanted) -> datetime | None:
    """The moment since which `count` receipts began in the wanted time; other filters are ignored.

    None: there are fewer.
    """
    time = of_receipt(Wanted(since=wanted.since, until=wanted.until))
    started_at = RECEIPTS.c.started_at
    query = sa.select(started_at).where(*time).order_by(started_at.desc()).offset(count).limit(1)
    found: datetime | None = connection.scalar(query)
    return found


def _asks_receipts(groupings: Groupings, wanted: Wanted) -> bool:
    """Whether only the receipts can answer."""
    return wanted.asks_more_than_tallies_know or _has_details(groupings)


def _has_details(groupings: Groupings) -> bool:
    return any(name in DETAILS for by in groupings for name in by)


def _as_one(_moment: int) -> int:
    return 0


def _oldest(connection: sa.Connection) -> dict[int, int]:
    """The start of the first tally of each span."""
    found = {span: connection.scalar(_OLDEST, {"span": span}) for span in SPANS}
    return {span: start for span, start in found.items() if start is not None}


def _shortest(first: int, oldest: Mapping[int, int]) -> timedelta:
    """The length of the shortest buckets that have tallies; at least an hour."""
    if first < horizon(DAY, oldest):
        return timedelta(days=30)
    return timedelta(days=1) if first < horizon(HOUR, oldest) else timedelta(0)


def _floor(moment: datetime, step: timedelta) -> datetime:
    epoch = moment_of(0)
    return epoch + (moment.astimezone(UTC) - epoch) // step * step


def _start(connection: sa.Connection, since: datetime, oldest: Mapping[int, int]) -> datetime:
    """The moment where counting can start; at or before the requested one."""
    hour = hour_of(since)
    settled = outward(hour, oldest, down)
    if settled == hour and _is_whole(connection, hour, oldest):
        return since
    return moment_of(settled)


def _stop(connection: sa.Connection, until: datetime, oldest: Mapping[int, int]) -> datetime:
    """The moment where counting can stop; at or after the requested one."""
    hour = up_to_hour(until)
    settled = outward(hour, oldest, up)
    if settled == hour and _is_whole(connection, hour_of(until), oldest):
        return until
    return moment_of(settled)


def _is_whole(connection: sa.Connection, hour: int, oldest: Mapping[int, int]) -> bool:
    """Whether every receipt of an hour is still in the ledger."""
    if hour < horizon(HOUR, oldest):
        return False
    bound = {"since": moment_of(hour), "until": moment_of(hour + 1), "hour": hour}
    receipts, counted = connection.execute(_RECEIPTS_OF_AN_HOUR, bound).one()
    return bool(receipts == (counted or 0))


def _add_tallies(
    connection: sa.Connection,
    gatherings: Sequence[Gathering],
    stretch: Stretch,
    wanted: Wanted,
    *,
    width: int | None = None,
) -> None:
    bucket = sa.literal(0) if width is None else (TALLIES.c.start - stretch.start) // width
    names = dict.fromkeys(name for gathering in gatherings for name in gathering.by)
    dimensions = [KEYS.c[_COLUMNS[name]] for name in names]
    grouped = [*dimensions, KEYS.c.verdict]
    query = (
        _within(stretch, wanted, bucket.label("bucket"), *grouped, *_SUMMED)
        .join(KEYS, KEYS.c.number == TALLIES.c.key)
        .group_by(*(["bucket"] if width else []), *grouped)
    )
    for row in connection.execute(query).mappings():
        halves = ((row[f"{name}_high"], row[f"{name}_low"]) for name in SUMS)
        sums = (int(high) * _HALF + int(low) for high, low in halves)
        key, tally = _key(row), Tally(*sums)
        for gathering in gatherings:
            gathering.add(row["bucket"], key, tally)


def _add_spreads(
    connection: sa.Connection,
    gatherings: Sequence[Gathering],
    stretch: Stretch,
    wanted: Wanted,
    *,
    width: int = 0,
) -> None:
    """Add histograms here, since no database can; one row for each tally."""
    known = connection.execute(sa.select(KEYS).where(*of_key(wanted))).mappings()
    keys = {row["number"]: _key(row) for row in known}
    places = [
        (gathering, {number: gathering.groups_of(key) for number, key in keys.items()})
        for gathering in gatherings
    ]
    bucket = (TALLIES.c.start - stretch.start) // width if width else sa.literal(0)
    spreads = (TALLIES.c[name] for name in HISTOGRAMS)
    query = _within(stretch, wanted, bucket, TALLIES.c.key, *spreads)
    rows: Any = connection.execute(query)
    for at, key, ttft, speed in rows:
        packed = from_bytes(ttft), from_bytes(speed)
        for gathering, groups in places:
            gathering.add_spread(at, groups[key], *packed)


def _within(stretch: Stretch, wanted: Wanted, *columns: Any) -> Any:
    query = sa.select(*columns).where(
        TALLIES.c.span == stretch.span,
        TALLIES.c.start >= stretch.start,
        TALLIES.c.start < stretch.stop,
    )
    narrowed = list(of_key(wanted))
    if not narrowed:
        return query
    return query.where(TALLIES.c.key.in_(sa.select(KEYS.c.number).where(*narrowed)))


def _key(row: Mapping[Any, Any]) -> Key:
    named = {name: row[name] for name in Key._fields if name in row}
    if "rules" in named:
        named["rules"] = tuple(json.loads(named["rules"]))
    return Key(**named)


def _kept_since(
    connection: sa.Connection, since: datetime | None, oldest: Mapping[int, int]
) -> datetime | None:
    """The moment from which all receipts are kept, or the requested one if that is later."""
    first: datetime | None = connection.scalar(_FIRST_RECEIPT)
    if first is None or (since is not None and since >= first):
        return since
    begun = hour_of(first) == begin(oldest) and _is_whole(connection, hour_of(first), oldest)
    return since if begun else first


def _counted_by_another_name(
    connection: sa.Connection,
    bucket_of: Callable[[int], int],
    first: int,
    last: int,
    wanted: Wanted,
) -> Iterator[Counted]:
    """Count receipts of whole hours that match the model by a name that tallies don't have."""
    if wanted.model is not None:
        hours = replace(wanted, since=moment_of(first), until=moment_of(last))
        yield from counted(connection, bucket_of, *by_another_name(hours, wanted.model))


_COLUMNS: Mapping[str, str] = {
    "provider": "provider",
    "quantization": "quantization",
    "model": "model",
    "caller": "caller",
    "rule": "rules",
}
_FIRST_RECEIPT = sa.select(sa.func.min(RECEIPTS.c.started_at)).where(*of_receipt(EVERYTHING))
_OLDEST = sa.select(sa.func.min(TALLIES.c.start)).where(TALLIES.c.span == sa.bindparam("span"))
# In two halves, since SQLite raises an error if a sum exceeds 64 bits.
_HALF = 2**32
_SUMMED = tuple(
    sa.func.sum(half).label(f"{name}_{which}")
    for name in SUMS
    for which, half in (
        ("high", TALLIES.c[name].op("/")(sa.literal_column(str(_HALF)))),
        ("low", TALLIES.c[name] % sa.literal_column(str(_HALF))),
    )
)
_IN_THE_HOUR = sa.and_(
    RECEIPTS.c.started_at >= sa.bindparam("since"), RECEIPTS.c.started_at < sa.bindparam("until")
)
_RECEIPTS_OF_AN_HOUR = sa.select(
    # Two counts, each by an index alone, since rows would have to be read for one of both.
    sa.select(sa.func.count()).select_from(RECEIPTS).where(_IN_THE_HOUR).scalar_subquery()
    - sa.select(sa.func.count())
    .where(_IN_THE_HOUR, *of_receipt(Wanted(audit=ANY)))
    .scalar_subquery(),
    sa.select(sa.func.sum(TALLIES.c.requests))
    .where(TALLIES.c.span == HOUR, TALLIES.c.start == sa.bindparam("hour"))
    .scalar_subquery(),
)
