"""Rollups: counts receipts as they are written, in the same transaction.

Rule 1  Who calls holds the ledger's writing lock: what is read here is still true when it is
        written.
Rule 2  A receipt is counted once, in every span it lies in, under one key.
Rule 3  "The turn before" is the one written before, in the same session, for the same model.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.ledger.histogram import from_bytes, to_bytes
from app.ledger.keys import Key, key_of
from app.ledger.receipt import FIELDS, Receipt
from app.ledger.spans import SPANS, down, hour_of
from app.ledger.tables import KEYS, RECEIPTS, TALLIES, storable
from app.ledger.tally import HISTOGRAMS, SUMS, Flip, Tally, Turn, flip_between, tally_of, total

INSERT: Mapping[str, Callable[..., Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
_PAGE = 5000

Counted = tuple[Receipt, Flip | None]


def record(connection: sa.Connection, receipts: Sequence[Receipt]) -> None:
    """Insert receipts and count them; one that is there already is left alone."""
    fresh = _without_known(connection, receipts)
    if not fresh:
        return
    flips = _flips(connection, fresh)
    counted = [(receipt, flips.get(receipt.id)) for receipt in fresh]
    connection.execute(sa.insert(RECEIPTS), [_row(receipt, flip) for receipt, flip in counted])
    count(connection, counted)


def recount(connection: sa.Connection) -> None:
    """Count every receipt of a ledger that has no tallies yet."""
    last = 0
    while page := connection.execute(_PAGE_AFTER, {"after": last}).all():
        receipts = [Receipt(**{name: getattr(row, name) for name in FIELDS}) for row in page]
        flips = _flips(connection, receipts, before=page[0].seq)
        count(connection, [(receipt, flips.get(receipt.id)) for receipt in receipts])
        marks = [{"marked": name, **_flip_columns(flip)} for name, flip in flips.items()]
        if marks:
            connection.execute(_MARK, marks)
        last = page[-1].seq


def count(connection: sa.Connection, counted: Iterable[Counted]) -> None:
    """Add receipts to the tallies of their hours, days and thirty days."""
    of_hours: dict[tuple[int, Key], list[Tally]] = defaultdict(list)
    for receipt, flip in counted:
        key = _storable_key(key_of(receipt))
        of_hours[hour_of(receipt.started_at), key].append(tally_of(receipt, flip))
    numbers = {key: key.number for _, key in of_hours}
    parts: dict[tuple[int, int], dict[int, list[Tally]]] = defaultdict(lambda: defaultdict(list))
    for (hour, key), tallies in of_hours.items():
        tally = total(tallies)
        for span in SPANS:
            parts[span, down(hour, span)][numbers[key]].append(tally)
    connection.execute(
        INSERT[connection.dialect.name](KEYS).on_conflict_do_nothing(),
        [{"number": number, **_key_row(key)} for key, number in numbers.items()],
    )
    rows = [row for place, by_key in parts.items() for row in _merged(connection, place, by_key)]
    connection.execute(_ADD[connection.dialect.name], rows)


def _merged(
    connection: sa.Connection, place: tuple[int, int], by_key: Mapping[int, Sequence[Tally]]
) -> Iterable[dict[str, Any]]:
    """Rows that add to what is there; histograms are read first, as no database can add them."""
    span, start = place
    known = {
        row.key: row
        for row in connection.execute(
            _SPREADS, {"span": span, "start": start, "keys": list(by_key)}
        )
    }
    for key, tallies in by_key.items():
        named = total(tallies)._asdict()
        for name in HISTOGRAMS:
            there = from_bytes(getattr(known[key], name)) if key in known else 0
            named[name] = to_bytes(there + named[name])
        yield {"span": span, "start": start, "key": key, **named}


def _without_known(connection: sa.Connection, receipts: Sequence[Receipt]) -> list[Receipt]:
    by_id = {receipt.id: receipt for receipt in reversed(receipts)}  # the first of a name stays
    known = set(connection.execute(_KNOWN, {"ids": list(by_id)}).scalars())
    return [one for one in receipts if one.id not in known and by_id[one.id] is one]


def _flips(
    connection: sa.Connection, receipts: Sequence[Receipt], before: int | None = None
) -> dict[str, Flip]:
    """The flips among receipts, by receipt; they are in the order of writing.

    `before`: only turns that were written earlier than this one went before.
    """
    turns = [one for one in receipts if one.session is not None and one.provider is not None]
    if not turns:
        return {}
    sessions = list({one.session for one in turns})
    query = _LAST_TURNS if before is None else _LAST_TURNS_BEFORE
    bound = {} if before is None else {"before": before}
    last = {
        (row.session, row.model_sent): Turn(row.provider, row.prompt_tokens, row.cached_tokens)
        for row in connection.execute(query, {"sessions": sessions, **bound})
    }
    flips: dict[str, Flip] = {}
    for one in turns:
        place = (one.session, storable(one.model_sent))
        turn = Turn(storable(one.provider), one.prompt_tokens, one.cached_tokens)
        previous = last.get(place)
        flip = previous and flip_between(previous, turn, one.cost_usd, one.completion_tokens)
        if flip:
            flips[one.id] = flip
        last[place] = turn
    return flips


def _row(receipt: Receipt, flip: Flip | None) -> dict[str, Any]:
    row = {name: storable(getattr(receipt, name)) for name in FIELDS}
    return {**row, **_flip_columns(flip)}


def _flip_columns(flip: Flip | None) -> dict[str, Any]:
    provider, tokens, picodollars = flip or (None, None, None)
    return {"flip_from": provider, "flip_tokens": tokens, "flip_pico": picodollars}


def _storable_key(key: Key) -> Key:
    parts = {name: storable(part) for name, part in key._asdict().items()}
    return Key(**{**parts, "rules": tuple(parts["rules"])})


def _key_row(key: Key) -> dict[str, Any]:
    return {**key._asdict(), "rules": json.dumps(key.rules)}


def _last_turns(*, bounded: bool) -> Any:
    table = RECEIPTS.c
    newest = (
        sa.select(sa.func.max(table.seq))
        .where(table.session.in_(sa.bindparam("sessions", expanding=True)))
        .where(table.provider.is_not(None))
        .group_by(table.session, table.model_sent)
    )
    if bounded:
        newest = newest.where(table.seq < sa.bindparam("before"))
    return sa.select(
        *(table.session, table.model_sent, table.provider),
        *(table.prompt_tokens, table.cached_tokens),
    ).where(table.seq.in_(newest))


def _adding(insert: Callable[..., Any]) -> Any:
    statement = insert(TALLIES)
    added = {name: TALLIES.c[name] + statement.excluded[name] for name in SUMS}
    replaced = {name: statement.excluded[name] for name in HISTOGRAMS}
    return statement.on_conflict_do_update(
        index_elements=["span", "start", "key"], set_={**added, **replaced}
    )


_ADD = {name: _adding(insert) for name, insert in INSERT.items()}
_SPREADS = sa.select(TALLIES.c.key, *(TALLIES.c[name] for name in HISTOGRAMS)).where(
    TALLIES.c.span == sa.bindparam("span"),
    TALLIES.c.start == sa.bindparam("start"),
    TALLIES.c.key.in_(sa.bindparam("keys", expanding=True)),
)
_KNOWN = sa.select(RECEIPTS.c.id).where(RECEIPTS.c.id.in_(sa.bindparam("ids", expanding=True)))
_LAST_TURNS = _last_turns(bounded=False)
_LAST_TURNS_BEFORE = _last_turns(bounded=True)
_PAGE_AFTER = (
    sa.select(RECEIPTS.c.seq, *(RECEIPTS.c[name] for name in FIELDS))
    .where(RECEIPTS.c.seq > sa.bindparam("after"))
    .order_by(RECEIPTS.c.seq)
    .limit(_PAGE)
)
_MARK = (
    sa.update(RECEIPTS)
    .where(RECEIPTS.c.id == sa.bindparam("marked"))
    .values({name: sa.bindparam(name) for name in ("flip_from", "flip_tokens", "flip_pico")})
)
