"""A model's audits for a page: each endpoint's ratio, its interval and its history. PURE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..audit import words
from ..audit.decide import Measured
from ..audit.results import Audit as Result
from ..audit.results import Compared, Reference
from ..audit.sentences import SPOT_CHECK
from ..catalog.audits import DIFFERENT, REFERENCE, SAME, UNDECIDED, VERDICTS
from ..known_audits import compared, counts_of, requests_of, result_of
from ..ledger.audits import REFERENCE as OTHERS
from ..ledger.audits import Audit, EndpointVerdict
from ..ledger.receipt import iso
from .address import RECEIPTS

MOST_HISTORY = 20
_LOWEST_TOP = 1.1  # the axis ends there, or a little above the highest bound
_TOP = 2.0  # and never later
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
SIGNS: Mapping[str, str] = {
    SAME: "kept",
    DIFFERENT: "broken",
    UNDECIDED: "unproven",
    REFERENCE: "none",
}


@dataclass(frozen=True, slots=True)
class Plotted:
    """A ratio on the axis, each place in percent of its length."""

    at: float
    start: float
    end: float
    margin: float  # up to there, a ratio counts as different
    told: str


@dataclass(frozen=True, slots=True)
class Past:
    """One verdict of an endpoint's history."""

    day: str
    verdict: str
    sign: str


@dataclass(frozen=True, slots=True)
class Row:
    """One endpoint, by its last audit."""

    tag: str
    label: str
    verdict: str
    sign: str
    at: str  # ISO 8601
    receipts: str
    ratio: Plotted | None
    said: str
    notes: tuple[str, ...]
    history: tuple[Past, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One audit of the model."""

    id: str
    began: str
    state: str
    reference: str
    counts: Mapping[str, int]
    refused: int
    requests: int | None
    spent: Decimal | None
    receipts: str


@dataclass(frozen=True, slots=True)
class ModelAudits:
    """All that is known of one model's audits."""

    model: str
    reference: str  # in words; empty without a result
    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    one: float  # where a ratio of 1 is
    refused: tuple[str, ...]
    runs: tuple[Run, ...]
    caveat: str = SPOT_CHECK


def model_audits(
    model: str,
    audits: Sequence[Audit],
    verdicts: Sequence[EndpointVerdict],
    histories: Mapping[str, Sequence[EndpointVerdict]],
) -> ModelAudits:
    """Put a model's audits, newest first, and its endpoints' last verdicts on a page.

    The reference and the refusals are those of the newest audit that gave one of these verdicts: a
    later one that was stopped gave none. Other words than VERDICTS, of another version, are left
    out.
    """
    results = {each.id: result_of(each) for each in audits}
    verdicts = [each for each in verdicts if each.verdict in VERDICTS]
    gave = {each.audit for each in verdicts} or {*results}
    newest = next(
        (it for name, it in results.items() if name in gave and it and it.reference), None
    )
    usual = newest.reference if newest else None
    read = [(each, compared(each)) for each in verdicts]
    top = _top([found for _, found in read if found])
    closed = any(found.closed for found in results.values() if found)
    rows = [
        _row(
            each,
            found,
            histories.get(each.tag, ()),
            top=top,
            closed=closed,
            beside=_other_reference(results.get(each.audit), usual),
        )
        for each, found in read
    ]
    order = (DIFFERENT, UNDECIDED, SAME)
    rows.sort(key=lambda row: (order.index(row.verdict), row.ratio.at if row.ratio else -1.0))
    return ModelAudits(
        model=model,
        reference=words.reference(newest.reference, closed=newest.closed) if newest else "",
        rows=tuple(rows),
        ticks=tuple((100 * tick / top, f"{tick:g}") for tick in _TICKS if tick <= top),
        one=100 / top,
        refused=words.refusals(newest.refused) if newest else (),
        runs=tuple(_run(each, results[each.id]) for each in audits),
    )


def _top(found: Sequence[Compared]) -> float:
    highest = max((each.ratio_high or each.ratio or 0 for each in found), default=0.0)
    return min(max(_LOWEST_TOP, highest * 1.02), _TOP)


def _row(
    each: EndpointVerdict,
    found: Compared | None,
    history: Sequence[EndpointVerdict],
    *,
    top: float,
    closed: bool,
    beside: str,
) -> Row:
    notes = (beside, *words.warnings(found), words.power(found)) if found else (beside,)
    return Row(
        tag=each.tag,
        label=words.label(found.label) if found and not closed else "",
        verdict=each.verdict,
        sign=SIGNS[each.verdict],
        at=iso(each.at),
        receipts=_receipts(each.audit),
        ratio=_plotted(found, top) if found else None,
        said=_without_subject(words.verdict(found, closed=closed)) if found else "",
        notes=tuple(filter(None, notes)),
        history=tuple(
            Past(past.at.date().isoformat(), past.verdict, SIGNS[past.verdict])
            for past in history
            if past.against == OTHERS and past.verdict in VERDICTS
        )[::-1],
    )


def _other_reference(found: Result | None, usual: Reference | None) -> str:
    """What an endpoint was compared with, where it is not the reference that the page names."""
    if not found or not found.reference or (usual and found.reference.tag == usual.tag):
        return ""
    return f"Its reference was {found.reference.tag}."


def _without_subject(sentence: str) -> str:
    """What is said of an endpoint that is named beside it."""
    said = sentence.partition(": ")[2]
    return said[:1].upper() + said[1:]


def _plotted(found: Compared, top: float) -> Plotted | None:
    if found.ratio is None:
        return None
    low, high = (
        found.ratio if bound is None else bound for bound in (found.ratio_low, found.ratio_high)
    )
    own = (found.own_reference or 0, found.own or 0)
    margin = Measured(found.prompts, *own, found.ratio, 0.0).margin
    at, start, end = (min(100 * value / top, 100.0) for value in (found.ratio, low, high))
    told = f"ratio {found.ratio:.2f}, 95 % {low:.2f} to {high:.2f}"
    return Plotted(at, start, end, 100 * (1 - margin) / top, told)


def _run(audit: Audit, result: Result | None) -> Run:
    return Run(
        id=audit.id,
        began=iso(audit.started_at),
        state=audit.state,
        reference=result.reference.tag if result and result.reference else "",
        counts=counts_of(result),
        refused=len(result.refused) if result else 0,
        requests=requests_of(audit),
        spent=result.spent_usd if result else None,
        receipts=_receipts(audit.id),
    )


def _receipts(name: str) -> str:
    """The receipts of an audit: of any period, and without other filters."""
    return f"{RECEIPTS}?audit={name}"
