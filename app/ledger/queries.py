"""Queries: from tallies, and at the edges from receipts, to stats and series.

Rule 1  Whole hours are read from tallies, whose rows do not grow with the number of requests.
Rule 2  A part of an hour is read from the receipts themselves, if they are all there still; else
        the whole hour is taken, and the answer says so by its own `since` and `until`.
Rule 3  Filters that tallies know nothing of are answered from the receipts alone; where older ones
        are gone, the answer's `since` is when the first one left began.
Rule 4  The caller holds a transaction, so that an answer is of one moment.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.ledger.gathering import Gathering
from app.ledger.histogram import from_bytes
from app.ledger.keys import Key, key_of
from app.ledger.narrowing import by_another_name, of_key, of_receipt
from app.ledger.spans import (
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
from app.ledger.stats import Dimension, Series, Stats
from app.ledger.tables import KEYS, RECEIPTS, TALLIES
from app.ledger.tally import HISTOGRAMS, SUMS, Flip, Tally, tally_of
from app.ledger.wanted import Wanted

_HOUR = timedelta(hours=1)
_AT_ONCE = 2_000  # receipts

Counted = tuple[datetime, Key, Tally]


def stats(connection: sa.Connection, by: Sequence[Dimension], wanted: Wanted) -> Stats:
    """What the wanted receipts add up to, in groups."""
    gathering = Gathering(by)
    oldest = _oldest(connection)
    if wanted.asks_more_than_tallies_know:
        since, until = _kept_since(connection, wanted.since, oldest), wanted.until
        counted = _counted_again(connection, since, until, wanted)
    else:
        since = wanted.since and _start(connection, wanted.since, oldest)
        until = wanted.until and _stop(connection, wanted.until, oldest)
        counted = _added_from_tallies(connection, gathering, since, until, wanted)
    for _, key, tally in counted:
        gathering.add(0, key, tally)
    return Stats(
        since=since,
        until=until,
        by=gathering.by,
        groups=gathering.groups(),
        total=gathering.total(),
    )


def _added_from_tallies(
    connection: sa.Connection,
    gathering: Gathering,
    since: datetime | None,
    until: datetime | None,
    wanted: Wanted,
) -> Iterator[Counted]:
    """Add whole hours; what is left to add are receipts that tallies can't give."""
    first, last, edges = parts(since, until)
    for stretch in cover(first, last):
        _add_tallies(connection, gathering, stretch, wanted)
        _add_spreads(connection, gathering, stretch, wanted)
    for start, stop in edges:
        yield from _counted_again(connection, start, stop, wanted)
    if first < last:
        yield from _counted_by_another_name(connection, first, last, wanted)


