"""Accounts: what has been spent under each budget, as far as this process knows. PURE.

Rule 1  What this process spends is added when a receipt is filed, and never read back. What others
        spend comes from the ledger, as totals: whatever is read twice counts once.
Rule 2  A sum belongs to a rule, a window and a caller, tool or session, not to a version of the
        policies: a changed limit holds at once.
Rule 3  When budgets appear or change, or the clock is put back, all sums are read anew. Receipts
        filed meanwhile are noted by id, and added unless the reading had them already; so are
        costs that become known meanwhile.
Rule 4  A cost that becomes known later is added when it does; until then, or until it is given up,
        its request is under way.
Rule 5  Everything here runs on the event loop, and nothing waits.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, cast

from ..errors import BudgetExceeded, BudgetUnknown
from ..exact_numbers import dollars_told
from ..ledger.receipt import Receipt
from ..ledger.spender import (
    KEPT_FOR,
    Amount,
    Question,
    Row,
    Spender,
    Spent,
    bucket_of,
    key_of,
    more_spent,
    spent_by,
)
from ..policy.budgets import PERS, PICO, Budget, Per, dollars
from .adding_up import (
    AddedUp,
    Asked,
    ByRule,
    Held,
    Place,
    Sum,
    added_up,
    grouped,
    held_of,
    is_named_by_clients,
    places,
)
from .event import BudgetEvent, event_of
from .windows import Calendar, Window

MOST_SUMS = 100_000  # some 30 MB
MOST_NOTED = 20_000  # receipts that are filed while sums are being read
STALE_SECONDS = 5.0  # without a reading; then `fail: closed` refuses
_ONE_BY_ONE = 3 * 4  # quarters of an hour whose rows may grow; an older one that does is rare
_MOST_EVENTS = 1_000
_NEAR_SECONDS = 1.0


class Asker(NamedTuple):
    """For whom a request counts."""

    caller: str | None = None
    tool: str | None = None
    session: str | None = None  # a digest

    def key(self, budget: Budget) -> str | None:
        """Under which of a budget's sums it counts."""
        return key_of(budget.by, *self)


_Spends = tuple[tuple[Spender, Amount], ...]  # what a receipt adds
_Noted = tuple[str, _Spends]  # with its id
Admitted = tuple[Sum, ...]  # the sums that a request counts for, until its cost is known


class Balance(NamedTuple):
    """A budget with what is spent of it."""

    budget: Budget
    key: str | None
    pico: int
    window: Window


