"""The budgets of rules: how much may be spent in a window of time, counted for whom.

Budgets of all rules that apply to a request hold, and none replaces another. What has been spent
is not known here: `app/budget` counts it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, get_args

from .rule import Clause, Rule, named

Per = Literal["hour", "day", "week", "month", "session"]
By = Literal["caller", "tool", "session", "rule"]
Fail = Literal["open", "closed"]

PERS: tuple[Per, ...] = get_args(Per)  # shortest first
BYS: tuple[By, ...] = get_args(By)
FAILS: tuple[Fail, ...] = get_args(Fail)
KEY = "budget"
NEAR_TENTHS = 8  # of ten: from here on, a budget is nearly spent
PICO = 10**12
_BY_WORDS = {
    "rule": "",
    "caller": ", for each caller",
    "tool": ", for each tool",
    "session": ", for each session",
}


@dataclass(frozen=True, slots=True, eq=False)
class Budget:
    """One entry of a rule's `budget`."""

    clause: Clause
    usd: Decimal
    per: Per
    by: By
    fail: Fail
    limit: int = field(init=False)  # picodollars
    near: int = field(init=False)  # the same, from which on it is nearly spent
    counter: str = field(init=False)  # the sum that it limits: the same after a reload

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", int(self.usd * PICO))
        object.__setattr__(self, "near", self.limit * NEAR_TENTHS // 10)
        object.__setattr__(self, "counter", f"{self.per} {self.by} {self.clause.rule}")

    @property
    def rule(self) -> str:
        """The name of its rule."""
        return self.clause.rule

    @property
    def place(self) -> str:
        """Its rule with file and line: `rule "careful" (policies/default.yaml:12)`."""
        return named((self.clause,))

    @property
    def amount(self) -> str:
        """The amount and its window: `$5 a day`."""
        return f"{dollars(self.usd)} {'an' if self.per == 'hour' else 'a'} {self.per}"

    def __str__(self) -> str:
        """Render as `$5 a day, for each caller`."""
        return self.amount + ("" if self.per == "session" else _BY_WORDS[self.by])


def dollars(amount: Decimal) -> str:
    """An amount as it is written in a policy: $5, $0.25, without a needless exponent or zero."""
    return f"${format(amount.normalize(), 'f')}"


def budgets_in(clauses: Mapping[str, Clause]) -> tuple[Budget, ...]:
    """The budgets of one rule, in the order of the file."""
    return tuple(_budget(clause) for key, clause in clauses.items() if key.partition(".")[0] == KEY)


def budgets_of(rules: Iterable[Rule]) -> Mapping[str, tuple[Budget, ...]]:
    """The budgets by rule, without the rules that have none."""
    found = {rule.name: budgets_in(rule.clauses) for rule in rules}
    return {name: budgets for name, budgets in found.items() if budgets}


def by_of(entry: Mapping[str, Any]) -> By:
    """For whom an entry is counted: with `per: session`, for each session."""
    usual: By = "session" if entry["per"] == "session" else "rule"
    given: By = entry.get("by", usual)
    return given


def _budget(clause: Clause) -> Budget:
    entry = clause.value
    return Budget(
        clause=clause,
        usd=Decimal(str(entry["usd"])),
        per=entry["per"],
        by=by_of(entry),
        fail=entry.get("fail", FAILS[0]),
    )
