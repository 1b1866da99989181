"""How a Pointsman stands at one moment: what is read off rather than added up. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Numbers of now; those named `..._total` in the metrics only ever grow."""

    version: str
    open_requests: int
    open_streams: int
    draining: bool
    connections: int
    most_connections: int
    descriptors_run_out: bool
    turned_away: Mapping[str, int]  # by error code
    bodies_held: int  # bytes
    loop_stall_seconds: float
    ledger_waiting: int
    ledger_oldest_seconds: float  # that the receipt has waited which has waited longest
    ledger_dropped: int
    ledger_well: bool
    catalog_models: int
    catalog_listings: int
    catalog_oldest_seconds: float | None  # None: nothing is listed yet
    catalog_drifts: int
    book: str  # its revision
    book_rules: int
    book_problems: int
    book_failures: int
    workers: int = 1  # of which this is one
