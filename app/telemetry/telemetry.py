"""Telemetry: what is told of each filed request, to whoever watches Pointsman itself."""

from collections.abc import Iterable
from typing import Protocol

from app.ledger.receipt import Receipt
from app.telemetry.tallies import Labels, Tallies
from app.telemetry.trace_context import Header, Trace


class Traces(Protocol):
    """Where spans go: OpenTelemetry, where it is wanted."""

    def begin(self, headers: Iterable[Header], /) -> Trace:
        """A request's place in its caller's trace."""
        ...

    def filed(self, receipt: Receipt, labels: Labels, trace: Trace, /) -> None:
        """Tell of one request that has ended."""

    def close(self) -> None:
        """Send what waits."""


class Telemetry:
    """Tallies for Prometheus always, traces for OpenTelemetry where they are wanted."""

    def __init__(self, tallies: Tallies, traces: Traces | None = None) -> None:
        self.tallies = tallies
        self._traces = traces

    def begin(self, headers: Iterable[Header]) -> Trace | None:
        """A request's place in a trace; None where nobody traces."""
        return None if self._traces is None else self._traces.begin(headers)

    def filed(self, receipt: Receipt, trace: Trace | None) -> None:
        """Note one request that has ended."""
        labels = self.tallies.note(receipt)
        if self._traces is not None and trace is not None:
            self._traces.filed(receipt, labels, trace)

    def close(self) -> None:
        """Send what waits."""
        if self._traces is not None:
            self._traces.close()
