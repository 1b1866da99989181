"""Cases one after another, as long as there is time; what goes wrong is told with its case."""

import asyncio
import multiprocessing
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count, cycle
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from socket import create_server

from tests.fuzz import cases, pure, target
from tests.fuzz.target import Report
from tests.fuzz.upstream import Upstream, exchange, parsed

_SHARE_OF_PURE = 0.3  # of the time
_PATIENCE, _RAW_PATIENCE = 15.0, 0.03  # seconds
_WARM = 400  # cases, before memory is looked at


@dataclass(frozen=True)
class Plan:
    """What to try, and what is too much."""

    seconds: float
    seed: int
    kinds: Sequence[str] = (*cases.KINDS, *pure.KINDS)
    case: int | None = None  # this one alone
    stall: float = 0.25  # seconds of the loop's
    growth: int = 300_000_000  # bytes


@dataclass(frozen=True)
class Finding:
    """Something that went wrong, at a case or shortly before it."""

    kind: str
    case: int
    what: str

    def __str__(self) -> str:
        return f"{self.kind} {self.case}: {self.what}"


@dataclass
class Outcome:
    """What was found in how many cases."""

    findings: list[Finding]
    tried: int = 0
    longest_stall: float = 0.0
    growth: int = 0


def random_of(plan: Plan, kind: str, number: int) -> Random:
    """The randomness of one case, whatever else is tried."""
    return Random(f"{plan.seed}:{kind}:{number}")


def fuzz(plan: Plan) -> Outcome:
    """Try what the plan says."""
    outcome = Outcome([])
    over_sockets = [kind for kind in plan.kinds if kind in cases.KINDS]
    directly = [kind for kind in plan.kinds if kind in pure.KINDS]
    share = (_SHARE_OF_PURE if over_sockets else 1.0) if directly else 0.0
    if directly:
        _directly(plan, directly, plan.seconds * share, outcome)
    if over_sockets:
        asyncio.run(_over_sockets(plan, over_sockets, plan.seconds * (1 - share), outcome))
    return outcome


def _numbered(plan: Plan, kinds: Sequence[str], seconds: float) -> Iterator[tuple[str, int]]:
    if plan.case is not None:
        yield from ((kind, plan.case) for kind in kinds)
        return
    until = time.monotonic() + seconds
    numbers = {kind: count() for kind in kinds}
    for kind in cycle(kinds):
        if time.monotonic() > until:
            return
        yield kind, next(numbers[kind])


def _directly(plan: Plan, kinds: Sequence[str], seconds: float, outcome: Outcome) -> None:
    for kind, number in _numbered(plan, kinds, seconds):
        work = pure.KINDS[kind](random_of(plan, kind, number))
        outcome.tried += 1
        try:
            took = pure.took(work)
        except Exception:  # noqa: BLE001 - whatever it is, it is what was looked for
            outcome.findings.append(Finding(kind, number, traceback.format_exc()))
            continue
        stall = took / pure.PATIENCE.get(kind, 1.0)
        outcome.longest_stall = max(outcome.longest_stall, stall)
        if stall > plan.stall:
            outcome.findings.append(Finding(kind, number, f"took {took:.2f} s"))


async def _over_sockets(plan: Plan, kinds: Sequence[str], seconds: float, outcome: Outcome) -> None:
    async with Upstream() as upstream, _pointsman(upstream.url) as (port, control):
        first = 0
        for kind, number in _numbered(plan, kinds, seconds):
            case = upstream.case = cases.KINDS[kind](random_of(plan, kind, number))
            outcome.tried += 1
            raw = kind == "request"
            came, ended = await exchange(port, case.request, _RAW_PATIENCE if raw else _PATIENCE)
            report = _report(control)
            for what in (*amiss(case, came, ended=ended or raw), *of_report(plan, report)):
                outcome.findings.append(Finding(kind, number, what))
            if report is None:
                return
            outcome.longest_stall = max(outcome.longest_stall, report.stall)
            first = first or (report.memory if outcome.tried > _WARM else 0)
            outcome.growth = max(outcome.growth, report.memory - first if first else 0)
        if outcome.growth > plan.growth:
            outcome.findings.append(
                Finding("all", 0, f"memory grew by {outcome.growth / 1e6:.0f} MB")
            )


def amiss(case: cases.Case, came: bytes, *, ended: bool) -> Iterator[str]:
    """What is wrong with what came."""
    if not ended:
        yield f"no end after {_PATIENCE:g} s: {came[:200]!r}"
    if b"internal_error" in came[:4000] or came.startswith(b"HTTP/1.1 500"):
        yield f"an internal error: {came[:400]!r}"
    whole = parsed(came) if case.relayed is not None else None
    if whole is not None:
        status, relayed = whole
        sent = int(b"".join(case.answer)[9:12])
        if status == sent != 404 and relayed != case.relayed:
            yield f"the body is not what upstream sent: {relayed[:200]!r}"


def of_report(plan: Plan, report: Report | None) -> Iterator[str]:
    """What a report says that must not be."""
    if report is None:
        yield "it does not answer any more"
        return
    yield from report.troubles
    if report.stall > plan.stall:
        yield f"the loop stood still for {report.stall:.2f} s"


def _report(control: Connection) -> Report | None:
    try:
        control.send("report")
        told = control.recv() if control.poll(60) else None
    except (OSError, EOFError):
        return None
    assert told is None or isinstance(told, Report)
    return told


@asynccontextmanager
async def _pointsman(upstream: str) -> AsyncIterator[tuple[int, Connection]]:
    """Pointsman on a port; the end of a pipe that it reports on."""
    with tempfile.TemporaryDirectory(prefix="pointsman-fuzz-") as folder, _free_port() as port:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=target.run, args=(theirs, Path(folder), upstream, port))
        process.start()
        try:
            assert _report(ours) is not None, "it did not start"
            yield port, ours
        finally:
            ours.send("stop")
            process.join(10)
            process.kill()


@contextmanager
def _free_port() -> Iterator[int]:
    with create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    yield port
