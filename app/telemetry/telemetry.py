"""Telemetry: reports each finished request to the monitoring of Pointsman itself."""

from collections.abc import Iterable
from typing import Protocol

from ..ledger.receipt import Receipt
from .tallies import Labels, Tallies
from .trace_context import Header, Trace


class Traces(Protocol):
    """The destination of spans: OpenTelemetry, if it is enabled."""

    def begin(self, headers: Iterable[Header], /) -> Trace:
        """Return a request's place in its caller's trace."""
        ...

    def filed(self, receipt: Receipt, labels: Labels, trace: Trace, /) -> None:
        """Report one request that has ended."""

    def close(self) -> None:
        """Send the waiting spans."""


class Telemetry:
    """Tallies for Prometheus always, traces for OpenTelemetry if it is enabled."""

    def __init__(self, tallies: Tallies, traces: Traces | None = None) -> None:
        self.tallies = tallies
        self._traces = traces

    def begin(self, headers: Iterable[Header]) -> Trace | None:
        """Return a request's place in a trace; None if tracing is not enabled."""
        return None if self._traces is None else self._traces.begin(headers)

    def filed(self, receipt: Receipt, trace: Trace | None) -> None:
        """Record one request that has ended."""
        labels = self.tallies.note(receipt)
        if self._traces is not None and trace is not None:
            self._traces.filed(receipt, labels, trace)

    def learned(self, before: Receipt, after: Receipt) -> None:
        """Add what became known of a request after it was recorded; a trace has ended by then."""
        self.tallies.learned(before, after)

    def close(self) -> None:
        """Send the waiting spans."""
        if self._traces is not None:
            self._traces.close()