def series(
    connection: sa.Connection,
    by: Sequence[Dimension],
    wanted: Wanted,
    *,
    now: datetime,
    points: int,
    distributions: bool,
) -> Series:
    """The wanted figures over time, in at most so many buckets of a length that people know."""
    gathering = Gathering(by)
    oldest = _oldest(connection)
    first = begin(oldest)
    since = wanted.since or (now - _HOUR if first is None else moment_of(first))
    until = max(wanted.until or now, since + timedelta(minutes=1))
    # A ledger younger than the period asked for has all of it in its hours.
    asked = hour_of(since) if first is None else max(hour_of(since), first)
    step = step_for(until - since, points=points, shortest=_shortest(asked, oldest))
    start = _floor(since, step)
    buckets = range(-(-(until - start) // step))
    if step < _HOUR or wanted.asks_more_than_tallies_know:
        counted = _counted_again(connection, start, start + step * len(buckets), wanted)
    else:
        width = step // _HOUR
        span = next(each for each in SPANS if width % each == 0)
        zero = hour_of(start)
        stretch = Stretch(span, zero, zero + width * len(buckets))
        _add_tallies(connection, gathering, stretch, wanted, width=width)
        if distributions:
            _add_spreads(connection, gathering, stretch, wanted, width=width)
        counted = _counted_by_another_name(connection, stretch.start, stretch.stop, wanted)
    for moment, key, tally in counted:
        gathering.add((moment - start) // step, key, tally)
    return Series(
        bucket=step,
        starts=tuple(start + step * bucket for bucket in buckets),
        by=gathering.by,
        lines=gathering.lines(buckets),
        total=tuple(gathering.total(bucket) for bucket in buckets),
    )


def _oldest(connection: sa.Connection) -> dict[int, int]:
    """The start of the first tally of each span."""
    found = {span: connection.scalar(_OLDEST, {"span": span}) for span in SPANS}
    return {span: start for span, start in found.items() if start is not None}


def _shortest(first: int, oldest: Mapping[int, int]) -> timedelta:
    """The shortest buckets that there are tallies for, from an hour on."""
    if first < horizon(DAY, oldest):
        return timedelta(days=30)
    return timedelta(days=1) if first < horizon(HOUR, oldest) else timedelta(0)


def _floor(moment: datetime, step: timedelta) -> datetime:
    epoch = moment_of(0)
    return epoch + (moment.astimezone(UTC) - epoch) // step * step


def _start(connection: sa.Connection, since: datetime, oldest: Mapping[int, int]) -> datetime:
    """The moment from which can be counted; it is at or before the one asked for."""
    hour = hour_of(since)
    settled = outward(hour, oldest, down)
    if settled == hour and _is_whole(connection, hour, oldest):
        return since
    return moment_of(settled)


def _stop(connection: sa.Connection, until: datetime, oldest: Mapping[int, int]) -> datetime:
    """The moment up to which can be counted; it is at or after the one asked for."""
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
    gathering: Gathering,
    stretch: Stretch,
    wanted: Wanted,
    *,
    width: int | None = None,
) -> None:
    bucket = sa.literal(0) if width is None else (TALLIES.c.start - stretch.start) // width
    dimensions = [KEYS.c[_COLUMNS[name]] for name in gathering.by]
    grouped = [*dimensions, KEYS.c.verdict]
    query = (
        _within(stretch, wanted, bucket.label("bucket"), *grouped, *_SUMMED)
        .join(KEYS, KEYS.c.number == TALLIES.c.key)
        .group_by(*(["bucket"] if width else []), *grouped)
    )
    for row in connection.execute(query).mappings():
        halves = ((row[f"{name}_high"], row[f"{name}_low"]) for name in SUMS)
        sums = (int(high) * _HALF + int(low) for high, low in halves)
        gathering.add(row["bucket"], _key(row), Tally(*sums))


def _add_spreads(
    connection: sa.Connection,
    gathering: Gathering,
    stretch: Stretch,
    wanted: Wanted,
    *,
    width: int = 0,
) -> None:
    """Histograms are added here, since no database can; one row for each tally."""
    groups = {
        row["number"]: gathering.groups_of(_key(row))
        for row in connection.execute(sa.select(KEYS).where(*of_key(wanted))).mappings()
    }
    bucket = (TALLIES.c.start - stretch.start) // width if width else sa.literal(0)
    spreads = (TALLIES.c[name] for name in HISTOGRAMS)
    query = _within(stretch, wanted, bucket, TALLIES.c.key, *spreads)
    rows: Any = connection.execute(query)
    for at, key, ttft, speed in rows:
        gathering.add_spread(at, groups[key], from_bytes(ttft), from_bytes(speed))


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
    """The moment from which all receipts are there; the one asked for, where that is later."""
    first: datetime | None = connection.scalar(_FIRST_RECEIPT)
    if first is None or (since is not None and since >= first):
        return since
    begun = hour_of(first) == begin(oldest) and _is_whole(connection, hour_of(first), oldest)
    return since if begun else first


def _counted_again(
    connection: sa.Connection, since: datetime | None, until: datetime | None, wanted: Wanted
) -> Iterator[Counted]:
    """Receipts themselves, each with its key and what it counts for."""
    yield from _counted(connection, *of_receipt(replace(wanted, since=since, until=until)))


def _counted_by_another_name(
    connection: sa.Connection, first: int, last: int, wanted: Wanted
) -> Iterator[Counted]:
    """Receipts of whole hours that fit the model by a name that their tally doesn't have."""
    if wanted.model is not None:
        hours = replace(wanted, since=moment_of(first), until=moment_of(last))
        yield from _counted(connection, *by_another_name(hours, wanted.model))


def _counted(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Iterator[Counted]:
    query = sa.select(*_NEEDED).where(*conditions).execution_options(yield_per=_AT_ONCE)
    for row in connection.execute(query):
        receipt: Any = row  # it has all that is asked of a receipt
        lost = Flip(row.flip_from, row.flip_tokens, row.flip_pico)
        flip = None if row.flip_from is None else lost
        yield row.started_at, key_of(receipt), tally_of(receipt, flip)


_COLUMNS: Mapping[Dimension, str] = {
    "provider": "provider",
    "quantization": "quantization",
    "model": "model",
    "caller": "caller",
    "rule": "rules",
}
_FIRST_RECEIPT = sa.select(sa.func.min(RECEIPTS.c.started_at))
_OLDEST = sa.select(sa.func.min(TALLIES.c.start)).where(TALLIES.c.span == sa.bindparam("span"))
# In two halves, since SQLite raises an error where a sum outgrows 64 bits.
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
    sa.select(sa.func.count()).select_from(RECEIPTS).where(_IN_THE_HOUR).scalar_subquery(),
    sa.select(sa.func.sum(TALLIES.c.requests))
    .where(TALLIES.c.span == HOUR, TALLIES.c.start == sa.bindparam("hour"))
    .scalar_subquery(),
)
_NEEDED = tuple(
    RECEIPTS.c[name]
    for name in (
        *("started_at", "provider", "quantizations_listed", "model_sent", "model_asked"),
        *("caller", "rules", "verdict", "ending", "prompt_tokens", "cached_tokens"),
        *("completion_tokens", "cost_usd", "ttft_ms", "tokens_per_second"),
        *("flip_from", "flip_tokens", "flip_pico"),
    )
)
