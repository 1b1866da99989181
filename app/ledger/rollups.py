"""Rollups: counts receipts as they are written, in the same transaction.

Rule 1  The caller holds the ledger's write lock, so that values read here are still current when
        they are written.
Rule 2  A receipt is counted once in each span that contains it, under one key.
Rule 3  "The turn before" is the one written before, in the same session, for the same model.
Rule 4  Receipts of audits are stored, but not counted: figures are about clients' requests.
Rule 5  Clients choose the names of models: beyond so many keys in thirty days, new ones are counted
        together, so that no client can make the ledger's tallies grow without end.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from .bounds import MOST_WHOLE
from .histogram import from_bytes, to_bytes
from .receipt import FIELDS, Receipt, paid_usd
from .rows import row_of
from .spans import BLOCK, SPANS, down, hour_of
from .statements import add_tallies, histograms, insert_keys, insert_receipts, last_turns
from .stored_values import storable
from .tables import RECEIPTS, TALLIES
from .tally import Flip, Key, Tally, Turn, flip_between, gained, key_of, tally_of, total

_PAGE = 5000
MOST_KEYS = 10_000  # in a block of thirty days
_NEVER = 2**63 - 1
_FLIP_COLUMNS = ("flip_from", "flip_tokens", "flip_pico")

Counted = tuple[Receipt, Flip | None]
Count = tuple[int, Key, Tally]  # of an hour
Place = tuple[int, int, int]  # of a tally: span, start, key


def record(
    connection: sa.Connection, receipts: Sequence[Receipt], *, surely_new: bool = False
) -> bool:
    """Insert receipts and count them; return False if one was there already: then roll back.

    That is rare: it happens when a batch was committed but the confirmation got lost.
    """
    if not receipts:
        return True
    counted = _of_clients(receipts)
    flips = _flips(connection, counted)
    rows = [row_of(receipt, connection.dialect) for receipt in receipts]
    if insert_receipts(connection, rows) != len(rows) and not surely_new:
        return False
    _mark(connection, flips)
    count(connection, [(receipt, flips.get(receipt.id)) for receipt in counted])
    return True


def _of_clients(receipts: Sequence[Receipt]) -> Sequence[Receipt]:
    return [receipt for receipt in receipts if receipt.audit is None]


def without_known(connection: sa.Connection, receipts: Sequence[Receipt]) -> list[Receipt]:
    """Return the receipts that are not in the ledger yet; of several with one id, the first."""
    first: dict[str, Receipt] = {}
    for receipt in receipts:
        first.setdefault(receipt.id, receipt)
    known = set(connection.execute(_KNOWN, {"ids": list(first)}).scalars())
    return [receipt for name, receipt in first.items() if name not in known]


def recount(connection: sa.Connection) -> None:
    """Count every receipt of a ledger that has no tallies yet."""
    last = 0
    while page := connection.execute(_PAGE_AFTER, {"after": last}).all():
        receipts = [Receipt(**{name: getattr(row, name) for name in FIELDS}) for row in page]
        flips = _flips(connection, receipts, before=page[0].seq)
        _mark(connection, flips)
        count(connection, [(receipt, flips.get(receipt.id)) for receipt in receipts])
        last = page[-1].seq


def count(connection: sa.Connection, counted: Sequence[Counted]) -> None:
    """Add receipts to the tallies of their hours, days and thirty days."""
    if not counted:  # a batch of audits' receipts alone
        return
    of_hours: dict[tuple[int, Key], list[Tally]] = defaultdict(list)
    for receipt, flip in counted:
        of_hours[hour_of(receipt.started_at), key_of(receipt)].append(tally_of(receipt, flip))
    _add(
        connection,
        [(hour, _storable_key(key), total(tallies)) for (hour, key), tallies in of_hours.items()],
    )


def count_more(connection: sa.Connection, changed: Sequence[tuple[Receipt, Receipt]]) -> None:
    """Add what receipts have gained that are counted: each as it was, and as it is now.

    A flip keeps the price that it was counted with.
    """
    counts = [
        (hour_of(after.started_at), _storable_key(key_of(after)), gained(before, after))
        for before, after in changed
    ]
    _add(connection, counts)


def _add(connection: sa.Connection, counts: list[Count]) -> None:
    parts, known = _placed(connection, counts)
    surplus = _surplus(connection, counts, parts.keys() - known.keys())
    if surplus:
        counts = [
            (hour, key.folded if (down(hour, BLOCK), key) in surplus else key, tally)
            for hour, key, tally in counts
        ]
        parts, known = _placed(connection, counts)
    # A key is stored along with its first tally of each block; keys are never deleted.
    new = {number for span, _, number in parts.keys() - known.keys() if span == BLOCK}
    if new:
        keys = {key.number: key for _, key, _ in counts}
        insert_keys(connection, [_named(number, keys[number]) for number in new])
    add_tallies(connection, [_merged(place, parts[place], known.get(place)) for place in parts])


def _placed(
    connection: sa.Connection, counts: Iterable[Count]
) -> tuple[dict[Place, list[Tally]], dict[Any, Any]]:
    """Return the amounts to add to each tally, and the histograms of existing tallies."""
    parts: dict[Place, list[Tally]] = defaultdict(list)
    for hour, key, tally in counts:
        number = key.number
        for span in SPANS:
            parts[span, down(hour, span), number].append(tally)
    return parts, histograms(connection, list(parts))


def _surplus(
    connection: sa.Connection, counts: Iterable[Count], new: Collection[Place]
) -> set[tuple[int, Key]]:
    """Return the blocks and keys among the `new` ones for which there is no room."""
    wanted: dict[int, list[Key]] = defaultdict(list)
    for hour, key, _ in counts:
        start = down(hour, BLOCK)
        fresh = (BLOCK, start, key.number) in new and key.folded != key
        if fresh and key not in wanted[start]:
            wanted[start].append(key)
    surplus: set[tuple[int, Key]] = set()
    for start, keys in wanted.items():
        if keys:
            taken = connection.scalar(_KEYS_OF_BLOCK, {"start": start}) or 0
            surplus |= {(start, key) for key in keys[max(MOST_KEYS - taken, 0) :]}
    return surplus


def _merged(
    place: Place, tallies: Sequence[Tally], there: Sequence[bytes] | None
) -> tuple[Any, ...]:
    """Return the amounts to add to a tally; histograms are merged, since no database can."""
    *sums, ttft, speed = total(tallies)
    if there:
        ttft, speed = ttft + from_bytes(there[0]), speed + from_bytes(there[1])
    bounded = (min(each, MOST_WHOLE) for each in sums)
    return (*place, *bounded, to_bytes(ttft), to_bytes(speed))


def _named(number: int, key: Key) -> tuple[Any, ...]:
    named = {**key._asdict(), "rules": json.dumps(key.rules)}
    return (number, *named.values())


def _mark(connection: sa.Connection, flips: Mapping[str, Flip]) -> None:
    if flips:
        rows: list[dict[str, Any]] = [
            {"marked": name, **dict(zip(_FLIP_COLUMNS, flip, strict=True))}
            for name, flip in flips.items()
        ]
        connection.execute(_MARK, rows)


def _flips(
    connection: sa.Connection, receipts: Sequence[Receipt], before: int = _NEVER
) -> dict[str, Flip]:
    """Return the flips by receipt; the receipts are in the order of writing.

    `before`: only turns written earlier than this one count as previous turns.
    """
    turns = [
        ((storable(one.session), storable(one.model_sent)), one)
        for one in receipts
        if one.session is not None and one.provider is not None
    ]
    asked = [(*place, before) for place in dict(turns)]
    last = {
        (session, model): Turn(provider, *tokens)
        for session, model, provider, *tokens in last_turns(connection, asked)
    }
    flips: dict[str, Flip] = {}
    for place, one in turns:
        turn = Turn(storable(one.provider), one.prompt_tokens, one.cached_tokens)
        previous = last.get(place)
        flip = previous and flip_between(previous, turn, paid_usd(one), one.completion_tokens)
        if flip:
            flips[one.id] = flip
        last[place] = turn
    return flips


def _storable_key(key: Key) -> Key:
    parts = {name: storable(part) for name, part in key._asdict().items()}
    return Key(**{**parts, "rules": tuple(parts["rules"])})


_KNOWN = sa.select(RECEIPTS.c.id).where(RECEIPTS.c.id.in_(sa.bindparam("ids", expanding=True)))
_PAGE_AFTER = (
    sa.select(RECEIPTS.c.seq, *(RECEIPTS.c[name] for name in FIELDS))
    .where(RECEIPTS.c.seq > sa.bindparam("after"))
    .order_by(RECEIPTS.c.seq)
    .limit(_PAGE)
)
_KEYS_OF_BLOCK = sa.select(sa.func.count()).where(
    TALLIES.c.span == BLOCK, TALLIES.c.start == sa.bindparam("start")
)
_MARK = (
    sa.update(RECEIPTS)
    .where(RECEIPTS.c.id == sa.bindparam("marked"))
    .values({name: sa.bindparam(name) for name in _FLIP_COLUMNS})
)
