"""No interleaving of requests over several processes passes a budget by more than the bound.

The model: processes that admit and finish requests, a ledger that their receipts reach later, in
batches, and that each process follows from time to time; restarts, clocks that jump, totals that
are delivered twice. The bound: the cost of the request that was admitted last, and of those whose
cost its process could not know then: under way, or not read from the ledger yet.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.budget.accounts import Accounts, Admitted, Asker
from app.budget.windows import Calendar
from app.errors import BudgetExceeded
from app.ledger.late import LateCost, with_cost
from app.ledger.receipt import Receipt, new_receipt_id
from app.ledger.store import Store
from app.policy.budgets import PICO, Budget
from tests.policy.sending import book_of

BERLIN = ZoneInfo("Europe/Berlin")
# Shortly before days of 23 and 25 hours, and a usual one.
STARTS = [
    datetime(2026, 3, 28, 22, 40, tzinfo=UTC),
    datetime(2026, 10, 24, 21, 50, tzinfo=UTC),
    datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
]
BOOK = book_of(
    {
        "name": "held",
        "budget": [
            {"usd": 6, "per": "hour"},
            {"usd": 10, "per": "day"},
            {"usd": 30, "per": "month", "by": "caller"},
            {"usd": 9, "per": "session"},
        ],
    }
)
_RANDOM = Random(0)


@dataclass
class Request:
    """A request, from its admission on."""

    process: int
    asker: Asker
    began: datetime
    cost: int  # USD
    admitted: Admitted
    filed: bool = False  # with its cost
    written: bool = False
    left: Receipt | None = None  # filed without its cost, which a record tells later


@dataclass
class Process:
    """One Pointsman: its accounts, and receipts that wait to be written."""

    number: int
    accounts: Accounts
    waiting: list[tuple[Request, Receipt | LateCost]] = field(default_factory=list)
    notes: bool = False  # whether it notes what is filed, because all is to be read
    older: int = 0  # of those that wait, filed before it began to
    known: set[int] = field(default_factory=set)  # requests, by place, whose cost it knows


class Budgeted(RuleBasedStateMachine):
    """Every step that can happen, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store.open("sqlite:///:memory:")
        self.requests: list[Request] = []
        self.processes: list[Process] = []
        self.made = 0
        self.steady = 0.0
        # By budget, window and key: what the last admitted request's process could not know.
        self.bound: dict[tuple[str, int, str | None], int] = {}

    @initialize(start=st.sampled_from(STARTS), count=st.integers(1, 3))
    def begin(self, start: datetime, count: int) -> None:
        self.now = start
        for _ in range(count):
            self.processes.append(self.started())

    def teardown(self) -> None:
        self.store.close()

    def started(self) -> Process:
        """A process that has just read the ledger."""
        self.made += 1
        process = Process(self.made, Accounts(Calendar(BERLIN), steady=lambda: self.steady))
        process.accounts.use(BOOK.budgets)
        self.read_all(process)
        return process

    def read_all(self, process: Process) -> None:
        accounts = process.accounts
        asked = accounts.asked(self.now)
        rules, late = [*accounts.rules], lambda: accounts.noted_late
        spent = self.store.spent(asked.questions, rules, asked.recent, late)
        accounts.read(
            asked, accounts.add_up(asked, spent), self.store.written([*accounts.noted], spent.seq)
        )
        for at, each in enumerate(self.requests):
            if each.written:
                process.known.add(at)

    def follow(self, process: Process) -> None:
        accounts = process.accounts
        if accounts.must_read(self.now):
            self.note(process)
            self.write(process, process.older)  # it waits until what was filed before is written
            self.read_all(process)
            process.notes = False
            return
        cursor, rows = self.store.spent_since(
            accounts.cursor, [*accounts.rules], but=process.number
        )
        accounts.followed(cursor, rows)
        accounts.followed(cursor, rows)  # what is read twice counts once
        process.known |= {at for at, each in enumerate(self.requests) if each.written}

    def note(self, process: Process) -> None:
        process.accounts.begin()
        if not process.notes:
            process.notes, process.older = True, len(process.waiting)

    def write(self, process: Process, count: int | None = None) -> None:
        """Write receipts in the order in which they were filed."""
        batch = process.waiting[:count]
        self.store.writer = process.number
        receipts = [each for _, each in batch if isinstance(each, Receipt)]
        costs = [each for _, each in batch if isinstance(each, LateCost)]
        self.store.write(receipts)
        self.store.write(receipts[:1])  # as when the confirmation of a batch gets lost
        for some in (costs, costs[:1]):
            self.store.note_costs(some)
        for request, each in batch:
            if request.left is None or isinstance(each, LateCost):
                request.written = True
        del process.waiting[: len(batch)]
        process.older = max(process.older - len(batch), 0)

    @rule(
        which=st.integers(0, 2),
        cost=st.integers(0, 4),
        caller=st.sampled_from(["ann", "bob"]),
        session=st.sampled_from([None, "s1", "s2"]),
    )
    def admit(self, which: int, cost: int, caller: str, session: str | None) -> None:
        process = self.processes[which % len(self.processes)]
        asker = Asker(caller=caller, tool="t", session=session)
        try:
            admitted = process.accounts.admit(BOOK.budgets, asker, self.now)
        except BudgetExceeded:
            assert any(
                self.known_of(process, each, place) >= each.usd
                for each, place in self.places(asker, self.now)
            )
            return
        for budget, place in self.places(asker, self.now):
            assert self.known_of(process, budget, place) < budget.usd
            unknown = self.total(place) - self.known_of(process, budget, place)
            self.bound[place] = unknown + cost
        self.requests.append(Request(process.number, asker, self.now, cost, admitted))

    @precondition(lambda self: any(not each.filed for each in self.requests))
    @rule(data=st.data(), left=st.booleans())
    def finish(self, data: st.DataObject, *, left: bool) -> None:
        """A request ends; if its client left, its cost becomes known the next time."""
        running = [each for each in self.requests if not each.filed]
        request = data.draw(st.sampled_from(running))
        process = next(p for p in self.processes if p.number == request.process)
        self.end(process, request, left=left)

    def end(self, process: Process, request: Request, *, left: bool) -> None:
        if request.left is not None:
            self.learn(process, request, request.left)
            return
        request.filed = not left
        receipt = Receipt(
            id=new_receipt_id(request.began.timestamp(), _RANDOM),
            started_at=request.began,
            path="/v1/chat/completions",
            ending="complete",
            rules=("held",),
            caller=request.asker.caller,
            user_agent=request.asker.tool,
            session=request.asker.session,
            cost_usd=None if left else Decimal(request.cost),
        )
        process.waiting.append((request, receipt))
        if left:
            request.left = receipt
            process.accounts.filed(receipt)
            return
        process.accounts.filed(receipt, request.admitted)
        process.known.add(self.requests.index(request))

    def learn(self, process: Process, request: Request, left: Receipt) -> None:
        request.filed = True
        late = LateCost(id=left.id, cost_usd=Decimal(request.cost))
        process.waiting.append((request, late))
        process.accounts.learned(left, with_cost(left, late), request.admitted)
        process.known.add(self.requests.index(request))

    @precondition(lambda self: any(not each.filed for each in self.requests))
    @rule(data=st.data(), is_written=st.booleans())
    def learn_while_all_is_read(self, data: st.DataObject, *, is_written: bool) -> None:
        """A cost becomes known after a reading was begun, and may be in what is read."""
        running = [each for each in self.requests if not each.filed]
        request = data.draw(st.sampled_from(running))
        process = next(p for p in self.processes if p.number == request.process)
        if request.left is None:
            self.end(process, request, left=True)
        self.policies_change(self.processes.index(process))
        self.end(process, request, left=True)
        if is_written:
            self.write(process)
        self.follow(process)

    @rule(which=st.integers(0, 2))
    def batch(self, which: int) -> None:
        self.write(self.processes[which % len(self.processes)])

    @rule(which=st.integers(0, 2))
    def look(self, which: int) -> None:
        self.follow(self.processes[which % len(self.processes)])

    @rule(which=st.integers(0, 2))
    def policies_change(self, which: int) -> None:
        """The budgets go and come back: all is to be read, and receipts are filed meanwhile."""
        process = self.processes[which % len(self.processes)]
        process.accounts.use(())
        process.accounts.use(BOOK.budgets)
        process.notes = False
        self.note(process)
        process.known.clear()

    @rule(which=st.integers(0, 2))
    def restart(self, which: int) -> None:
        """Stop in order: every receipt is written; requests under way end unseen."""
        place = which % len(self.processes)
        old = self.processes[place]
        self.write(old)
        for request in self.requests:
            if request.process == old.number and not request.filed:
                request.filed, request.cost = True, 0
        self.processes[place] = self.started()

    @rule(minutes=st.sampled_from([1, 15, 45, 60, 24 * 60]))
    def later(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(minutes=st.sampled_from([1, 30, 120, 1500]))
    def clock_put_back(self, minutes: int) -> None:
        self.now -= timedelta(minutes=minutes)
        for process in self.processes:  # as it does four times a second
            self.follow(process)

    @invariant()
    def what_a_process_knows_is_exact(self) -> None:
        for process in self.processes:
            if process.accounts.must_read(self.now):
                continue
            for caller in ("ann", "bob"):
                for session in ("s1", "s2"):
                    asker = Asker(caller=caller, tool="t", session=session)
                    balances = process.accounts.balances(BOOK.budgets, asker, self.now)
                    for balance, (budget, place) in zip(
                        balances, self.places(asker, self.now), strict=True
                    ):
                        assert balance.pico == self.known_of(process, budget, place) * PICO

    @invariant()
    def no_budget_is_passed_by_more_than_the_bound(self) -> None:
        limits = {each.counter: each.usd for each in BOOK.budgets}
        for place, bound in self.bound.items():
            assert self.total(place) < limits[place[0]] + max(bound, 1)

    def places(
        self, asker: Asker, moment: datetime
    ) -> list[tuple[Budget, tuple[str, int, str | None]]]:
        found = []
        for budget in BOOK.budgets:
            session = asker.session and f"{asker.caller} {asker.session}"
            key = {"rule": None, "caller": asker.caller, "session": session}[budget.by]
            if key is not None or budget.per != "session":
                first = Calendar(BERLIN).window(budget.per, moment).first
                found.append((budget, (budget.counter, first, key)))
        return found

    def total(self, place: tuple[str, int, str | None]) -> int:
        return self.sums(range(len(self.requests)))[place]

    def known_of(self, process: Process, budget: Budget, place: tuple[str, int, str | None]) -> int:
        del budget
        return self.sums(process.known)[place]

    def sums(self, chosen: "range | set[int]") -> dict[tuple[str, int, str | None], int]:
        found: dict[tuple[str, int, str | None], int] = defaultdict(int)
        for at in chosen:
            request = self.requests[at]
            for _, place in self.places(request.asker, request.began):
                found[place] += request.cost
        return found


def test_t80_no_interleaving_passes_a_budget_by_more_than_the_bound() -> None:
    steps = settings(max_examples=40, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(Budgeted, settings=steps)
