"""The contents of a policy file after reading: clauses, rules, aliases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .pattern import ModelPattern

HeaderMatch = tuple[str, str]  # a header's name in lower case, and the pattern of its value

ALIAS = "alias "  # how the name of a clause's rule begins when it is an alias's own


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """One requirement of a policy, and its place in the file.

    Keys are flat, so that each can be replaced separately: `quantization_floor`,
    `max_price.prompt`, `set.session_id`, `refuse.plugins`.
    """

    key: str
    value: Any
    rule: str  # the rule's name, or `alias NAME`
    file: str
    line: int

    def __str__(self) -> str:
        """Render as `rule "precise" (policies/default.yaml:12)`."""
        return named((self,))


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Patterns, and the clauses for the models they cover."""

    name: str
    file: str
    line: int
    models: tuple[ModelPattern, ...]  # none: only aliases name this rule
    callers: frozenset[str]
    user_agents: tuple[str, ...]
    headers: frozenset[HeaderMatch]  # a request must match all of them
    clauses: Mapping[str, Clause]


@dataclass(frozen=True, slots=True, eq=False)
class Alias:
    """An invented name for a model, and clauses on top of that model's rules."""

    name: str
    file: str
    line: int
    model: str
    rule: str | None
    clauses: Mapping[str, Clause]


def named(clauses: Iterable[Clause]) -> str:
    """Places of clauses: `rule "precise" (policies/default.yaml:12, 14) and alias mine (...)`."""
    lines: dict[tuple[str, str], dict[int, None]] = {}
    for clause in clauses:
        lines.setdefault((clause.rule, clause.file), {})[clause.line] = None
    return " and ".join(
        f"{_who(rule)} ({file}:{', '.join(map(str, places))})"
        for (rule, file), places in lines.items()
    )


def rules_named(rules: Sequence[str]) -> str:
    """Render rules by name: `rule "a"`, `rules "a" and "b"`, `rules "a", "b" and "c"`."""
    *others, last = [f'"{rule}"' for rule in rules]
    return f"rules {', '.join(others)} and {last}" if others else f"rule {last}"


def _who(rule: str) -> str:
    return rule if rule.startswith(ALIAS) else f'rule "{rule}"'
