"""Budgets as rows of a table for templates. PURE."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..budget.report import Standing
from ..budget.windows import Calendar
from ..policy.budgets import NEAR_TENTHS, By
from . import formats

_NO_KEY: Mapping[By, str] = {
    "rule": "all requests",
    "caller": "no caller",
    "tool": "no tool named",
    "session": "no session yet",
}


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
    bar: Literal["kept", "unproven", "broken"]  # the colour of its share
    runs_out: str
    ends: str


def budget_rows(rows: Iterable[Standing], calendar: Calendar) -> tuple[BudgetRow, ...]:
    """The rows in the order of the policies; times in the time zone of budgets."""
    return tuple(_row(each, calendar) for each in rows)


def _row(row: Standing, calendar: Calendar) -> BudgetRow:
    is_spent, is_near = row.share >= 1, row.share * 10 >= NEAR_TENTHS
    no_date = formats.UNKNOWN if row.budget.per == "session" else "not in this window"
    return BudgetRow(
        rule=row.budget.rule,
        budget=row.budget.amount,
        key=_NO_KEY[row.budget.by] if row.key is None else f"{row.budget.by} {row.key}",
        spent=formats.dollars(row.spent),
        rest=formats.dollars(row.rest),
        share=min(row.share, 1.0),
        percent=formats.percent(row.share) if row.share <= 1 else f"{row.share * 100:.0f} %",
        bar="broken" if is_spent else "unproven" if is_near else "kept",
        runs_out="refused now" if is_spent else _shown(row.runs_out, calendar, no_date),
        ends=_shown(row.ends, calendar, "with a new session"),
    )


def _shown(moment: datetime | None, calendar: Calendar, otherwise: str) -> str:
    return otherwise if moment is None else f"{moment.astimezone(calendar.zone):%a %d %b, %H:%M}"
