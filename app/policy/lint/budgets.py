"""Budgets for each caller where there are no callers."""

from collections.abc import Iterator

from ..budgets import KEY, by_of
from .finding import Finding, Subject, at


def budget_without_callers(subject: Subject) -> Iterator[Finding]:
    """Budgets by caller while no caller has a key, so that all requests share the amount."""
    if subject.callers is None or subject.callers:
        return
    for clause in subject.clauses:
        if clause.key.partition(".")[0] == KEY and by_of(clause.value) == "caller":
            message = (
                "all requests share this amount, because POINTSMAN_CALLER_KEYS is not set, so no "
                "request has a caller: set it, or count `by: rule` or `by: tool`"
            )
            yield at(clause, "warning", message)
