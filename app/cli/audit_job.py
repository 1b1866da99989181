"""What `pointsman audit` is to do: a new audit, or the rest of one that was stopped."""

import random
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from ..audit.plan import MOST_PROMPT_TOKENS, repriced
from ..audit.since import unlike
from ..audit.words import refusals, rest
from ..auditing.runner import MOST_UNKNOWN
from ..auditing.task import Task, begun, read_task, task_of
from ..errors import SettingsError
from ..ledger.audits import Answer, Audit, new_audit_id
from ..ledger.wanted import Wanted
from ..settings import Settings
from ..shown import one_line
from ..wording import listed
from .audit_file import Saved, earlier
from .audit_lock import alone, is_run_elsewhere
from .audit_plan import Options, planned, shut_out_now, subject_of
from .audit_table import print_line, print_plan
from .terminal import Console
from .words import command

if TYPE_CHECKING:
    from ..ledger.store import Store

_LISTED = 50
_LARGEST_SEED = 2**31
_OFFERED = 7 * 86_400.0  # seconds for which a plain run offers to go on with a stopped audit


@dataclass(frozen=True, slots=True)
class Job:
    """One run of an audit: the first, or a later one that goes on.

    `dearest`: the most that each endpoint has charged for an answer in earlier runs, by tag.
    """

    audit: Audit
    task: Task
    known: tuple[Answer, ...] = ()
    spent: Decimal = Decimal(0)
    before: Saved | None = None
    dearest: Mapping[str, Decimal] = field(default_factory=dict)


def job_of(settings: Settings, store: "Store", options: Options, mark: str, held: ExitStack) -> Job:
    """What is to be done, once the user has agreed to it; `held` keeps it from other processes.

    Raises `SettingsError` if it can't be done.
    """
    told = Console(stderr=options.as_json)
    if options.resume:
        found = _unfinished(store, options.model)
        held.enter_context(alone(settings.state, found.id))
        job = _resumed(settings, store, options, found.id, mark)
        print_line(told, rest(job.task.plan, _answered(job), job.spent))
        must_agree(options)
        return job
    before = None
    if options.since is not None:
        before = earlier(store, options.since, options.model)
        stored = before.task.drawn
        options = replace(options, prompts=stored.prompts, deep=stored.answers > 2)  # noqa: PLR2004
    plan = planned(settings, options)
    started_at = datetime.now(UTC)
    chance = random.SystemRandom()
    task = task_of(
        plan,
        seed=before.task.drawn.seed if before else chance.randrange(_LARGEST_SEED),
        mark=mark,
        spread=options.spread.total_seconds(),
        since=before.audit if before else None,
        asked=options.model or plan.model,
        outside_policy=options.outside_policy,
    )
    if before is not None:
        task = _comparable(before, task, mark)
    going_on = _offered(settings, store, task.plan.model, options)
    if going_on is not None:
        held.enter_context(alone(settings.state, going_on.id))
        return _resumed(settings, store, options, going_on.id, mark)
    print_plan(told, task.plan, options.max_usd)
    must_agree(options)
    name = new_audit_id(started_at.timestamp(), chance)
    held.enter_context(alone(settings.state, name))
    return Job(begun(name, task, started_at), task, before=before)


def _comparable(before: Saved, task: Task, mark: str) -> Task:
    """The task for the endpoints whose answers are stored. Raises `SettingsError` if none is."""
    differ = unlike(before.task.drawn, task.drawn, (before.task.mark, mark))
    if differ is not None:
        raise SettingsError(
            f"the answers of {before.audit} can't be compared with: the {differ} differ. Run "
            f"{command()} audit {task.plan.model} to store new ones"
        )
    stored = {each.tag for each in before.answers if each.dropped is None}
    endpoints = tuple(each for each in task.plan.endpoints if each.tag in stored)
    if before.task.plan.model != task.plan.model or not endpoints:
        raise SettingsError(
            f"{before.audit} has no answers of these endpoints of {task.plan.model}; it is an "
            f"audit of {before.task.plan.model} with {listed(sorted(stored))}"
        )
    plan = replace(task.plan, endpoints=endpoints)
    return msgspec.structs.replace(task, plan=plan)


def _unfinished(store: "Store", named: str | None) -> Audit:
    """The audit to go on with: by its id, or the newest that is not finished, of a model or any."""
    if named is not None and named.startswith("aud_"):
        return _named(store, named)
    for each in store.audits(named, limit=_LISTED):
        if each.state != "finished":
            return each
    of = f" of {named}" if named else ""
    raise SettingsError(f"there is no audit{of} to go on with: none was stopped before its end")


