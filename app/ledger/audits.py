"""Audits: what each asked and found, and its answers as hashes. No prompt and no answer is kept.

Rule 1  The caller holds the ledger's write lock, or a transaction that reads a single moment.
Rule 2  What is written again replaces what was there: an audit that goes on keeps its id, and an
        answer its place.
Rule 3  Answers are deleted sooner than findings, but never those of the newest audit of a model
        that has ended: `--since` compares with them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from .receipt import new_receipt_id
from .statements import INSERT
from .stored_values import storable
from .tables import AUDIT_ANSWERS, AUDIT_VERDICTS, AUDITS

State = Literal["running", "finished", "stopped"]
VerdictOfAudit = Literal["same", "different", "undecided"]

ANSWERS_DAYS, FINDINGS_DAYS = 90, 800  # in a ledger with limits
REFERENCE = "reference"
_ANSWER = 200  # bytes that a row of answers takes besides its hashes
_BATCH = 10

_A, _V, _W = AUDITS.c, AUDIT_VERDICTS.c, AUDIT_ANSWERS.c


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """One audit: its plan, and its result once it has one; both in JSON types."""

    id: str
    model: str  # as listed
    started_at: datetime
    ended_at: datetime | None = None
    state: State = "running"
    plan: Mapping[str, Any]
    result: Mapping[str, Any] | None = None


class EndpointVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found of one endpoint."""

    audit: str
    model: str  # as listed
    tag: str
    at: datetime
    against: str = REFERENCE  # the reference endpoint, or the id of an audit: its own answers then
    verdict: VerdictOfAudit
    found: Mapping[str, Any]  # in JSON types: the label, the reference, the statistics


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to one prompt; if it is `dropped`, it counts for nothing, but it was paid for."""

    audit: str
    tag: str
    prompt: int  # its number in the pool
    round: int  # which time the prompt was asked, from 0
    hashes: bytes = b""  # of each beginning of the answer, by a secret of the installation
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: Decimal | None = None
    dropped: str | None = None  # why
    receipt: str | None = None


def new_audit_id(now: float, random: Random) -> str:
    """Return a new id; later ids sort after earlier ones. `now` in seconds since the epoch."""
    return "aud_" + new_receipt_id(now, random).removeprefix("rcp_")


def keep(connection: sa.Connection, audit: Audit, verdicts: Sequence[EndpointVerdict] = ()) -> None:
    """Write an audit and what it found, or write them again."""
    row = {name: _storable(getattr(audit, name)) for name in Audit.__struct_fields__}
    insert = INSERT[connection.dialect.name](AUDITS).values({**row, "size": 0})
    changed = {name: insert.excluded[name] for name in row if name != "id"}
    connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=changed))
    if verdicts:
        connection.execute(sa.delete(AUDIT_VERDICTS).where(_V.audit == audit.id))
        connection.execute(sa.insert(AUDIT_VERDICTS), [_row(each) for each in verdicts])


def keep_answers(connection: sa.Connection, answers: Sequence[Answer]) -> None:
    """Write answers; one that is there already is replaced."""
    insert = INSERT[connection.dialect.name](AUDIT_ANSWERS)
    key = ["audit", "tag", "prompt", "round"]
    names = (name for name in Answer.__struct_fields__ if name not in key)
    changed = {name: insert.excluded[name] for name in names}
    statement = insert.on_conflict_do_update(index_elements=key, set_=changed)
    connection.execute(statement, [_row(each) for each in answers])
    taken = sa.select(sa.func.sum(sa.func.length(_W.hashes) + _ANSWER)).where(_W.audit == _A.id)
    named = _A.id.in_({each.audit for each in answers})
    connection.execute(sa.update(AUDITS).where(named).values(size=taken.scalar_subquery()))


def audit(connection: sa.Connection, name: str) -> Audit | None:
    """The audit of this id."""
    row = connection.execute(sa.select(*_AUDIT).where(_A.id == storable(name))).first()
    return None if row is None else Audit(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def audits(connection: sa.Connection, model: str | None, limit: int) -> list[Audit]:
    """The newest audits, newest first; of one model, or of all."""
    query = sa.select(*_AUDIT).order_by(_A.started_at.desc(), _A.id.desc()).limit(limit)
    rows = connection.execute(query if model is None else query.where(_A.model == storable(model)))
    return [Audit(**row._mapping) for row in rows]  # noqa: SLF001


def verdicts(
    connection: sa.Connection, model: str | None, against: str = REFERENCE
) -> list[EndpointVerdict]:
    """The newest verdict on each endpoint, by model and tag."""
    wanted = [_V.against == against, *([] if model is None else [_V.model == storable(model)])]
    latest = sa.func.row_number().over(
        partition_by=(_V.model, _V.tag), order_by=(_V.at.desc(), _V.audit.desc())
    )
    ranked = sa.select(*_VERDICT, latest.label("rank")).where(*wanted).subquery()
    query = sa.select(*(ranked.c[each.name] for each in _VERDICT)).where(ranked.c.rank == 1)
    rows = connection.execute(query.order_by(ranked.c.model, ranked.c.tag))
    return [EndpointVerdict(**row._mapping) for row in rows]  # noqa: SLF001


def history(connection: sa.Connection, model: str, tag: str, limit: int) -> list[EndpointVerdict]:
    """The verdicts on one endpoint, newest first."""
    query = sa.select(*_VERDICT).where(_V.model == storable(model), _V.tag == storable(tag))
    rows = connection.execute(query.order_by(_V.at.desc(), _V.audit.desc()).limit(limit))
    return [EndpointVerdict(**row._mapping) for row in rows]  # noqa: SLF001


def answers(connection: sa.Connection, name: str) -> list[Answer]:
    """The answers of an audit, dropped ones included, by endpoint, prompt and round."""
    query = sa.select(*_ANSWERS).where(_W.audit == storable(name))
    rows = connection.execute(query.order_by(_W.tag, _W.prompt, _W.round))
    return [Answer(**row._mapping) for row in rows]  # noqa: SLF001


def taken(connection: sa.Connection) -> int:
    """About how many bytes of the database the answers of audits take."""
    return int(connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(_A.size), 0))) or 0)


def take_out(connection: sa.Connection, *, age: timedelta | None, now: datetime) -> bool:
    """Delete one batch of what is not to be kept; return whether there may be more.

    `age` is how long receipts are kept, if that is limited.
    """
    answers_before, findings_before = (
        now - max(age or timedelta(0), timedelta(days=days))
        for days in (ANSWERS_DAYS, FINDINGS_DAYS)
    )
    old = sa.select(_A.id).where(_A.started_at < findings_before)
    gone = connection.scalars(old.order_by(_A.started_at).limit(_BATCH)).all()
    if gone:
        for table, column in ((AUDIT_VERDICTS, _V.audit), (AUDIT_ANSWERS, _W.audit)):
            connection.execute(sa.delete(table).where(column.in_(gone)))
        connection.execute(sa.delete(AUDITS).where(_A.id.in_(gone)))
        return True
    newest = AUDITS.alias("newest")
    compared = (
        sa.select(newest.c.id)
        .where(newest.c.model == _A.model, newest.c.state != "running")
        .order_by(newest.c.started_at.desc())
        .limit(1)
        .correlate(AUDITS)
        .scalar_subquery()
    )
    stale = sa.select(_A.id).where(_A.started_at < answers_before, _A.size > 0)
    spared = sa.func.coalesce(_A.id != compared, sa.true())
    emptied = connection.scalars(stale.where(spared).order_by(_A.started_at).limit(_BATCH)).all()
    if emptied:
        connection.execute(sa.delete(AUDIT_ANSWERS).where(_W.audit.in_(emptied)))
        connection.execute(sa.update(AUDITS).where(_A.id.in_(emptied)).values(size=0))
    return bool(emptied)


def _row(struct: Any) -> dict[str, Any]:
    return {name: _storable(getattr(struct, name)) for name in struct.__struct_fields__}


def _storable(value: Any) -> Any:
    return value if isinstance(value, bytes) else storable(value)


_AUDIT = tuple(_A[name] for name in Audit.__struct_fields__)
_VERDICT = tuple(_V[name] for name in EndpointVerdict.__struct_fields__)
_ANSWERS = tuple(_W[name] for name in Answer.__struct_fields__)
