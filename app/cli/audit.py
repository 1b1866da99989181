"""`pointsman audit`: compares the endpoints of a model with a reference, by their answers alone."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from ..audit.answers import mark_of
from ..audit.prompts import draw
from ..audit.results import Audit as Found
from ..audit.results import Finding
from ..audit.since import finding
from ..auditing.judged import as_json, day_of, result_of, verdicts_of
from ..auditing.purse import Purse
from ..auditing.runner import End, Run
from ..auditing.sending import sending
from ..auditing.task import as_kept
from ..errors import SettingsError
from ..known_audits import compared
from ..ledger.audits import Audit, EndpointVerdict
from ..record.secret import secret_of
from ..settings import Settings
from .audit_file import Saved, save
from .audit_job import Job, job_of
from .audit_plan import Options, checked
from .audit_progress import progress_of, showing
from .audit_table import print_line, print_list, print_result, result_as_json, stopped
from .ledgers import said, to_follow
from .terminal import Console, print_json
from .which_ledger import with_running_demo
from .whole_file import must_be_writable
from .words import command

if TYPE_CHECKING:
    from ..ledger.store import Store

_KEY_FILE = "audit.key"
_LISTED = 50
NONE_DIFFERS, SOME_DIFFER, STOPPED = 0, 1, 3  # exit codes; 2: it could not be run

_ENDS: dict[End, str] = {
    "ceiling": "another request could exceed the ceiling of --max-usd",
    "interrupted": "interrupted",
    "no_reference": "the reference was given up, so there is nothing to compare with",
    "none_left": "every endpoint was given up, so there is nothing to compare",
}


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
    if options.save is not None:
        must_be_writable(options.save)
    key = secret_of(
        settings.state / _KEY_FILE,
        settings.shared_secret,
        otherwise="set another XDG_STATE_HOME",
    )
    store = to_follow(settings)
    try:
        with ExitStack() as held:
            job = job_of(settings, store, options, mark_of(key), held)
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


def _done(settings: Settings, store: "Store", options: Options, job: Job, key: bytes) -> int:
    """Run it, keep what it found, print that; return the exit code."""
    running = msgspec.structs.replace(job.audit, state="running", plan=as_kept(job.task))
    store.keep_audit(running)
    purse = Purse(max(options.max_usd, job.spent), job.spent, job.dearest)
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
    if options.as_json:
        print_json(result_as_json(kept, found, findings, notes), indent=2)
    else:
        console = Console()
        shown = found if options.resume else msgspec.structs.replace(found, refused=())
        print_result(console, shown, findings, notes)  # refusals were shown with the plan
        print_line(console, f"Spent ${purse.spent:.4f}. Kept as {kept.id}.")
    if options.save is not None:
        saved = Saved(
            audit=kept.id,
            started_at=kept.started_at,
            task=job.task,
            found=as_json(found),
            answers=tuple(answers),
        )
        save(options.save, saved)
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
            (_day_of(store, verdict), then)
            for verdict in reversed(past)
            if verdict.against == job.before.audit and verdict.audit != job.audit.id
            if (then := compared(verdict)) is not None
        ]
        days.append((found.day, each))
        if any(day != job.before.day for day, _ in days):
            findings.append(finding(each.tag, job.before.day, days))
    return findings


def _day_of(store: "Store", verdict: EndpointVerdict) -> str:
    """The UTC date on which a verdict's audit began."""
    its = store.audit(verdict.audit)
    return day_of(its.started_at if its else verdict.at)


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
