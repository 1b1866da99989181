"""Score floors that can't be applied, or that no provider reaches."""

from collections.abc import Iterator

from ...catalog.scores import Snapshot
from ...suggest import did_you_mean
from ...wording import listed, plural
from ..bar import max_days
from ..rule import Clause
from ..score_floor import KEY, benchmarks
from .bars import barred
from .finding import Finding, Severity, Subject, at

_FETCH = "run `pointsman scores fetch`"


def _floors(subject: Subject) -> Iterator[Clause]:
    return (clause for clause in subject.clauses if clause.key == KEY)


def _snapshot(subject: Subject) -> Snapshot | None:
    scores = subject.catalog.scores
    return scores.snapshot if scores else None


def _effect(clause: Clause) -> str:
    if clause.value.get("unscored") == "allow":
        return "so this floor excludes no provider"
    return "so requests under this rule are refused (403)"


def no_scores(subject: Subject) -> Iterator[Finding]:
    """Floors while no scores are kept."""
    scores = subject.catalog.scores
    for clause in _floors(subject):
        if scores is not None and scores.snapshot is None:
            yield at(clause, "warning", f"{scores.why_none}, {_effect(clause)}; {_FETCH}")


def stale_scores(subject: Subject) -> Iterator[Finding]:
    """Floors for which the kept scores are too old."""
    scores, snapshot = subject.catalog.scores, _snapshot(subject)
    for clause in _floors(subject):
        most = max_days(clause.value)
        if scores and snapshot and most is not None and scores.age > most:
            message = (
                f"the benchmark scores of {snapshot.date} are {plural(scores.age, 'day')} old, "
                f"over max_age {clause.value['max_age']}, {_effect(clause)}; {_FETCH}"
            )
            yield at(clause, "warning", message)


def unknown_benchmark(subject: Subject) -> Iterator[Finding]:
    """Benchmarks that the kept scores don't have, so that no provider has a score in them."""
    snapshot = _snapshot(subject)
    for clause in _floors(subject) if snapshot else ():
        known = snapshot.benchmarks if snapshot else ()
        for name in benchmarks(clause.value):
            if name not in known:
                hint = did_you_mean(name, known) or f"; they have {listed(known)}"
                message = f"the kept benchmark scores have no benchmark {name}, {_effect(clause)}"
                yield at(clause, "warning", message + hint)


def unreached_floor(subject: Subject) -> Iterator[Finding]:
    """Models for which no provider reaches the floor; an error if one is named in full."""
    for clause, found in barred(subject, KEY).items():
        refused = [(case, bar) for case, bar in found if bar.refusal and not bar.doubt]
        if refused:
            severity: Severity = "error" if any(case.named for case, _ in refused) else "warning"
            are = "is" if len(refused) == 1 else "are"
            cases = listed(str(case) for case, _ in refused)
            yield at(clause, severity, f"{cases} {are} always refused: {refused[-1][1].unreached}")
