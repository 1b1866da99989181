"""OpenTelemetry: a span and a few measurements for each receipt, sent by OTLP over HTTP.

OpenTelemetry's own variables, such as `OTEL_EXPORTER_OTLP_ENDPOINT`, set the destination, the
interval and the headers. Imported only if `POINTSMAN_OTEL` is set: it is an extra.

Rule 1  A span is made when its request has been filed; while the request runs, there is only its
        trace context. Batches are sent by threads of the SDK, whose queues are bounded.
Rule 2  A collector that is unavailable, slow or wrong costs spans, never requests.
"""

import threading
import time
from collections.abc import Iterable
from random import SystemRandom
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from ..ledger.receipt import Receipt
from .span import Value, error_type, metric_attributes, span_attributes, span_name
from .tallies import Labels
from .trace_context import Header, Parent, Trace, new_trace, parent_in

_SCOPE = "pointsman"
_PATIENCE_SECONDS = 2.0  # at the end, for spans that have not been sent yet

# The bounds of the conventions: growing by a factor of 4, and of 2.
_TOKEN_BUCKETS = tuple(4.0**power for power in range(14))
_SECOND_BUCKETS = tuple(0.01 * 2**power for power in range(14))


class _Ids(IdGenerator):
    """Returns the ids that a trace has had since its request arrived."""

    def __init__(self) -> None:
        self.trace_id = self.span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class Tracing:
    """Gives requests their place in a trace, and reports them to a collector when they end."""

    def __init__(self, *, upstream_url: str, version: str) -> None:
        upstream = urlsplit(upstream_url)
        port = upstream.port or {"http": 80, "https": 443}.get(upstream.scheme, 0)
        self._server: dict[str, Value] = {
            "server.address": upstream.hostname or "",
            "server.port": port,
        }
        self._random = SystemRandom()
        self._ids = _Ids()
        described = resource(version)
        self._spans = TracerProvider(
            resource=described, id_generator=self._ids, shutdown_on_exit=False
        )
        self._spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._spans.get_tracer(_SCOPE, version)
        self._meters = MeterProvider(
            [PeriodicExportingMetricReader(OTLPMetricExporter())], described, shutdown_on_exit=False
        )
        meter = self._meters.get_meter(_SCOPE, version)
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKEN_BUCKETS,
        )
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECOND_BUCKETS,
        )
        self._first_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            unit="s",
            description="Time to receive the first chunk of a streamed answer.",
            explicit_bucket_boundaries_advisory=_SECOND_BUCKETS,
        )

    def begin(self, headers: Iterable[Header]) -> Trace:
        """Return a request's place in its caller's trace, or in a new one."""
        parent = parent_in(headers)

        def sampled(trace_id: int) -> bool:
            context = set_span_in_context(NonRecordingSpan(_context(parent))) if parent else None
            told = self._spans.sampler.should_sample(context, trace_id, _SCOPE, SpanKind.CLIENT)
            return told.decision is Decision.RECORD_AND_SAMPLE

        return new_trace(parent, self._random, sampled)

    def filed(self, receipt: Receipt, labels: Labels, trace: Trace) -> None:
        """Report one request that has ended."""
        self._measure(receipt, labels)
        if not trace.sampled:
            return
        self._ids.trace_id, self._ids.span_id = trace.trace_id, trace.span_id
        parent = trace.parent
        began = int(receipt.started_at.timestamp() * 1e9)
        span = self._tracer.start_span(
            span_name(receipt),
            context=set_span_in_context(NonRecordingSpan(_context(parent))) if parent else None,
            kind=SpanKind.CLIENT,
            attributes={**span_attributes(receipt), **self._server},
            start_time=began,
        )
        failed = error_type(receipt)
        if failed is not None:
            span.set_status(Status(StatusCode.ERROR, failed))
        span.end(began + int((receipt.duration_ms or 0) * 1e6))

    def close(self) -> None:
        """Send the waiting spans, for a few seconds at most."""
        closing = [
            threading.Thread(target=end, daemon=True)
            for end in (self._spans.shutdown, self._meters.shutdown)
        ]
        for thread in closing:
            thread.start()
        until = time.monotonic() + _PATIENCE_SECONDS
        for thread in closing:
            thread.join(max(until - time.monotonic(), 0))

    def _measure(self, receipt: Receipt, labels: Labels) -> None:
        told = {**metric_attributes(receipt, labels), **self._server}
        if receipt.duration_ms is not None:
            self._duration.record(receipt.duration_ms / 1000, told)
        if receipt.ttft_ms is not None:
            self._first_chunk.record(receipt.ttft_ms / 1000, told)
        if receipt.prompt_tokens is not None:
            self._tokens.record(receipt.prompt_tokens, {**told, "gen_ai.token.type": "input"})
        if receipt.completion_tokens is not None:
            self._tokens.record(receipt.completion_tokens, {**told, "gen_ai.token.type": "output"})


def _context(parent: Parent) -> SpanContext:
    state = TraceState.from_header([each.decode("latin-1") for each in parent.state])
    flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
    return SpanContext(parent.trace_id, parent.span_id, True, flags, state)


def resource(version: str) -> Resource:
    """The resource from OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES; by default, our name."""
    told = Resource.create({"service.version": version})
    if str(told.attributes.get("service.name", "")).startswith("unknown_service"):
        told = told.merge(Resource({"service.name": _SCOPE}))
    return told
