"""Adds up what was read from the ledger, beside the event loop: it can be a million rows. PURE."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from typing import NamedTuple

from ..ledger.spender import Amount, Question, Row, Spender, Spent, key_of, start_of
from ..policy.budgets import Budget
from .event import BudgetEvent, Kind, event_of
from .windows import Calendar, Window

FEWEST = 20  # finished requests, before their mean says anything of those under way
MOST_REACHED = 100  # budgets found spent by one reading that are told

Place = tuple[str, int, str | None]  # counter, the window's first quarter, key
ByRule = Mapping[str, Sequence[Budget]]


class Sum:
    """What is spent in one window, and how many requests are under way."""

    __slots__ = ("pico", "requests", "under_way")

    def __init__(self) -> None:
        self.pico = 0
        self.requests = 0
        self.under_way = 0

    def expected(self) -> int:
        """The picodollars spent once the requests under way have ended, at their mean cost."""
        if not self.under_way or self.requests < FEWEST:
            return self.pico
        return self.pico + self.under_way * self.pico // self.requests

    def add(self, amount: Amount) -> None:
        """Add what requests that have ended cost."""
        self.requests += amount.requests
        self.pico += amount.pico


class Held(NamedTuple):
    """What is remembered of another process's row, of which there can be a million."""

    bucket: int
    amount: Amount


class Asked(NamedTuple):
    """What to read from the ledger."""

    counters: tuple[Budget, ...]
    questions: tuple[Question, ...]
    windows: tuple[Window, ...]  # by question
    recent: int


class AddedUp(NamedTuple):
    """What was read, as accounts take it over."""

    sums: dict[Place, Sum]  # those that were added to last come last
    held: dict[int, Held]
    reached: tuple[BudgetEvent, ...]  # budgets that are spent, or nearly; most were told before
    cursor: int
    settled: frozenset[str]  # late costs that are in the sums, by receipt


def added_up(asked: Asked, spent: Spent, calendar: Calendar, most: int) -> AddedUp:
    """Add up the answers and the recent rows; of clients' names, at most so many are kept.

    `calendar` must be one that no other thread uses.
    """
    sums: dict[Place, Sum] = {}
    by_rule = grouped(asked.counters)
    for budget, window, answer in zip(asked.counters, asked.windows, spent.answers, strict=True):
        for key, amount in answer:
            _put(sums, (budget.counter, window.first, key), amount)
    for row in spent.rows:
        for place, _, _ in places(by_rule, calendar, row.spender):
            _put(sums, place, row.amount)
    named = [place for place in sums if is_named_by_clients(place)]
    for place in named[: max(len(named) - most, 0)]:
        del sums[place]
    held = {row.number: held_of(row) for row in spent.rows}
    return AddedUp(sums, held, tuple(_reached(asked, sums)), spent.cursor, spent.settled)


def grouped(budgets: Iterable[Budget]) -> ByRule:
    """The budgets by the name of their rule."""
    found: dict[str, list[Budget]] = {}
    for each in budgets:
        found.setdefault(each.rule, []).append(each)
    return found


def places(
    by_rule: ByRule, calendar: Calendar, spender: Spender
) -> list[tuple[Place, Budget, Window]]:
    """Where a row or a receipt counts."""
    _, rule, caller, tool, session = spender
    moment, found = start_of(spender.bucket), []
    for budget in by_rule.get(rule, ()):
        key = key_of(budget.by, caller, tool, session)
        if key is not None or budget.per != "session":
            window = calendar.window(budget.per, moment)
            found.append(((budget.counter, window.first, key), budget, window))
    return found


def held_of(row: Row) -> Held:
    """What is remembered of a row."""
    return Held(row.spender.bucket, row.amount)


def is_named_by_clients(place: Place) -> bool:
    """Whether a sum is one of a tool or a session, of which clients can name any number."""
    return place[0].split(" ", 2)[1] in {"tool", "session"}


def _put(sums: dict[Place, Sum], place: Place, amount: Amount) -> None:
    """Add to a sum, which comes last then."""
    found = sums.pop(place, None) or Sum()
    found.add(amount)
    sums[place] = found


def _reached(asked: Asked, sums: Mapping[Place, Sum]) -> Iterator[BudgetEvent]:
    """The budgets of current windows that are spent, or nearly; those that are passed most.

    A limit that was lowered, or a budget that is new, may be passed without any more spending.
    """
    current = {
        (budget.counter, window.first): (budget, window)
        for budget, window in zip(asked.counters, asked.windows, strict=True)
    }
    found = (
        (each.pico / current[place[:2]][0].limit, place)
        for place, each in sums.items()
        if place[:2] in current and each.pico >= current[place[:2]][0].near
    )
    for _, place in nlargest(MOST_REACHED, found, key=lambda row: row[0]):
        budget, window = current[place[:2]]
        pico = sums[place].pico
        kind: Kind = "spent" if pico >= budget.limit else "near"
        yield event_of(budget, place, pico, window, kind)
