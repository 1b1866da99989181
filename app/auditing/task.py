"""What an audit does: kept in the ledger when it begins, so that a stopped one can go on."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from ..audit.answers import TOKENS
from ..audit.plan import Plan
from ..audit.prompts import DIGEST
from ..audit.results import Drawn
from ..errors import SettingsError
from ..ledger.audits import Audit


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, the prompts that are drawn for it, and how its answers are hashed.

    `mark`: the name of the key of the hashes. `spread`: seconds from the begin of the first pass to
    that of the second. `since`: the audit whose answers are compared with; None: the reference's.
    `asked`: the model as the user named it; empty: not kept. `outside_policy`: the tags that the
    user named although the policy shuts them out. `spent_before`: USD, by earlier runs of it.
    """

    plan: Plan
    drawn: Drawn
    mark: str
    spread: float = 0.0
    since: str | None = None
    asked: str = ""
    outside_policy: tuple[str, ...] = ()
    spent_before: Decimal = Decimal(0)


def task_of(
    plan: Plan,
    *,
    seed: int,
    mark: str,
    spread: float = 0.0,
    since: str | None = None,
    asked: str = "",
    outside_policy: Iterable[str] = (),
) -> Task:
    """The task of a plan, with prompts drawn from today's pool."""
    return Task(
        plan=plan,
        drawn=Drawn(
            pool=DIGEST, seed=seed, prompts=plan.prompts, answers=plan.answers, tokens=TOKENS
        ),
        mark=mark,
        spread=spread,
        since=since,
        asked=asked,
        outside_policy=tuple(sorted(outside_policy)),
    )


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
