"""What an audit does: kept in the ledger when it begins, so that a stopped one can go on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from app.audit.answers import TOKENS
from app.audit.plan import Plan
from app.audit.prompts import DIGEST
from app.audit.results import Drawn
from app.errors import SettingsError
from app.ledger.audits import Audit


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, the prompts that are drawn for it, and how its answers are hashed.

    `mark`: the name of the key of the hashes. `spread`: seconds from the begin of the first pass to
    that of the second. `since`: the audit whose answers are compared with; None: the reference's.
    """

    plan: Plan
    drawn: Drawn
    mark: str
    spread: float = 0.0
    since: str | None = None


def task_of(plan: Plan, *, seed: int, mark: str, spread: float, since: str | None) -> Task:
    """The task of a plan, with prompts drawn from today's pool."""
    drawn = Drawn(pool=DIGEST, seed=seed, prompts=plan.prompts, answers=plan.answers, tokens=TOKENS)
    return Task(plan=plan, drawn=drawn, mark=mark, spread=spread, since=since)


def as_kept(task: Task) -> Mapping[str, Any]:
    """A task in JSON types."""
    kept: Mapping[str, Any] = msgspec.to_builtins(task)
    return kept


def begun(name: str, task: Task, started_at: datetime) -> Audit:
    """The audit that does a task, as the ledger keeps it at first."""
    return Audit(id=name, model=task.plan.model, started_at=started_at, plan=as_kept(task))


def read_task(audit: Audit) -> Task:
    """The task of an audit that was kept. Raises `SettingsError` if it can't be read."""
    try:
        return msgspec.convert(audit.plan, Task, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"the audit {audit.id} can't be read: {error}; start another one"
        ) from None
