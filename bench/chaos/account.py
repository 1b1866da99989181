"""The account of a run: figures by step, and which promises are broken. PURE.

A promise that nothing tried is broken, too: a run in which no stream was open says nothing about
streams.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.wording import plural
from bench.chaos.notes import Look, Note, Row, Run, Span, Step

WRITTEN_SECONDS = 1.0  # after which a receipt survives `kill -9`
NOTICED_SECONDS = 8.0  # until the balancer has noticed that a replica is back
KNOWN_SECONDS = 1.0  # since what others spent was read last: it is read four times a second
LAG_SECONDS = 0.6  # until all processes know what a request cost, on a busy machine
PATIENCE_SECONDS = 30.0  # for a recovery
SLOW_SECONDS = 5.0  # for a short request that waits for nothing, on a busy machine
CLOCK_SECONDS = 0.1  # by which two processes on this machine may differ about a moment
ERROR = 500
_SHOWN = 5  # broken ones that are named


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened in one step. Seconds are None if it did not come about."""

    step: str
    seconds: float
    streams: tuple[int, int, int]  # begun, finished, broken
    requests: tuple[int, int, int]
    refused: int
    spent: tuple[Decimal, Decimal]  # of the step's budget, and what may be spent: 1 is all of it
    slowest: float | None  # seconds of the slowest short request that was served
    errors: Mapping[str, int]  # by status or fault, and from whom
    unwritten: int  # receipts of a killed replica's last second that are not there
    trouble: float | None  # until the last one that broke; None: none did
    ready: float | None
    written: float | None
    chores: float | None


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: how often it was tried, and where it was broken."""

    name: str
    tried: int
    broken: tuple[str, ...]

    @property
    def is_kept(self) -> bool:
        """Whether it was tried and never broken."""
        return self.tried > 0 and not self.broken


def figures(run: Run) -> list[Figures]:
    """The figures of each step, in order."""
    return [_figures(run, step) for step in run.steps]


def promises(run: Run) -> list[Promise]:
    """Every promise, with what broke it."""
    return [Promise(name, *_judged(judge(run))) for name, judge in PROMISES.items()]


def recovered(looks: Iterable[Look], since: float, holds: Callable[[Look], bool]) -> float | None:
    """Seconds after `since` from which on every look was a good one; None: the last was not."""
    from_then: float | None = None
    for look in looks:
        if look.at < since:
            continue
        if not holds(look):
            from_then = None
        elif from_then is None:
            from_then = look.at - since
    return from_then


def ready(look: Look) -> bool:
    """Whether all replicas are ready."""
    return look.all_ready()


def written(look: Look) -> bool:
    """Whether receipts no longer wait."""
    return look.all_written(WRITTEN_SECONDS)


def _knows_budgets(look: Look) -> bool:
    """Whether all replicas know what the others have spent."""
    return look.all_know_budgets(KNOWN_SECONDS)


def chores_of(step: Step) -> Callable[[Look], bool]:
    """Whether a process has the duty; if that of another was ended, another connection."""
    return lambda look: look.duty is not None and look.duty != step.chores


def bound(rows: Iterable[Row], away: Iterable[Span], lag: float = LAG_SECONDS) -> Decimal:
    """The highest cost of requests whose costs no process can have known together."""
    gone = list(away)
    lasting = [(each.started, _known(each.ended + lag, gone, lag), each.paid) for each in rows]
    return max(
        (
            sum((paid for start, end, paid in lasting if start <= moment <= end), Decimal(0))
            for moment, _, _ in lasting
        ),
        default=Decimal(0),
    )


def _known(at: float, away: Iterable[Span], lag: float) -> float:
    """When a cost that would be known `at` this moment is known, if the ledger is away."""
    return max((each.end + lag for each in away if each.meets(at - lag, at)), default=at)


# --- figures ------------------------------------------------------------------------------------


def _figures(run: Run, step: Step) -> Figures:
    ended = [each for each in run.notes if step.start <= each.ended < step.end]
    looks = _during(run, step)
    errors = Counter(_error(each) for each in ended if each.is_broken)
    return Figures(
        step=step.name,
        seconds=step.end - step.start,
        streams=_counts(run, step, ended, streams=True),
        requests=_counts(run, step, ended, streams=False),
        refused=sum(each.is_refused for each in ended),
        spent=_spent(run, step),
        slowest=max(
            (each.ended - each.begun for each in ended if each.is_finished and not each.is_stream),
            default=None,
        ),
        errors=dict(errors.most_common()),
        unwritten=_unwritten(run, ended),
        trouble=max((each.ended - step.start for each in ended if each.is_broken), default=None),
        ready=recovered(looks, step.since, ready),
        written=recovered(looks, step.since, written),
        chores=recovered(looks, step.chores_since, chores_of(step)),
    )


def _during(run: Run, step: Step) -> list[Look]:
    """What was seen before the step ended: then the next part fails."""
    return [each for each in run.looks if each.done < step.end]


def _unwritten(run: Run, ended: Iterable[Note]) -> int:
    found = {each.id for each in run.ledger.rows}
    late = (each.receipt for each in ended if each.whole and _too_late(run, each))
    return sum(receipt is not None and receipt not in found for receipt in late)


def _counts(run: Run, step: Step, ended: list[Note], *, streams: bool) -> tuple[int, int, int]:
    mine = [each for each in ended if each.is_stream == streams]
    begun = sum(
        each.is_stream == streams and step.start <= each.begun < step.end for each in run.notes
    )
    return begun, sum(each.is_finished for each in mine), sum(each.is_broken for each in mine)


def _error(note: Note) -> str:
    """A status or the way a connection ended, and from whom it came."""
    whom = "Pointsman" if note.replica else "balancer"
    if note.status is None or note.status < ERROR - 100:
        return f"{note.fault or 'not whole'}, {whom}"
    return " ".join(filter(None, (str(note.status), note.fault))) + f", {whom}"


# --- promises -----------------------------------------------------------------------------------

Judged = Iterator[str | None]  # for each time that it was tried: None, or how it was broken


def _judged(each: Judged) -> tuple[int, tuple[str, ...]]:
    all_of_them = list(each)
    return len(all_of_them), tuple(one for one in all_of_them if one is not None)


def _traffic(run: Run) -> Judged:
    for each in figures(run):
        for what, (begun, finished, _) in (("streams", each.streams), ("requests", each.requests)):
            yield None if begun and finished else f"{each.step}: {begun} {what}, {finished} served"


def _streams(run: Run) -> Judged:
    for each in run.notes:
        if each.is_stream:
            lost = each.is_broken and each.replica is not None and not _may_be_lost(run, each)
            yield f"a stream of {_said(each)}" if lost else None


def _requests(run: Run) -> Judged:
    for each in run.notes:
        if not each.is_stream:
            lost = each.is_broken and each.replica is not None and not _may_be_lost(run, each)
            yield f"a request of {_said(each)}" if lost else None


def _may_be_lost(run: Run, note: Note) -> bool:
    """Whether its replica was killed, or frozen, while it was served."""
    return any(
        gone.part == note.replica and gone.meets(note.begun, note.ended)
        for step in run.steps
        for gone in (*step.killed, *step.frozen)
    )


def _errors(run: Run) -> Judged:
    for each in run.notes:
        if each.replica is not None and each.status is not None:
            yield _said(each) if each.status >= ERROR else None


def _balancer(run: Run) -> Judged:
    gone = [each for step in run.steps for each in (*step.killed, *step.frozen)]
    for each in run.notes:
        alone = each.replica is None and each.is_broken
        noticed = any(
            Span(one.part, one.start, one.end + NOTICED_SECONDS).meets(each.begun, each.ended)
            for one in gone
        )
        yield _said(each) if alone and not noticed else None


def _receipts(run: Run) -> Judged:
    found = Counter(each.id for each in run.ledger.rows)
    for each in run.notes:
        if each.receipt is None and not each.is_broken:
            yield f"no receipt is named by {_said(each)}"
        if each.receipt is None or not each.whole or _too_late(run, each):
            continue
        count = found[each.receipt]
        yield None if count == 1 else f"{count} receipts {each.receipt} of {_said(each)}"


def _too_late(run: Run, note: Note) -> bool:
    """Whether its replica was killed before the receipt had to be written."""
    return any(
        gone.part == note.replica and 0 <= gone.start - note.ended < WRITTEN_SECONDS
        for step in run.steps
        for gone in step.killed
    )


def _agreement(run: Run) -> Judged:
    found = {each.id: each for each in run.ledger.rows}
    for each in run.notes:
        row = found.get(each.receipt or "")
        if row is None or each.is_broken:
            continue
        said, cost = f"{row.id} says {row.status} {row.ending}", "a cost" if row.paid else "no cost"
        same = (row.status, row.ending, bool(row.paid)) == (
            (each.status, "complete", True) if each.is_finished else (each.status, "refused", False)
        )
        yield None if same else f"{said} with {cost}, seen was {_said(each)}"


def _clients(run: Run) -> Judged:
    """A receipt that no client has been told of must be of a request whose answer did not begin."""
    told = {each.receipt for each in run.notes}
    untold = [each for each in run.notes if each.receipt is None and each.is_broken]
    for row in sorted(run.ledger.rows, key=lambda each: each.started):
        if row.id in told:
            yield None
            continue
        of = [each for each in untold if each.caller == row.caller and _may_be_of(row, each)]
        if of:
            untold.remove(of[0])
        yield None if of else f"{row.id} of {row.caller} is of no request that a client sent"


def _may_be_of(row: Row, note: Note) -> bool:
    """A replica that was frozen reads what its client has given up already."""
    return note.begun - CLOCK_SECONDS <= row.started


def _duplicates(run: Run) -> Judged:
    for what, values in (
        ("receipt", [each.id for each in run.ledger.rows]),
        ("generation", [each.generation for each in run.ledger.rows if each.generation]),
    ):
        for value, count in Counter(values).items():
            yield None if count == 1 else f"{what} {value} is there {count} times"


def _budgets(run: Run) -> Judged:
    for step in run.steps:
        refused = any(each.caller == step.spender and each.is_refused for each in run.notes)
        yield None if refused else f"{step.name}: the budget of {step.spender} was not reached"
        spent, most = _spent(run, step)
        over = f"{step.name}: {step.spender} spent {spent:.2f} budgets, of {most:.2f} at most"
        yield over if spent > most else None


def _spent(run: Run, step: Step) -> tuple[Decimal, Decimal]:
    """What a step's spender has spent, and what it may have, in budgets.

    The limit, what no process can have known together, and what one that was frozen served before
    it had caught up; or what each process allows by itself, if that is less.
    """
    away = [each for one in run.steps for each in (*one.away, *_held_up(run, one))]
    rows = [each for each in run.ledger.rows if each.caller == step.spender]
    spent = sum((each.paid for each in rows), Decimal(0))
    late = _unaware(run, step, rows)
    alone = late or any(
        each.meets(row.started, row.ended + LAG_SECONDS) for each in away for row in rows
    )
    most = min(
        run.limit + bound(rows, away) + late,
        run.limit * (run.processes if alone else 1) + bound(rows, ()),
    )
    return spent / run.limit, most / run.limit


def _held_up(run: Run, step: Step) -> Iterator[Span]:
    """When a replica that froze while it wrote held up the others, as a database that is away.

    PostgreSQL ends its transaction after ten seconds; until then, receipts of the others wait.
    """
    for gone in step.frozen:
        waits = [
            (look.at - standing.oldest, look.done)
            for look in run.looks
            if gone.meets(look.at, look.at)
            for name, standing in look.replicas.items()
            if name != gone.part and standing is not None and standing.oldest > WRITTEN_SECONDS
        ]
        if waits:
            yield Span("writing", min(waits)[0], max(end for _, end in waits))


def _unaware(run: Run, step: Step, rows: Iterable[Row]) -> Decimal:
    """What a replica served that had been frozen, until it had caught up."""
    replicas = {each.receipt: each.replica for each in run.notes}
    seconds = recovered(_during(run, step), step.since, _knows_budgets)
    behind = [
        Span(each.part, each.start, each.end + (seconds or 0.0) + LAG_SECONDS)
        for each in step.frozen
    ]
    return sum(
        (
            row.paid
            for row in rows
            for each in behind
            if replicas.get(row.id) == each.part
            and each.start <= row.ended
            and row.started <= each.end
        ),
        Decimal(0),
    )


def _waiting(run: Run) -> Judged:
    for step in run.steps:
        for each in run.notes:
            if each.is_finished and not each.is_stream and _meets(step.away, each):
                slow = each.ended - each.begun > SLOW_SECONDS
                yield f"{step.name}: {_said(each)}" if slow else None


def _meets(spans: Iterable[Span], note: Note) -> bool:
    return any(each.meets(note.begun, note.ended) for each in spans)


def _sums(run: Run) -> Judged:
    ledger = run.ledger
    counted, there = ledger.counted, len(ledger.rows)
    yield None if counted == there else f"statistics count {counted} of {there} receipts"
    paid: Counter[str] = Counter()
    for each in ledger.rows:
        paid[each.caller or ""] += each.paid  # type: ignore[assignment]  # sums of any number
    for step in run.steps:
        summed, own = ledger.spent.get(step.spender, Decimal(0)), Decimal(paid[step.spender])
        yield None if summed == own else f"{step.spender}: {summed} by sums, {own} by receipts"


def _dropped(run: Run) -> Judged:
    for replica, count in run.dropped.items():
        yield f"{replica} dropped {count} receipts" if count else None


def _exits(run: Run) -> Judged:
    for replica, status in run.exits.items():
        how = "did not end in time" if status is None else f"ended with {status}"
        yield f"{replica} {how}" if status != 0 else None


def _recoveries(run: Run) -> Judged:
    for each in figures(run):
        for what, seconds in (
            ("replicas were not ready", each.ready),
            ("receipts were not written", each.written),
            ("no process had the chores", each.chores),
        ):
            late = seconds is None or seconds > PATIENCE_SECONDS
            after = "at its end" if seconds is None else f"for {seconds:.1f} s"
            yield f"{each.step}: {what} {after}" if late else None


PROMISES: Mapping[str, Callable[[Run], Judged]] = {
    "every step had streams and requests": _traffic,
    "streams are lost only by a killed or frozen replica": _streams,
    "requests are lost only by a killed or frozen replica": _requests,
    "no 5xx comes from Pointsman": _errors,
    "the balancer fails only while a replica is killed or frozen": _balancer,
    "no request waits for a database that is away": _waiting,
    "each finished request has one receipt": _receipts,
    "receipts say what clients saw": _agreement,
    "each receipt is of a request that a client sent": _clients,
    "no receipt and no generation is there twice": _duplicates,
    "budgets are reached and kept within their bound": _budgets,
    "statistics and sums agree with the receipts": _sums,
    "no receipt is dropped": _dropped,
    "a replica that is told to stop ends with status 0": _exits,
    "everything recovers": _recoveries,
}


def _said(note: Note) -> str:
    """A note in a few words."""
    lasted = f"after {note.ended - note.begun:.1f} s"
    what = "whole" if note.whole else "cut"
    words = (str(note.status or "no answer"), note.fault, what, lasted)
    return f"{note.replica or 'the balancer'}: {' '.join(filter(None, words))} at {note.ended:.1f}"


# --- as text and JSON ---------------------------------------------------------------------------


def table(run: Run) -> Iterator[str]:
    """The account, line by line, in Markdown."""
    yield (
        "| Step | Seconds | Streams begun | finished | broken | Requests begun | finished | broken "
        "| Slowest | Refused by budgets | Spent, may be | Last failure | All ready "
        "| Receipts written | Chores done |"
    )
    yield "|---|" + "---|" * 14
    for each in figures(run):
        cells = [
            each.step,
            f"{each.seconds:.0f}",
            *map(str, (*each.streams, *each.requests)),
            _seconds(each.slowest),
            str(each.refused),
            f"{each.spent[0]:.0%}, {each.spent[1]:.0%}",
            *map(_seconds, (each.trouble, each.ready, each.written, each.chores)),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    for each in figures(run):
        for error, count in each.errors.items():
            yield f"{each.step}: {count} x {error}"
        if each.unwritten:
            yield f"{each.step}: {plural(each.unwritten, 'receipt')} of its last second not written"
    yield ""
    for promise in promises(run):
        yield f"{'kept  ' if promise.is_kept else 'BROKEN'} {promise.name} ({promise.tried} tried)"
        for one in promise.broken[:_SHOWN]:
            yield f"       {one}"
        if len(promise.broken) > _SHOWN:
            yield f"       ... {len(promise.broken) - _SHOWN} more"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"
