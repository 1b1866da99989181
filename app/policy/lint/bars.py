"""Models whose bar, a score floor or `audited`, no endpoint passes."""

from collections.abc import Iterator

from app.policy.bar import Bar
from app.policy.forecast.scenarios import Case
from app.policy.lint.finding import Finding, Severity, Subject, at
from app.policy.rule import Clause
from app.wording import listed


def cases_with(subject: Subject, key: str) -> Iterator[tuple[Case, Bar]]:
    """The cases with a bar of this key, for models that are named in full or listed."""
    for case in subject.cases:
        if case.named or subject.catalog.listing(case.model) is not None:
            yield from ((case, bar) for bar in case.route.bars if bar.key == key)


def unreached(subject: Subject, key: str) -> Iterator[Finding]:
    """Models for which nothing that is known passes; an error if one is named in full."""
    found: dict[Clause, dict[str, bool]] = {}
    unreached: dict[Clause, str] = {}
    for case, bar in cases_with(subject, key):
        if bar.refusal and not bar.doubt:
            found.setdefault(bar.clause, {})[str(case)] = case.named
            unreached[bar.clause] = bar.unreached
    for clause, cases in found.items():
        severity: Severity = "error" if any(cases.values()) else "warning"
        refused = "is always refused" if len(cases) == 1 else "are always refused"
        yield at(clause, severity, f"{listed(cases)} {refused}: {unreached[clause]}")
