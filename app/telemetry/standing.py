"""Standing: the state of Pointsman at one moment, as read rather than added up. PURE.

`/ready`, the gauges of `/metrics` and the notices on the dashboard are all made from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Current numbers; those named `..._total` in the metrics only ever increase."""

    version: str
    open_requests: int
    open_streams: int
    draining: bool
    connections: int
    most_connections: int
    descriptors: int | None  # how many files and connections may be open
    descriptors_run_out: bool
    connections_full: bool
    turned_away: Mapping[str, int]  # by error code
    bodies_held: int  # bytes
    loop_stall_seconds: float
    ledger_waiting: int
    ledger_oldest_seconds: float  # the longest wait of a receipt
    ledger_dropped: int
    ledger_error: str | None  # the reason why receipts can't be written
    late_costs: Mapping[str, int] = field(default_factory=dict)  # by outcome
    late_costs_waiting: int = 0
    catalog_models: int
    catalog_listings: int
    catalog_oldest_seconds: float | None  # None: nothing is listed yet
    catalog_drifts: int
    latest_drifts: tuple[str, ...] = ()
    book: str  # its revision
    book_rules: int
    book_aliases: int
    problems: tuple[str, ...]  # mistakes in policy files as saved
    book_failures: int
    turns: Mapping[tuple[str, str], int] = field(default_factory=dict)  # by affinity and kind
    budgets: Mapping[tuple[str, str, str], float] = field(default_factory=dict)  # shares spent
    budgets_age_seconds: float | None = None  # since their sums were brought up to date
    notifies: bool = False  # whether there is a webhook
    notifications: Mapping[tuple[str, str], int] = field(default_factory=dict)  # event, outcome
    notifications_undelivered: int = 0  # of the last day, on the ledger
    notifications_error: str | None = None  # of the newest of these
    starting: bool = False  # whether a ledger that replicas share is still being opened or migrated
    worker: int | None = None  # its number; None: the only worker
    workers: int = 1  # including this one

    @property
    def ledger_well(self) -> bool:
        """Whether receipts can be written."""
        return self.ledger_error is None

    @property
    def status(self) -> Literal["starting", "draining", "degraded", "ready"]:
        """The state in one word. Any Pointsman that is not draining serves requests."""
        if self.draining:
            return "draining"
        if self.starting:
            return "starting"
        short = self.connections_full or self.descriptors_run_out
        return "degraded" if self.ledger_error or self.problems or short else "ready"
