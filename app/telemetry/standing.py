"""How a Pointsman stands at one moment: what is read off rather than added up. PURE."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Numbers of now; those named `..._total` in the metrics only ever grow."""

    version: str
    open_requests: int
    open_streams: int
    draining: bool
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
