"""Reports: every budget with what is spent of it, from the ledger, for people and programs."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from ..ledger.spender import KEPT_FOR, Amount, Question, Spent, bucket_of
from ..policy.budgets import PICO, Budget, By
from .accounts import Balance
from .windows import Calendar, Window

Keys = Mapping[By, str | None]  # the caller, tool and session of one request

MOST_ROWS = 100  # of one budget: callers, tools or sessions, those that spent most


class Ledger(Protocol):
    """The part of the store that is read."""

    def spent(self, questions: Sequence[Question], rules: Collection[str], recent: int, /) -> Spent:
        """Return the spending of rules, all at one moment."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget with what is spent of it; for one caller, tool or session, or for all."""

    budget: Budget
    key: str | None  # None: for all together, or for requests that name none
    spent: Decimal  # USD
    window: Window
    runs_out: datetime | None = None  # at today's pace; None: not within the window

    @property
    def rest(self) -> Decimal:
        """What is left, in USD; zero if it is spent."""
        return max(self.budget.usd - self.spent, Decimal(0))

    @property
    def share(self) -> float:
        """The share that is spent; above 1 if requests under way cost more than was left."""
        return float(self.spent / self.budget.usd)

    @property
    def ends(self) -> datetime | None:
        """When it is free again; None: it lasts as long as its session."""
        return None if self.budget.per == "session" else self.window.end


def standing_of(balance: Balance) -> Standing:
    """The same from the accounts of a running process."""
    return Standing(balance.budget, balance.key, Decimal(balance.pico) / PICO, balance.window)


def report(
    ledger: Ledger,
    budgets: Sequence[Budget],
    calendar: Calendar,
    now: datetime,
    keys: Keys | None = None,
) -> list[Standing]:
    """Every budget, in the order of the policies; of its keys, those that spent most.

    With `keys`, those of one request only. `now` is in UTC. Raises `LedgerError`.
    """
    today = calendar.window("day", now)
    oldest, stop = bucket_of(now - KEPT_FOR), bucket_of(now) + 1
    questions: list[Question] = []
    for each in budgets:
        first = max(calendar.window(each.per, now).first, oldest)
        questions.append(Question(each.rule, each.by, first, stop))
        questions.append(Question(each.rule, each.by, max(first, today.first), stop))
    answers = ledger.spent(questions, (), stop).answers
    rows: list[Standing] = []
    for place, budget in enumerate(budgets):
        spent, lately = (dict(answers[2 * place + part]) for part in (0, 1))
        keyed = spent if keys is None else {at: spent.get(at, Amount()) for at in [keys[budget.by]]}
        rows += _of_one(budget, keyed, lately, calendar, now)
    return rows


def _of_one(
    budget: Budget,
    spent: Mapping[str | None, Amount],
    lately: Mapping[str | None, Amount],
    calendar: Calendar,
    now: datetime,
) -> Iterable[Standing]:
    window = calendar.window(budget.per, now)
    since = max(calendar.window("day", now).start, window.start)
    keys = [key for key in spent if key is not None or budget.per != "session"]
    keys.sort(key=lambda key: spent[key].pico, reverse=True)
    for key in keys[:MOST_ROWS]:
        row = Standing(budget, key, Decimal(spent[key].pico) / PICO, window)
        pace = Decimal(lately.get(key, Amount()).pico) / PICO
        yield Standing(budget, key, row.spent, window, _runs_out(row, pace, now, since))
    if not keys:
        yield Standing(budget, None, Decimal(0), window)


def _runs_out(row: Standing, pace: Decimal, now: datetime, since: datetime) -> datetime | None:
    """When the rest is spent, if spending goes on as it did since then. A session has no pace."""
    if not row.rest or not pace or row.budget.per == "session":
        return None
    left = float(row.rest / pace) * max((now - since).total_seconds(), 1.0)
    if left >= (row.window.end - now).total_seconds():
        return None
    return now + timedelta(seconds=left)


def standing_as_json(row: Standing, calendar: Calendar) -> dict[str, Any]:
    """A row for machines; amounts in USD, times with the offset of the time zone."""
    budget, clause = row.budget, row.budget.clause

    def shown(moment: datetime | None) -> str | None:
        return None if moment is None else calendar.shown(moment)

    return {
        "rule": budget.rule,
        "file": clause.file,
        "line": clause.line,
        "budget": str(budget),
        "usd": float(budget.usd),
        "per": budget.per,
        "by": budget.by,
        "fail": budget.fail,
        "key": row.key,
        "spent_usd": float(row.spent),
        "rest_usd": float(row.rest),
        "share": row.share,
        "is_spent": row.spent >= budget.usd,
        "window_start": None if row.ends is None else calendar.shown(row.window.start),
        "window_end": shown(row.ends),
        "runs_out_at": shown(row.runs_out),
    }


@dataclass(frozen=True, slots=True)
class Report:
    """The budgets in force and what is spent of them, as often as one asks; read in a thread."""

    ledger: Callable[[], Ledger]
    budgets: Callable[[], Sequence[Budget]]
    calendar: Calendar
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def rows(self, keys: Keys | None = None) -> list[Standing]:
        """Return every budget, as `report` does. Raises `LedgerError`."""
        budgets = self.budgets()
        return report(self.ledger(), budgets, self.calendar, self.now(), keys) if budgets else []


def readable(rows: Iterable[Standing], only: str | None) -> list[Standing]:
    """The rows that a caller may see: those of its own; None sees all."""
    return [row for row in rows if only is None or (row.budget.by == "caller" and row.key == only)]
