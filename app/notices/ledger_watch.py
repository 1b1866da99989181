"""When trouble with the ledger is worth telling. PURE.

Rule 1  Trouble is told once it has lasted for ten seconds, and its end is told if it was.
Rule 2  Each is told once an hour, by the hour in which the trouble began.
"""

from collections.abc import Iterator

from .event import Event
from .events import ledger_over, ledger_trouble, receipts_lost

LASTING_SECONDS = 10.0


class LedgerWatch:
    """What one process has seen of its ledger."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._hour = ""
        self._told = False
        self._lost = 0

    def look(
        self, *, fails: bool, waiting: int, dropped: int, now: float, hour: str
    ) -> Iterator[Event]:
        """The events of this moment; `now` in seconds by a clock that never jumps."""
        if dropped > self._lost:
            yield receipts_lost(hour=hour, lost=dropped - self._lost)
            self._lost = dropped
        if fails and self._since is None:
            self._since, self._hour = now, hour
        lasted = 0.0 if self._since is None else now - self._since
        if fails and not self._told and lasted >= LASTING_SECONDS:
            self._told = True
            yield ledger_trouble(hour=self._hour, waiting=waiting, seconds=lasted)
        if not fails:
            if self._told:
                yield ledger_over(hour=self._hour, seconds=lasted)
            self._since, self._told = None, False
