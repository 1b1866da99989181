"""Spending: what requests cost, summed up as receipts are written, in the same transaction.

Rule 1  A row is a quarter of an hour, a rule, a caller, a tool, a session and a writer, which is
        one process. Windows of every time zone begin and end between two quarters.
Rule 2  A row has the total, so that reading it twice changes nothing. Only its writer adds to it,
        so that a process can tell what it has spent itself from what others have.
Rule 3  `changed` is larger with each batch, and becomes visible in that order, because there is
        one writer at a time: a cursor over it misses nothing.
Rule 4  Deleting receipts changes nothing here; rows are kept for two months at least.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain, starmap
from typing import Any

import sqlalchemy as sa

from .bounds import MOST_WHOLE
from .receipt import Receipt
from .spender import (
    KEPT_FOR,
    Amount,
    Question,
    Row,
    Spender,
    Spent,
    SpentBy,
    bucket_of,
    key_of,
    more_spent,
    spent_by,
)
from .statements import INSERT
from .stored_values import milliseconds, storable
from .tables import RECEIPTS, SPENDING, SPENDING_TOLD

EARLIER = 0  # the writer of what was counted when the ledger was upgraded
MOST_SUMS = 100_000  # of one rule, such as sessions: those that spent last
_PAGE = 5000
_BATCH = 500
_PARTS = 1_000_000  # sums are added up in two parts: no sum of large numbers overflows


def add(connection: sa.Connection, receipts: Iterable[Receipt], writer: int, now: datetime) -> None:
    """Add receipts that were just inserted; the caller holds the ledger's write lock."""
    _add(connection, chain.from_iterable(map(spent_by, receipts)), writer, now)


def add_more(
    connection: sa.Connection,
    changed: Iterable[tuple[Receipt, Receipt]],
    writer: int,
    now: datetime,
) -> None:
    """Add what receipts have gained that are added: each as it was, and as it is now."""
    _add(connection, chain.from_iterable(starmap(more_spent, changed)), writer, now)


def _add(
    connection: sa.Connection,
    spent: Iterable[tuple[Spender, Amount]],
    writer: int,
    now: datetime,
) -> None:
    sums: dict[Spender, Amount] = defaultdict(Amount)
    for spender, (requests, pico) in spent:
        known = sums[spender]
        sums[spender] = Amount(known.requests + requests, min(known.pico + pico, MOST_WHOLE))
    if not sums:
        return
    changed = max(_cursor(connection) + 1, milliseconds(now))
    rows: list[dict[str, Any]] = [
        {
            **spender._asdict(),
            **amount._asdict(),
            "number": number_of(spender, writer),
            "writer": writer,
            "changed": changed,
        }
        for spender, amount in sums.items()
    ]
    connection.execute(_adding(connection.dialect.name), rows)


def number_of(spender: Spender, writer: int) -> int:
    """A digest in 63 bits, by which a row is found."""
    text = json.dumps((*spender, writer)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def read(
    connection: sa.Connection,
    questions: Sequence[Question],
    rules: Iterable[str],
    recent: int,
    late: Callable[[], Sequence[str]] = tuple,
) -> Spent:
    """Answer questions about the time before the quarter `recent`, and list the rows since then.

    The connection sees one unchanging state of the ledger. `late` returns the receipts whose costs
    have become known; it is called once that state is fixed, so what it lacks is not in there.
    """
    named = [*map(storable, rules)]
    rows = connection.execute(_RECENT, {"rules": named, "recent": recent})
    seq = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(RECEIPTS.c.seq), 0)))
    settled = _chosen(connection, _SETTLED, late(), {})
    return Spent(
        answers=tuple(_answer(connection, each) for each in questions),
        rows=tuple(map(_row, rows)),
        cursor=_cursor(connection),
        seq=int(seq or 0),
        settled=settled,
    )


def changes(
    connection: sa.Connection, cursor: int, rules: Iterable[str], but: int
) -> tuple[int, list[Row]]:
    """Rows that changed after `cursor`, of every writer `but` one; and the next cursor."""
    asked = {"cursor": cursor, "rules": [*map(storable, rules)], "but": but}
    rows = connection.execute(_CHANGED, asked).all()
    return (rows[-1].changed if rows else cursor), [*map(_row, rows)]


def written(connection: sa.Connection, ids: Sequence[str], seq: int) -> frozenset[str]:
    """Which of these receipts were in the ledger when `seq` was its last one."""
    return _chosen(connection, _WRITTEN, ids, {"seq": seq})


def tell_once(connection: sa.Connection, what: str, now: datetime) -> bool:
    """Note that something is told; False if any process has told it already."""
    digest = hashlib.sha256(what.encode()).hexdigest()
    insert = INSERT[connection.dialect.name](SPENDING_TOLD).on_conflict_do_nothing()
    added = insert.values(digest=digest, at=now).returning(SPENDING_TOLD.c.digest)
    return connection.execute(added).first() is not None


def take_out(connection: sa.Connection, before: datetime) -> bool:
    """Delete a few rows of requests that began before then; return whether there may be more."""
    old = sa.select(SPENDING.c.number).where(SPENDING.c.bucket < bucket_of(before)).limit(_BATCH)
    taken = connection.execute(sa.delete(SPENDING).where(SPENDING.c.number.in_(old)))
    connection.execute(sa.delete(SPENDING_TOLD).where(SPENDING_TOLD.c.at < before))
    return taken.rowcount > 0


