"""`pointsman audit`: compares the endpoints of a model with a reference, by their answers alone."""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from app.audit.answers import mark_of
from app.audit.plan import MOST_PROMPT_TOKENS
from app.audit.prompts import draw
from app.audit.results import Audit as Found
from app.audit.results import Finding
from app.audit.since import finding, unlike
from app.auditing.judged import as_json, day_of, read_compared, result_of, verdicts_of
from app.auditing.purse import Purse
from app.auditing.runner import AT_ONCE, End, Run
from app.auditing.sending import sending
from app.auditing.task import Task, as_kept, begun, read_task, task_of
from app.cli.audit_file import Saved, earlier, save
from app.cli.audit_lock import alone, running_in
from app.cli.audit_plan import Options, checked, planned
from app.cli.audit_progress import progress_of, showing
from app.cli.audit_table import (
    print_line,
    print_list,
    print_plan,
    print_result,
    result_as_json,
    stopped,
)
from app.cli.ledgers import said, to_follow
from app.cli.terminal import Console, print_json
from app.cli.which_ledger import with_running_demo
from app.cli.words import command
from app.errors import SettingsError
from app.ledger.audits import Answer, Audit, new_audit_id
from app.ledger.wanted import Wanted
from app.record.secret import secret_of
from app.settings import Settings
from app.wording import listed

if TYPE_CHECKING:
    from app.ledger.store import Store

_KEY_FILE = "audit.key"
_LISTED = 50
_LARGEST_SEED = 2**31
_OFFERED = 7 * 86_400.0  # seconds for which a plain run offers to go on with a stopped audit
NONE_DIFFERS, SOME_DIFFER, STOPPED = 0, 1, 3  # exit codes; 2: it could not be run

_ENDS: dict[End, str] = {
    "ceiling": "another request could exceed the ceiling of --max-usd",
    "interrupted": "interrupted",
}


@dataclass(frozen=True, slots=True)
class Job:
    """One run of an audit: the first, or a later one that goes on."""

    audit: Audit
    task: Task
    known: tuple[Answer, ...] = ()
    spent: Decimal = Decimal(0)
    before: Saved | None = None


def audit(settings: Settings, options: Options) -> int:
    """Plan an audit, ask for consent, run it and print what it found; return the exit code.

    0: none differs; 1: some differ, or with `--since` have changed; 3: it was stopped before its
    end. Raises `SettingsError` if it can't be run.
    """
    options = checked(options)
    settings = said(with_running_demo(settings))
    if settings.openrouter_api_key is None:
        raise SettingsError(
            f"an audit asks OpenRouter; set OPENROUTER_API_KEY, or start {command()} demo"
        )
    key = secret_of(
        settings.state / _KEY_FILE,
        settings.shared_secret,
        otherwise="set another XDG_STATE_HOME",
    )
    store = to_follow(settings)
    try:
        job = _job(settings, store, options, mark_of(key))
        with alone(settings.state, job.audit.id):
            return _done(settings, store, options, job, key)
    finally:
        store.close()


def show_list(settings: Settings, model: str | None, *, as_json: bool) -> int:
    """Print the newest audits, of a model or of all."""
    store = to_follow(said(with_running_demo(settings)))
    audits = store.audits(model, limit=_LISTED)
    if as_json:
        print_json([msgspec.to_builtins(each) for each in audits], indent=2)
    elif audits:
        print_list(Console(), audits, [len(store.answers(each.id)) for each in audits])
    else:
        Console().print(f"no audits yet; {command()} audit MODEL runs one")
    store.close()
    return 0


