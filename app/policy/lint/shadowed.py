"""Rules that never have an effect: another is more specific wherever they apply."""

from collections.abc import Iterator, Sequence

from ...wording import listed
from ..budgets import KEY as BUDGET
from ..match import Matches, rank
from ..pattern import ModelPattern
from ..policy_preferences import apart
from ..rule import Rule
from ..slug import read_slug
from .finding import Finding, Subject, at


def shadowed_rule(subject: Subject) -> Iterator[Finding]:
    """Rules whose every key is set by a more specific rule, for all that they match."""
    by_alias = {alias.rule for alias in subject.book.aliases.values()}
    for position, rule in enumerate(subject.book.rules):
        if not rule.clauses or not rule.models or rule.name in by_alias:
            continue
        above = _shadows(rule, position, subject.book.rules)
        if above:
            yield at(
                rule,
                "warning",
                f"this rule never decides anything: wherever it applies, {listed(above)} is more "
                "specific and sets the same keys; remove it, or give it other models, callers, "
                "user_agents or headers",
            )


def _shadows(rule: Rule, position: int, rules: Sequence[Rule]) -> set[str]:
    """The rules that set all of this rule's keys for all of its patterns; empty if they don't."""
    found: set[str] = set()
    for pattern in rule.models:
        over = [
            other
            for place, other in enumerate(rules)
            if other is not rule and _is_above(other, place, rule, position, pattern)
        ]
        for key in apart(rule.clauses):
            if key.partition(".")[0] == BUDGET:  # those of all rules hold
                return set()
            by = next((other.name for other in over if key in apart(other.clauses)), None)
            if by is None:
                return set()
            found.add(f'"{by}"')
    return found


def _is_above(other: Rule, place: int, rule: Rule, position: int, pattern: ModelPattern) -> bool:
    """Whether `other` applies wherever this pattern of `rule` does, and is more specific there."""
    return (
        _holds_all(other.callers, rule.callers)
        and _holds_all(other.user_agents, rule.user_agents)
        and _requires_no_more(other.headers, rule.headers)
        and any(
            _covers_all(each, pattern) and rank(other, each, place) > rank(rule, pattern, position)
            for each in other.models
        )
    )


def _holds_all(
    wide: Sequence[str] | frozenset[str], narrow: Sequence[str] | frozenset[str]
) -> bool:
    """Whether `wide` admits every request that `narrow` admits; an empty condition admits all."""
    return not wide or (bool(narrow) and set(narrow) <= set(wide))


def _requires_no_more(wide: Matches, narrow: Matches) -> bool:
    """Whether every request that has the headers of `narrow` certainly has those of `wide`."""
    names = {name for name, _ in narrow}
    return all(each in narrow or (each[1] == "*" and each[0] in names) for each in wide)


def _covers_all(wide: ModelPattern, narrow: ModelPattern) -> bool:
    """Whether the wide pattern certainly covers every model of the narrow one."""
    if wide.text == narrow.text:
        return True
    return narrow.exact and wide.covers(read_slug(narrow.text))