def backfill(connection: sa.Connection, now: datetime) -> None:
    """Count the receipts of the last two months in a ledger that has no spending yet, in pages."""
    last, since = 0, now - KEPT_FOR
    while page := connection.execute(_PAGE_AFTER, {"after": last, "since": since}).all():
        receipts = [
            Receipt(**{name: getattr(row, name) for name in _READ}, **_NOT_READ) for row in page
        ]
        add(connection, receipts, EARLIER, now)
        last = page[-1].seq


def _chosen(
    connection: sa.Connection, query: sa.Select[Any], ids: Sequence[str], also: Mapping[str, Any]
) -> frozenset[str]:
    """Those of many ids that a query chooses."""
    found: set[str] = set()
    for first in range(0, len(ids), _BATCH):
        asked = {"ids": ids[first : first + _BATCH], **also}
        found.update(connection.execute(query, asked).scalars())
    return frozenset(found)


def _cursor(connection: sa.Connection) -> int:
    return int(connection.scalar(_LAST_CHANGE) or 0)


def _row(row: Any) -> Row:
    spender = Spender(row.bucket, row.rule, row.caller, row.tool, row.session)
    return Row(row.number, spender, Amount(row.requests, row.pico))


def _answer(connection: sa.Connection, asked: Question) -> tuple[tuple[str | None, Amount], ...]:
    if asked.start >= asked.stop:
        return ()
    table = SPENDING.c
    grouped = _GROUPED[asked.by]
    names = [grouped.get(name, sa.null()).label(f"of_{name}") for name in _NAMES]
    query = sa.select(*names, *_SUMS).where(
        table.rule == storable(asked.rule), table.bucket >= asked.start, table.bucket < asked.stop
    )
    if grouped:
        newest = sa.func.max(table.bucket).desc()
        query = query.group_by(*grouped.values()).order_by(newest).limit(MOST_SUMS)
    else:
        query = query.having(sa.func.count() > 0)
    rows = connection.execute(query).all()
    return tuple(
        (
            key_of(asked.by, row.of_caller, row.of_tool, row.of_session),
            Amount(int(row.requests), int(row.high) * _PARTS + int(row.low)),
        )
        for row in reversed(rows)
    )


def _adding(engine: str) -> Any:
    statement = INSERT[engine](SPENDING)
    most: Any = sa.literal_column(str(MOST_WHOLE))
    new = statement.excluded
    fits = SPENDING.c.pico <= most - new.pico
    return statement.on_conflict_do_update(
        index_elements=["number"],
        set_={
            "requests": SPENDING.c.requests + new.requests,
            "pico": sa.case((fits, SPENDING.c.pico + new.pico), else_=most),
            "changed": new.changed,
        },
    )


_NAMES = ("caller", "tool", "session")
# What sums are grouped by. Requests that name no session count together, of all callers.
_OF_A_SESSION = sa.case((SPENDING.c.session.is_(None), sa.null()), else_=SPENDING.c.caller)
_GROUPED: Mapping[SpentBy, Mapping[str, sa.ColumnElement[Any]]] = {
    "rule": {},
    "caller": {"caller": SPENDING.c.caller},
    "tool": {"tool": SPENDING.c.tool},
    "session": {"caller": _OF_A_SESSION, "session": SPENDING.c.session},
}
_NOT_READ: Mapping[str, Any] = {"id": "", "path": "", "ending": "complete"}
_READ = (
    *("started_at", "rules", "caller", "user_agent", "session"),
    *("cost_usd", "is_byok", "upstream_cost_usd"),
)
_LAST_CHANGE = sa.select(sa.func.max(SPENDING.c.changed))
_SUMS: tuple[Any, ...] = (
    sa.func.sum(SPENDING.c.requests).label("requests"),
    sa.func.sum(SPENDING.c.pico // _PARTS).label("high"),
    sa.func.sum(SPENDING.c.pico % _PARTS).label("low"),
)
_OF_RULES = SPENDING.c.rule.in_(sa.bindparam("rules", expanding=True))
_RECENT = sa.select(SPENDING).where(SPENDING.c.bucket >= sa.bindparam("recent"), _OF_RULES)
_CHANGED = (
    sa.select(SPENDING)
    .where(SPENDING.c.changed > sa.bindparam("cursor"), _OF_RULES)
    .where(SPENDING.c.writer != sa.bindparam("but"))
    .order_by(SPENDING.c.changed)
)
_THESE = RECEIPTS.c.id.in_(sa.bindparam("ids", expanding=True))
_WRITTEN = sa.select(RECEIPTS.c.id).where(_THESE, RECEIPTS.c.seq <= sa.bindparam("seq"))
_SETTLED = sa.select(RECEIPTS.c.id).where(_THESE, RECEIPTS.c.cost_usd.is_not(None))
_PAGE_AFTER = (
    sa.select(RECEIPTS.c.seq, *(RECEIPTS.c[name] for name in _READ))
    .where(RECEIPTS.c.seq > sa.bindparam("after"))
    .where(RECEIPTS.c.started_at >= sa.bindparam("since"))
    .order_by(RECEIPTS.c.seq)
    .limit(_PAGE)
)