def _named(store: "Store", name: str) -> Audit:
    """An audit that is not finished. Raises `SettingsError` if there is none of this id."""
    found = store.audit(name)
    if found is None:
        raise SettingsError(f"the ledger has no audit {name}; --list shows those that it has")
    if found.state == "finished":
        raise SettingsError(f"the audit {name} is finished; start another one")
    return found


def _offered(settings: Settings, store: "Store", model: str, options: Options) -> Audit | None:
    """The stopped audit that the user prefers to go on with, if there is a recent one."""
    newest = next(iter(store.audits(model, limit=1)), None)
    if newest is None or newest.state == "finished" or options.since is not None:
        return None
    if time.time() - newest.started_at.timestamp() > _OFFERED:
        return None
    if is_run_elsewhere(settings.state, newest.id):
        Console(stderr=True).print(f"The audit {newest.id} of {model} is still running elsewhere.")
        return None
    number = len(store.answers(newest.id))
    what = f"The audit {newest.id} of {model} was stopped after {number:,} answers."
    if options.yes or not is_asked():
        way = f"{command()} audit {newest.id} --resume"
        Console(stderr=True).print(f"{what} {way} goes on with it; this is a new one.")
        return None
    question = f"{what} Go on with it, for up to ${options.max_usd} in all?"
    return newest if _says_yes(question) else None


def _resumed(settings: Settings, store: "Store", options: Options, name: str, mark: str) -> Job:
    """The rest of an audit that this process holds, by the policy and the prices of today.

    Its money is counted by receipts, answers and what was counted before, whichever is most.
    """
    audit = _named(store, name)
    task = read_task(audit)
    fresh = task_of(task.plan, seed=task.drawn.seed, mark=mark)
    differ = unlike(task.drawn, fresh.drawn, (task.mark, mark))
    if differ is not None:
        raise SettingsError(f"{audit.id} can't go on: the {differ} differ; start another audit")
    known = tuple(store.answers(audit.id))
    spent = max(
        store.stats(wanted=Wanted(audit=audit.id)).total.cost_usd,
        sum((each.cost_usd or Decimal(0) for each in known), Decimal(0)),
        Decimal(str((audit.result or {}).get("spent_usd") or 0)),
        task.spent_before,
    )
    if audit.state == "running":  # it was killed: what was under way may have been charged
        charged = dearest(known)
        each_most = (
            max(each.cost(1, MOST_PROMPT_TOKENS), charged.get(each.tag, Decimal(0)))
            for each in task.plan.endpoints
        )
        spent += MOST_UNKNOWN * sum(each_most, Decimal(0))
    before = None if task.since is None else earlier(store, task.since, task.plan.model)
    return Job(
        audit, _of_today(settings, options, task, spent), known, spent, before, dearest(known)
    )


def _of_today(settings: Settings, options: Options, task: Task, spent: Decimal) -> Task:
    """The task by today's listing and policy. Raises `SettingsError` if these don't allow it."""
    subject = subject_of(settings, task.asked or task.plan.model)
    allowed = options.outside_policy | {*task.outside_policy}
    shut_out = [e for e in task.plan.endpoints if e.tag in subject.shut_out - allowed]
    if shut_out:
        raise SettingsError("\n".join(refusals(map(shut_out_now, shut_out))))
    return msgspec.structs.replace(
        task,
        plan=repriced(task.plan, subject.endpoints),
        outside_policy=tuple(sorted(allowed)),
        spent_before=spent,
    )


def dearest(known: Sequence[Answer]) -> dict[str, Decimal]:
    """The most that each endpoint has charged for an answer, by tag."""
    found: dict[str, Decimal] = {}
    for each in known:
        if each.cost_usd:
            found[each.tag] = max(each.cost_usd, found.get(each.tag, each.cost_usd))
    return found


def _answered(job: Job) -> int:
    return sum(1 for each in job.known if each.dropped != "failed")


def must_agree(options: Options) -> None:
    """Raise `SettingsError` unless the user agrees to what was shown, or `--yes` is given."""
    if options.yes:
        return
    if not is_asked():
        raise SettingsError(
            "an audit costs money, and this is not a terminal to ask on: add --yes to spend up to "
            f"${options.max_usd} (--max-usd)"
        )
    if not _says_yes(f"Spend up to ${options.max_usd}{' in all' * options.resume}?"):
        raise SettingsError("nothing was asked, and nothing spent")


def is_asked() -> bool:
    """Whether there is a terminal to ask on."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _says_yes(question: str) -> bool:
    sys.stderr.write(f"{one_line(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
