"""What a run leaves: notes of its clients, its steps, what was looked at, and the ledger's rows.

Times are seconds since 1970, by this machine's one clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Kind = Literal["stream", "request", "spender"]
REFUSED = 402
SERVED = 200
BUDGET_CODE = "budget_exceeded"


@dataclass(frozen=True, slots=True)
class Note:
    """One request, as its client saw it."""

    kind: Kind
    caller: str
    begun: float
    ended: float
    status: int | None = None  # None: no answer began
    replica: str | None = None  # None: the balancer answered itself, or nothing did
    receipt: str | None = None
    whole: bool = False  # the answer came to its end
    fault: str = ""  # the code of an error, or how the connection ended

    @property
    def is_stream(self) -> bool:
        """Whether it was to last."""
        return self.kind == "stream"

    @property
    def is_finished(self) -> bool:
        """Whether it was served."""
        return self.whole and self.status == SERVED

    @property
    def is_refused(self) -> bool:
        """Whether a spent budget refused it, as it should."""
        refused = self.whole and self.status == REFUSED
        return refused and self.kind == "spender" and self.fault == BUDGET_CODE

    @property
    def is_broken(self) -> bool:
        """Whether it was neither served nor refused by a budget."""
        return not (self.is_finished or self.is_refused)


@dataclass(frozen=True, slots=True)
class Span:
    """A part that was not there from one moment until another."""

    part: str
    start: float
    end: float

    def meets(self, start: float, end: float) -> bool:
        """Whether it has a moment in common with another span."""
        return self.start <= end and start <= self.end


@dataclass(frozen=True, slots=True)
class Step:
    """One failure: recoveries are measured from `since`, that of the chores from `chores_since`."""

    name: str
    start: float
    end: float
    since: float
    chores_since: float
    spender: str  # the caller whose budget is reached during the step
    killed: tuple[Span, ...] = ()  # replicas, until they were ready again
    frozen: tuple[Span, ...] = ()  # replicas, until they went on
    away: tuple[Span, ...] = ()  # the database, until no receipt waited for it
    chores: int | None = None  # the connection that had the duty before; None: it may stay


@dataclass(frozen=True, slots=True)
class Standing:
    """What `/ready` of a replica said."""

    status: str
    error: str | None
    oldest: float  # seconds that a receipt has waited
    dropped: int
    budgets: float | None  # seconds since it knew what others spent; None: it never did


@dataclass(frozen=True, slots=True)
class Look:
    """One look at everything: `replicas` has those that should be there, None: no answer."""

    at: float
    done: float  # when the last answer was there
    replicas: Mapping[str, Standing | None]
    duty: int | None  # the connection that has the duty of the ledger's chores

    def all_ready(self) -> bool:
        """Whether every replica is ready, and not degraded."""
        return all(each is not None and each.status == "ready" for each in self.replicas.values())

    def all_know_budgets(self, within: float) -> bool:
        """Whether every replica has read what others have spent within so many seconds."""
        return all(
            each is not None and each.budgets is not None and each.budgets <= within
            for each in self.replicas.values()
        )

    def all_written(self, within: float) -> bool:
        """Whether no replica has a receipt that waits for longer than this."""
        return all(
            each is not None and each.error is None and each.oldest <= within
            for each in self.replicas.values()
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One receipt of the ledger, as far as the account needs it."""

    id: str
    started: float
    ended: float
    status: int | None
    ending: str
    caller: str | None
    generation: str | None
    paid: Decimal


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the ledger has at the end: its receipts, and what it says that they add up to."""

    rows: tuple[Row, ...]
    counted: int  # by its statistics
    spent: Mapping[str, Decimal]  # by caller, by the sums of budgets


@dataclass(frozen=True, slots=True)
class Run:
    """All of it."""

    notes: tuple[Note, ...]
    steps: tuple[Step, ...]
    looks: tuple[Look, ...]
    ledger: Ledger
    limit: Decimal  # that each spender may spend, in USD
    processes: int  # that serve at the same time
    dropped: Mapping[str, int]  # receipts, by replica
    exits: Mapping[str, int | None]  # of replicas that were told to stop; None: killed in the end