class Accounts:
    """The sums, whether they are current, and what they mean for a request."""

    def __init__(
        self, calendar: Calendar, *, steady: Callable[[], float], most: int = MOST_SUMS
    ) -> None:
        """`steady` is a clock that never jumps, in seconds."""
        self.calendar = calendar
        self.in_force = False
        self.crossed: deque[BudgetEvent] = deque(maxlen=_MOST_EVENTS)
        self.cursor = 0
        self._steady = steady
        self._most = most
        self._budgets: dict[str, Budget] = {}  # by counter
        self._by_rule: ByRule = {}
        self._sums: dict[Place, Sum] = {}  # what was added to last comes last
        self._known: frozenset[str] = frozenset()  # counters whose sums were read
        self._firsts: dict[Per, int] = {}  # the oldest windows whose sums are remembered
        self._held: dict[int, Held] = {}  # by number: others' rows that may grow
        self._recent = 0
        self._noted: deque[_Noted] | None = None
        self._noted_late: deque[_Noted] = deque(maxlen=MOST_NOTED)
        self._began = 0.0
        self._read_at = self._near_at = float("-inf")
        self._in_doubt = False

    @property
    def rules(self) -> Collection[str]:
        """The rules that have budgets."""
        return self._by_rule.keys()

    def __len__(self) -> int:
        """The number of sums that are remembered."""
        return len(self._sums)

    @property
    def under_way(self) -> int:
        """The requests under way, once for each budget that they count for."""
        return sum(each.under_way for each in self._sums.values())

    # --- on the hot path ----------------------------------------------------------------------

    def admit(self, budgets: Sequence[Budget], asker: Asker, moment: datetime) -> Admitted:
        """Admit a request that began at `moment`, or raise `BudgetExceeded`, `BudgetUnknown`.

        A request without a session is not held to what one session may spend.
        """
        admitted: list[Sum] = []
        for budget in budgets:
            key = asker.key(budget)
            if key is None and budget.per == "session":
                continue
            if budget.fail == "closed" and not self._is_current(budget):
                raise BudgetUnknown(_unknown(budget))
            window = self.calendar.window(budget.per, moment)
            place = (budget.counter, window.first, key)
            found = self._sums.get(place) or self._new(place)
            if found.pico >= budget.near and found.expected() >= budget.limit:
                raise BudgetExceeded(_exceeded(budget, key, found, window, self.calendar))
            admitted.append(found)
        for each in admitted:
            each.under_way += 1
        return tuple(admitted)

    def filed(self, receipt: Receipt, admitted: Admitted = ()) -> None:
        """Add what a request of this process cost, once, when it has ended."""
        self.let_go(admitted)
        if self.in_force:
            self._count(receipt.id, tuple(spent_by(receipt)), self._noted)

    def learned(self, before: Receipt, after: Receipt, admitted: Admitted) -> None:
        """Add what became known of a receipt after it was filed."""
        self.let_go(admitted)
        if self.in_force:
            noted = None if self._noted is None else self._noted_late
            self._count(after.id, tuple(more_spent(before, after)), noted)

    def let_go(self, admitted: Admitted) -> None:
        """Count a request as ended; its cost is not known."""
        for each in admitted:
            each.under_way -= 1

    # --- following the ledger -----------------------------------------------------------------

    def use(self, budgets: Iterable[Budget]) -> None:
        """Use these budgets from now on."""
        given = {each.counter: each for each in budgets}
        if given == self._budgets:
            return
        limits = {each.counter: each.limit for each in self._budgets.values()}
        self._budgets, self.in_force = given, bool(given)
        self._in_doubt |= self._is_another(limits)
        self._known &= given.keys()
        self._by_rule = grouped(given.values())
        if not given:
            self._sums.clear()
            self._held.clear()
            self._known, self._noted = frozenset(), None

    def must_read(self, moment: datetime) -> bool:
        """Whether all sums have to be read from the ledger."""
        return (
            self._in_doubt
            or not self._budgets.keys() <= self._known
            or any(self.calendar.window(per, moment).first < at for per, at in self._firsts.items())
        )

    def begin(self) -> float:
        """Begin to note what is filed; return since how many seconds it is noted."""
        if self._noted is None:
            self._noted = deque(maxlen=MOST_NOTED)
            self._began = self._steady()
            self._noted_late.clear()
        return self._steady() - self._began

    def asked(self, moment: datetime) -> Asked:
        """What to read for the windows at a moment: sums of the past, and recent rows."""
        recent = bucket_of(moment) - _ONE_BY_ONE
        counters = tuple(self._budgets.values())
        windows = tuple(self.calendar.window(each.per, moment) for each in counters)
        oldest = bucket_of(moment - KEPT_FOR)
        questions = tuple(
            Question(each.rule, each.by, max(window.first, oldest), recent)
            for each, window in zip(counters, windows, strict=True)
        )
        return Asked(counters, questions, windows, recent)

    @property
    def noted(self) -> Sequence[str]:
        """The ids of the receipts filed since `begin`."""
        return [receipt_id for receipt_id, _ in self._noted or ()]

    @property
    def noted_late(self) -> Sequence[str]:
        """The ids of the receipts whose costs became known since `begin`; any thread may ask."""
        return [receipt_id for receipt_id, _ in tuple(self._noted_late)]

    def add_up(self, asked: Asked, spent: Spent) -> AddedUp:
        """Add up what was read; for a thread beside the event loop."""
        return added_up(asked, spent, Calendar(self.calendar.zone), self._most)

    def read(self, asked: Asked, found: AddedUp, written: Collection[str]) -> None:
        """Take over what was added up. `written` are the noted receipts that it contains."""
        for place, each in self._sums.items():
            if each.under_way:  # requests that will end have this very sum
                known = found.sums.get(place)
                each.pico, each.requests = (known.pico, known.requests) if known else (0, 0)
                found.sums[place] = each
        self._sums = found.sums
        self._known = frozenset(each.counter for each in asked.counters)
        self._firsts = {
            each.per: window.first
            for each, window in zip(asked.counters, asked.windows, strict=True)
        }
        self._put_noted(self._noted or (), written)
        self._put_noted(self._noted_late, found.settled)
        self._held = found.held
        self._recent, self.cursor, self._noted = asked.recent, found.cursor, None
        self._in_doubt = self._is_another({each.counter: each.limit for each in asked.counters})
        self.crossed.extend(each for each in found.reached if each.rule in self._by_rule)
        self.saw_ledger()

    def followed(self, cursor: int, rows: Iterable[Row]) -> None:
        """Take over totals that others have changed."""
        self.cursor = cursor
        for row in rows:
            known = self._held.get(row.number)
            if known is None and row.spender.bucket < self._recent:
                self._in_doubt = True  # a total that was added up with others
                continue
            before = known.amount if known is not None else Amount()
            self._held[row.number] = held_of(row)
            more = Amount(row.amount.requests - before.requests, row.amount.pico - before.pico)
            self._add(row.spender, more)
        self.saw_ledger()

    def tidy(self, moment: datetime) -> None:
        """Let go of rows that no longer grow, and of windows that ended a day ago."""
        recent = bucket_of(moment) - _ONE_BY_ONE
        if recent > self._recent + 4:
            self._recent = recent
            self._held = {number: row for number, row in self._held.items() if row.bucket >= recent}
            over = moment - timedelta(days=1)
            firsts = {per: self.calendar.window(per, over).first for per in PERS}
            # A clock that was ahead and is put back finds these windows gone, and reads anew.
            self._firsts = {per: max(first, firsts[per]) for per, first in self._firsts.items()}
            self._sums = {
                place: each
                for place, each in self._sums.items()
                if each.under_way or place[1] >= firsts[_per_of(place)]
            }

    def saw_ledger(self) -> None:
        """Note that the ledger can be read."""
        self._read_at = self._steady()

    @property
    def is_near(self) -> bool:
        """Whether something was spent just now under a budget that is nearly spent."""
        return self._steady() - self._near_at < _NEAR_SECONDS

    @property
    def age_seconds(self) -> float | None:
        """Seconds since the sums agreed with the ledger; `None`: never yet, or without budgets."""
        age = self._steady() - self._read_at
        return age if self.in_force and age < float("inf") else None

    # --- for people ---------------------------------------------------------------------------

    def balances(
        self, budgets: Iterable[Budget], asker: Asker, moment: datetime
    ) -> tuple[Balance, ...]:
        """What is spent of some budgets, for one asker."""
        found = []
        for budget in budgets:
            window = self.calendar.window(budget.per, moment)
            key = asker.key(budget)
            known = self._sums.get((budget.counter, window.first, key))
            found.append(Balance(budget, key, known.pico if known else 0, window))
        return tuple(found)

    def shares(self, moment: datetime) -> dict[tuple[str, str, str], float]:
        """The highest share spent in the current window, by rule, `per` and `by`."""
        found: dict[tuple[str, str, str], float] = {
            (each.rule, each.per, each.by): 0.0 for each in self._budgets.values()
        }
        firsts = {per: self.calendar.window(per, moment).first for per in self._firsts}
        for (counter, first, _), each in self._sums.items():
            budget = self._budgets.get(counter)
            if budget is not None and first == firsts.get(budget.per):
                name = (budget.rule, budget.per, budget.by)
                found[name] = max(found[name], each.pico / budget.limit)
        return found

    # --- inside -------------------------------------------------------------------------------

    def _is_current(self, budget: Budget) -> bool:
        return budget.counter in self._known and self._steady() - self._read_at <= STALE_SECONDS

    def _new(self, place: Place) -> Sum:
        """A sum for a place that has none, of which there are not too many.

        Clients can name any number of tools and sessions, so the oldest of these are let go of.
        Those of rules and callers are not: a flood of names must not free a spent budget.
        """
        if len(self._sums) >= self._most and is_named_by_clients(place):
            named = [each for each in self._sums if is_named_by_clients(each)]
            if len(named) >= self._most:
                for each in named[: 1 + self._most // 10]:
                    del self._sums[each]
        made = self._sums[place] = Sum()
        return made

    def _is_another(self, limits: Mapping[str, int]) -> bool:
        """Whether a budget has another limit than before: it may be passed already."""
        return any(
            limits.get(counter, each.limit) != each.limit for counter, each in self._budgets.items()
        )

    def _places(self, spender: Spender) -> list[tuple[Place, Budget, Window]]:
        return places(self._by_rule, self.calendar, spender)

    def _put(self, place: Place, amount: Amount) -> Sum:
        found = self._sums.pop(place, None)
        if found is None:
            found = self._new(place)
        self._sums[place] = found
        found.add(amount)
        return found

    def _count(self, receipt_id: str, spends: _Spends, noted: deque[_Noted] | None) -> None:
        """Add what a receipt adds, and note it if all sums are being read."""
        if noted is not None and spends:
            noted.append((receipt_id, spends))
        for spender, amount in spends:
            self._add(spender, amount)

    def _put_noted(self, noted: Iterable[_Noted], known: Collection[str]) -> None:
        """Add what was noted and is not known already, without a word about budgets."""
        for receipt_id, spends in noted:
            if receipt_id not in known:
                for spender, amount in spends:
                    for place, _, _ in self._places(spender):
                        self._put(place, amount)

    def _add(self, spender: Spender, amount: Amount) -> None:
        """Add an amount, and note each budget that is passed, or nearly, by it."""
        for place, budget, window in self._places(spender):
            found = self._put(place, amount)
            if found.pico < budget.near:
                continue  # nearly always
            self._near_at = self._steady()
            before = found.pico - amount.pico
            if before < budget.limit <= found.pico:
                self.crossed.append(event_of(budget, place, found.pico, window, "spent"))
            elif before < budget.near and found.pico < budget.limit:
                self.crossed.append(event_of(budget, place, found.pico, window, "near"))


def _per_of(place: Place) -> Per:
    return cast("Per", place[0].split(" ", 1)[0])


def _exceeded(
    budget: Budget, key: str | None, spent: Sum, window: Window, calendar: Calendar
) -> str:
    whose = f" for {budget.by} {key}" if key is not None and budget.by in {"caller", "tool"} else ""
    used = f"{dollars_told(Decimal(spent.pico) / PICO)} of {dollars(budget.usd)} per {budget.per}"
    if spent.pico >= budget.limit:
        begin = f"the budget of {budget.place} is spent: {used}{whose}"
        if budget.per == "session":
            return f"{begin}; start a new session, or raise the budget"
        return f"{begin}; it is free again at {calendar.shown(window.end)}"
    count = spent.under_way
    ends = "" if budget.per == "session" else f", at the latest at {calendar.shown(window.end)}"
    return (
        f"the budget of {budget.place} is nearly spent: {used}{whose}, and {count} "
        f"request{'' if count == 1 else 's'} whose cost is not known yet will use up the rest, at "
        "their mean cost; "
        f"it is free again if they cost less{ends}"
    )


def _unknown(budget: Budget) -> str:
    return (
        f"what is spent of the budget of {budget.place} is not known, because the ledger can't be "
        "read, and the budget has `fail: closed`; retry later, or see /ready"
    )
