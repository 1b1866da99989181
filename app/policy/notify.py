"""Which events of a rule are told: its key `notify`."""

from collections.abc import Iterable

from .rule import Rule

RULE_EVENTS = ("broken", "budget", "drift", "expiration")
OFF = "off"


def is_told(event: str, rules: Iterable[Rule]) -> bool:
    """Whether an event is told that concerns these rules, most specific first.

    The first of them that has `notify` decides, as for any other key; without one it is told. An
    event that no rule can have is always told.
    """
    if event not in RULE_EVENTS:
        return True
    for rule in rules:
        clause = rule.clauses.get("notify")
        if clause is not None:
            return event in clause.value
    return True
