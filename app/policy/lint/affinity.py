"""Orders, which switch off the stickiness that keeps a conversation at its cache."""

from collections.abc import Iterator

from ..route import PINNING
from ..rule import Clause, named
from .finding import Finding, Subject, at


def order_without_stickiness(subject: Subject) -> Iterator[Finding]:
    """Orders of rules that don't keep a conversation at its host by themselves."""
    kept = {clause.rule for clause in subject.clauses if _keeps(clause)}
    for clause in subject.clauses:
        several = clause.key == "order" or (clause.key == "pin" and len(clause.value) > 1)
        if several and clause.rule not in kept:
            message = (
                "an order switches off OpenRouter's habit of keeping a conversation with the "
                "provider that has it cached; only the first to answer keeps prompts cheap; "
                "`affinity: pin` keeps it at the provider that served its last turn"
            )
            yield at(clause, "note", message)


def hint_beside_order(subject: Subject) -> Iterator[Finding]:
    """Hints of a session where an order in the same rule disables what they are for."""
    orders = {each.rule: each for each in subject.clauses if each.key in {"order", "pin"}}
    for clause in subject.clauses:
        order = orders.get(clause.rule)
        if clause.key == "affinity" and clause.value == "hint" and order is not None:
            message = (
                f"OpenRouter ignores the session beside an order ({named((order,))}), so this "
                "has no effect; write `affinity: pin`"
            )
            yield at(clause, "warning", message)


def _keeps(clause: Clause) -> bool:
    return clause.key == "affinity" and clause.value in PINNING
