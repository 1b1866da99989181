"""What the ledger has at the end of a run."""

from contextlib import closing
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from app.ledger.receipt import Receipt, paid_usd
from app.ledger.store import Store
from app.ledger.tables import SPENDING
from app.ledger.tally import PICO
from bench.chaos.notes import Ledger, Row
from bench.chaos.parts import RULE

_PAGE = 1000


def read(url: str) -> Ledger:
    """Read all of it. Raises `LedgerError`."""
    with closing(Store.open(url)) as store:
        rows: list[Row] = []
        cursor = 0
        while True:
            cursor, page = store.written_after(cursor, limit=_PAGE)
            if not page:
                break
            rows += map(_row, page)
        query = sa.select(SPENDING.c.caller, sa.func.sum(SPENDING.c.pico))
        with closing(store.connection()) as connection:
            sums = connection.execute(
                query.where(SPENDING.c.rule == RULE).group_by(SPENDING.c.caller)
            ).all()
        counted = store.stats().total.requests
    return Ledger(
        rows=tuple(rows),
        counted=counted,
        spent={str(caller): Decimal(int(pico)) / PICO for caller, pico in sums},
    )


def _row(receipt: Receipt) -> Row:
    ended = receipt.started_at + timedelta(milliseconds=receipt.duration_ms or 0)
    return Row(
        id=receipt.id,
        started=receipt.started_at.timestamp(),
        ended=ended.timestamp(),
        status=receipt.status,
        ending=receipt.ending,
        caller=receipt.caller,
        generation=receipt.generation_id,
        paid=paid_usd(receipt) or Decimal(0),
    )