def _job(settings: Settings, store: "Store", options: Options, mark: str) -> Job:
    """What is to be done: a new audit, or the rest of one that was stopped."""
    told = Console(stderr=options.as_json)
    if options.resume:
        return _resumed(store, _unfinished(store, options.model), mark)
    before = None
    if options.since is not None:
        before = earlier(store, options.since, options.model)
        stored = before.task.drawn
        options = replace(options, prompts=stored.prompts, deep=stored.answers > 2)  # noqa: PLR2004
    plan = planned(settings, options)
    started_at = datetime.now(UTC)
    chance = random.SystemRandom()
    seed = before.task.drawn.seed if before else chance.randrange(_LARGEST_SEED)
    since = before.audit if before else None
    task = task_of(plan, seed=seed, mark=mark, spread=options.spread.total_seconds(), since=since)
    if before is not None:
        task = _comparable(before, task, mark)
    going_on = _offered(settings, store, task.plan.model, options)
    if going_on is not None:
        return _resumed(store, going_on, mark)
    print_plan(told, task.plan, options.max_usd)
    _must_agree(options)
    name = new_audit_id(started_at.timestamp(), chance)
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
            f"audit of {before.task.plan.model} with {listed(stored, len(stored))}"
        )
    plan = replace(task.plan, endpoints=endpoints)
    return msgspec.structs.replace(task, plan=plan)


def _unfinished(store: "Store", named: str | None) -> Audit:
    """The audit to go on with: by its id, or the newest that is not finished, of a model or any."""
    if named is not None and named.startswith("aud_"):
        found = store.audit(named)
        if found is None:
            raise SettingsError(f"the ledger has no audit {named}; --list shows those that it has")
        if found.state == "finished":
            raise SettingsError(f"the audit {named} is finished; start another one")
        return found
    for each in store.audits(named, limit=_LISTED):
        if each.state != "finished":
            return each
    of = f" of {named}" if named else ""
    raise SettingsError(f"there is no audit{of} to go on with: none was stopped before its end")


def _offered(settings: Settings, store: "Store", model: str, options: Options) -> Audit | None:
    """The stopped audit that the user prefers to go on with, if there is a recent one."""
    newest = next(iter(store.audits(model, limit=1)), None)
    if newest is None or newest.state == "finished" or options.since is not None:
        return None
    is_old = time.time() - newest.started_at.timestamp() > _OFFERED
    if is_old or running_in(settings.state, newest.id) is not None:
        return None
    number = len(store.answers(newest.id))
    what = f"The audit {newest.id} of {model} was stopped after {number:,} answers."
    if options.yes or not _is_asked():
        way = f"{command()} audit {newest.id} --resume"
        Console(stderr=True).print(f"{what} {way} goes on with it; this is a new one.")
        return None
    return newest if _says_yes(f"{what} Go on with it?") else None


def _resumed(store: "Store", audit: Audit, mark: str) -> Job:
    """The rest of an audit. Its money is counted by receipts and answers, whichever is more."""
    task = read_task(audit)
    fresh = task_of(task.plan, seed=task.drawn.seed, mark=mark, spread=0, since=None)
    differ = unlike(task.drawn, fresh.drawn, (task.mark, mark))
    if differ is not None:
        raise SettingsError(f"{audit.id} can't go on: the {differ} differ; start another audit")
    known = tuple(store.answers(audit.id))
    by_receipts = store.stats(wanted=Wanted(audit=audit.id)).total.cost_usd
    by_answers = sum((each.cost_usd or Decimal(0) for each in known), Decimal(0))
    told = Decimal(str((audit.result or {}).get("spent_usd") or 0))
    spent = max(by_receipts, by_answers, told)
    if audit.state == "running":  # it was killed: what was under way may have been charged
        spent += sum((each.cost(AT_ONCE, MOST_PROMPT_TOKENS) for each in task.plan.endpoints), 0)
    before = None if task.since is None else earlier(store, task.since, task.plan.model)
    return Job(audit, task, known, spent, before)


def _must_agree(options: Options) -> None:
    """Raise `SettingsError` unless the user agrees to what was shown, or `--yes` is given."""
    if options.yes:
        return
    if not _is_asked():
        raise SettingsError(
            "an audit costs money, and this is not a terminal to ask on: add --yes to spend up to "
            f"${options.max_usd} (--max-usd)"
        )
    if not _says_yes(f"Spend up to ${options.max_usd}?"):
        raise SettingsError("nothing was asked, and nothing spent")


