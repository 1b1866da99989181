"""Benchmark scores on a ledger that several replicas share: one export for each upstream."""

from typing import NamedTuple

import sqlalchemy as sa

from .statements import INSERT
from .tables import SCORE_EXPORTS


class ScoreExport(NamedTuple):
    """An export as published, and what is said of it (`kept.json`)."""

    sha256: str
    kept: bytes
    body: bytes


def keep(connection: sa.Connection, upstream: str, export: ScoreExport, *, replace: bool) -> None:
    """Keep an export for an upstream; without `replace`, only if there is none yet."""
    row = {"upstream": upstream, **export._asdict()}
    insert = INSERT[connection.dialect.name](SCORE_EXPORTS).values(row)
    changed = {name: insert.excluded[name] for name in ScoreExport._fields}
    connection.execute(
        insert.on_conflict_do_update(index_elements=["upstream"], set_=changed)
        if replace
        else insert.on_conflict_do_nothing()
    )


def kept(connection: sa.Connection, upstream: str) -> bytes | None:
    """What is said of the export in use: some hundred bytes. None: there is no export."""
    of_upstream = SCORE_EXPORTS.c.upstream == upstream
    found: bytes | None = connection.scalar(sa.select(SCORE_EXPORTS.c.kept).where(of_upstream))
    return found


def read(connection: sa.Connection, upstream: str) -> ScoreExport | None:
    """The export in use."""
    row = connection.execute(
        sa.select(*(SCORE_EXPORTS.c[name] for name in ScoreExport._fields)).where(
            SCORE_EXPORTS.c.upstream == upstream
        )
    ).first()
    return None if row is None else ScoreExport(row.sha256, row.kept, row.body)
