"""What is told when a budget is nearly spent, and when it is. PURE."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from ..exact_numbers import dollars_told
from ..policy.budgets import PICO, Budget
from .windows import Window

Kind = Literal["near", "spent"]


@dataclass(frozen=True, slots=True)
class BudgetEvent:
    """A budget was passed, or nearly; once in each window, for each caller, tool or session."""

    rule: str
    budget: str  # in words: `$5 a day, for each caller`
    spent: Decimal  # USD
    limit: Decimal  # USD
    share: float  # of the limit
    window_end: datetime | None  # None: it lasts as long as its session
    kind: Kind
    caller: str | None = None  # where each has its own
    key: str | None = None  # the caller, tool or session, where it is for each of them
    name: str = ""  # the same for all processes that notice it

    def __str__(self) -> str:
        """Render in one sentence, for logs."""
        whose = f" ({self.key})" if self.key else ""
        ends = f"; free again at {self.window_end.isoformat()}" if self.window_end else ""
        state = "nearly spent" if self.kind == "near" else "spent, and requests are refused"
        return (
            f'the budget of rule "{self.rule}" is {state}: {dollars_told(self.spent)} of '
            f"{self.budget}{whose}, {int(self.share * 100)} %{ends}"
        )


Told = Callable[[BudgetEvent], None]


def event_of(
    budget: Budget, place: tuple[str, int, str | None], pico: int, window: Window, kind: Kind
) -> BudgetEvent:
    """The event of a sum; `place` is where it is counted, `pico` what is spent."""
    return BudgetEvent(
        rule=budget.rule,
        budget=str(budget),
        spent=Decimal(pico) / PICO,
        limit=budget.usd,
        share=pico / budget.limit,
        window_end=None if budget.per == "session" else window.end,
        kind=kind,
        caller=place[2] if budget.by == "caller" else None,
        key=place[2],
        name="\0".join((*map(str, place), str(budget.limit), kind)),
    )