def _is_asked() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _says_yes(question: str) -> bool:
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _done(settings: Settings, store: "Store", options: Options, job: Job, key: bytes) -> int:
    """Run it, keep what it found, print that; return the exit code."""
    running = msgspec.structs.replace(job.audit, state="running", plan=as_kept(job.task))
    store.keep_audit(running)
    purse = Purse(max(options.max_usd, job.spent), job.spent)
    end, run = asyncio.run(_run(settings, store, job, purse, key))
    answers = store.answers(job.audit.id)
    found = result_of(
        job.task,
        job.audit.started_at,
        answers,
        job.before.answers if job.before else (),
        purse.spent,
    )
    now = datetime.now(UTC)
    kept = msgspec.structs.replace(
        running,
        state="finished" if end == "finished" else "stopped",
        ended_at=now,
        result=msgspec.to_builtins(found),
    )
    verdicts = verdicts_of(kept.id, job.task, found, now) if end == "finished" else []
    store.keep_audit(kept, verdicts)
    findings = _findings(store, job, found)
    notes = _notes(run, end, kept)
    if options.save is not None:
        saved = Saved(
            audit=kept.id,
            started_at=kept.started_at,
            task=job.task,
            found=as_json(found),
            answers=tuple(answers),
        )
        save(options.save, saved)
    if options.as_json:
        print_json(result_as_json(kept, found, findings, notes), indent=2)
    else:
        console = Console()
        shown = found if options.resume else msgspec.structs.replace(found, refused=())
        print_result(console, shown, findings, notes)  # refusals were shown with the plan
        print_line(console, f"Spent ${purse.spent:.4f}. Kept as {kept.id}.")
    return STOPPED if end != "finished" else _code(found, findings, since=job.before is not None)


def _code(found: Found, findings: Sequence[Finding], *, since: bool) -> int:
    differs = (
        any(each.verdict == "changed" for each in findings)
        if since
        else any(each.verdict == "different" for each in found.compared)
    )
    return SOME_DIFFER if differs else NONE_DIFFERS


def _findings(store: "Store", job: Job, found: Found) -> list[Finding]:
    """With `--since`: what the audits since then, of different days, say of each endpoint."""
    if job.before is None:
        return []
    findings: list[Finding] = []
    for each in found.compared:
        past = store.history(found.model, each.tag, limit=_LISTED)
        days = [
            (day_of(verdict.at), read_compared(verdict.found))
            for verdict in reversed(past)
            if verdict.against == job.before.audit and verdict.audit != job.audit.id
        ]
        days.append((found.day, each))
        if any(day != job.before.day for day, _ in days):
            findings.append(finding(each.tag, job.before.day, days))
    return findings


def _notes(run: Run, end: End, kept: Audit) -> list[str]:
    """What the user should know of how it went."""
    notes = [
        f"{tag} was given up: {each.given_up}."
        for tag, each in run.standings.items()
        if each.given_up is not None
    ]
    if end != "finished":
        done, total = progress_of(run.standings)
        notes.append(stopped(kept.id, _ENDS[end], done, total, command()))
    return notes


async def _run(
    settings: Settings, store: "Store", job: Job, purse: Purse, key: bytes
) -> tuple[End, Run]:
    """Run it until it is done or interrupted: once to finish what is under way, twice to leave."""
    name, task = job.audit.id, job.task
    async with sending(settings, name) as path:
        run = Run(
            audit=name,
            task=task,
            prompts=draw(task.drawn.seed, task.drawn.prompts),
            key=key,
            purse=purse,
            asks=path,
            keep=store.keep_answers,
        )
        with showing(run):
            begun_at = job.audit.started_at.timestamp()
            running = asyncio.ensure_future(run.run(job.known, begun_at, time.time))
            _listen(run, running)
            try:
                return await running, run
            except asyncio.CancelledError:
                return "interrupted", run


def _listen(run: Run, running: "asyncio.Future[End]") -> None:
    """Have Ctrl-C and SIGTERM stop the run; a second one cancels what is under way."""
    loop, asked = asyncio.get_running_loop(), iter((run.stop, running.cancel))

    def interrupt() -> None:
        step = next(asked, None)
        if step == run.stop:
            sys.stderr.write("stopping once the requests under way have ended; again to leave\n")
        if step is not None:
            step()

    if os.name != "nt":
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, interrupt)
