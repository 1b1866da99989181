"""Late costs are added to their receipts, and to every sum, in one transaction.

Rule 1  A receipt that has a cost is left alone. So a cost that is noted twice counts once.
Rule 2  A receipt that is not there, because it was deleted or could not be kept, gets none.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from . import rollups, spending
from .late import ADDED, LateCost, with_cost
from .receipt import FIELDS, Receipt
from .rows import receipt_from
from .tables import RECEIPTS


def note(connection: sa.Connection, costs: Sequence[LateCost], writer: int, now: datetime) -> None:
    """Note costs on the receipts that have none; the caller holds the ledger's write lock."""
    late = {each.id: each for each in costs}
    found = map(receipt_from, connection.execute(_WITHOUT_COST, {"ids": list(late)}))
    changed = [(before, with_cost(before, late[before.id])) for before in found]
    if not changed:
        return
    connection.execute(_NOTE, [_noted(after) for _, after in changed])
    rollups.count_more(connection, changed)
    spending.add_more(connection, changed, writer, now)


def _noted(after: Receipt) -> dict[str, Any]:
    return {"noted": after.id, **{f"{name}_": getattr(after, name) for name in _NOTED}}


_NOTED = (*ADDED, "cost_source")
_WITHOUT_COST = sa.select(*(RECEIPTS.c[name] for name in FIELDS)).where(
    RECEIPTS.c.id.in_(sa.bindparam("ids", expanding=True)),
    RECEIPTS.c.cost_usd.is_(None),
    RECEIPTS.c.audit.is_(None),  # an audit counts its money itself
)
_NOTE = (
    sa.update(RECEIPTS)
    .where(RECEIPTS.c.id == sa.bindparam("noted"))
    .values({name: sa.bindparam(f"{name}_", type_=RECEIPTS.c[name].type) for name in _NOTED})
)
