"""Budgets as rows of a table for templates. PURE."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.budget.report import Standing
from app.budget.windows import Calendar
from app.dashboard import formats
from app.policy.budgets import NEAR_TENTHS

_EVERYONE = {"rule": "all requests", "caller": "no caller", "tool": "no tool named"}
_COLOURS = {"": 11, "unsure": 4, "bad": 1}  # green, amber, red


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One budget, for one caller, tool or session, or for all."""

    rule: str
    budget: str
    key: str
    spent: str
    rest: str
    share: float  # of the bar: at most 1
    percent: str
    tone: Literal["", "unsure", "bad"]
    colour: int  # of the bar
    runs_out: str
    ends: str


def budget_rows(rows: Iterable[Standing], calendar: Calendar) -> tuple[BudgetRow, ...]:
    """The rows in the order of the policies; times in the time zone of budgets."""
    return tuple(_row(each, calendar) for each in rows)


def _row(row: Standing, calendar: Calendar) -> BudgetRow:
    is_spent, is_near = row.share >= 1, row.share * 10 >= NEAR_TENTHS
    tone: Literal["", "unsure", "bad"] = "bad" if is_spent else "unsure" if is_near else ""
    no_date = formats.UNKNOWN if row.budget.per == "session" else "not in this window"
    return BudgetRow(
        rule=row.budget.rule,
        budget=str(row.budget),
        key=row.key or _EVERYONE.get(row.budget.by, "no session yet"),
        spent=formats.dollars(row.spent),
        rest=formats.dollars(row.rest),
        share=min(row.share, 1.0),
        percent=formats.percent(row.share) if row.share <= 1 else f"{row.share * 100:.0f} %",
        tone=tone,
        colour=_COLOURS[tone],
        runs_out="spent" if is_spent else _shown(row.runs_out, calendar, no_date),
        ends=_shown(row.ends, calendar, "with a new session"),
    )


def _shown(moment: datetime | None, calendar: Calendar, otherwise: str) -> str:
    return otherwise if moment is None else f"{moment.astimezone(calendar.zone):%a %d %b, %H:%M}"
