"""Tallies and standing as Prometheus metrics; `docs/metrics.md` describes each metric.

Imported by the first scrape: prometheus_client takes as long to load as all of `app/wire/`.
"""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from .standing import Standing
from .sums import Family, Telling
from .tallies import Labels, Tallies

_SERVED = ("model", "provider")


def exposition(tallies: Tallies, standing: Standing, accept: str) -> tuple[str, bytes]:
    """Return the content type and all metrics as text, in the format that `accept` asks for."""
    return _text(_everything(tallies, standing), accept)


def telling(tallies: Tallies, standing: Standing) -> Telling:
    """Return all metrics as plain data, to be added to those of other workers."""
    return tuple(
        Family(
            metric.name,
            metric.type,
            metric.documentation,
            tuple(
                (each.name, tuple(each.labels.items()), float(each.value))
                for each in metric.samples
            ),
        )
        for metric in _everything(tallies, standing).collect()
    )


def exposition_of(told: Telling, accept: str) -> tuple[str, bytes]:
    """Return the same as `exposition`, for metrics in the form of plain data."""
    registry = CollectorRegistry()
    registry.register(_Told(told))
    return _text(registry, accept)


def _everything(tallies: Tallies, standing: Standing) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Collected(tallies, standing))
    ProcessCollector(registry=registry)  # memory, CPU time and open files, from /proc
    return registry


def _text(registry: CollectorRegistry, accept: str) -> tuple[str, bytes]:
    encode, content_type = choose_encoder(accept)
    return content_type, encode(registry)


class _Told(Collector):
    def __init__(self, told: Telling) -> None:
        self._told = told

    def describe(self) -> list[Metric]:
        """Describe nothing in advance, as below."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of the plain data."""
        for family in self._told:
            metric = Metric(family.name, family.meaning, family.type)
            for name, labels, value in family.samples:
                metric.add_sample(name, dict(labels), value)
            yield metric


class _Collected(Collector):
    def __init__(self, tallies: Tallies, standing: Standing) -> None:
        self._tallies = tallies
        self._standing = standing

    def describe(self) -> list[Metric]:
        """Describe nothing in advance: no other collector has the same metrics."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of Pointsman."""
        yield from _added_up(self._tallies)
        yield from _latencies(self._tallies)
        yield from _of_now(self._standing)


def _added_up(tallies: Tallies) -> Iterator[Metric]:
    yield _counters(
        "pointsman_requests",
        "Finished requests.",
        Labels._fields,
        tallies.requests,
    )

    tokens = CounterMetricFamily(
        "pointsman_tokens", "Tokens as reported by OpenRouter.", labels=(*_SERVED, "kind")
    )
    cost = CounterMetricFamily(
        "pointsman_cost_usd", "What was paid in USD, by what OpenRouter reported.", labels=_SERVED
    )
    for names, served in list(tallies.served.items()):
        for kind in ("prompt", "cached", "cache_write", "completion", "reasoning"):
            tokens.add_metric((*names, kind), getattr(served, kind))
        cost.add_metric(names, served.cost)
    yield tokens
    yield cost

    yield _counters(
        "pointsman_verdicts",
        "Judged answers, counted once per rule that applied.",
        ("rule", "verdict"),
        tallies.verdicts.items(),
    )

    yield _counters(
        "pointsman_defects",
        "Answers with a defect, once for each defect.",
        (*_SERVED, "defect"),
        tallies.defects.items(),
    )

    yield _counters(
        "pointsman_refusals",
        "Requests refused by Pointsman.",
        ("code",),
        tallies.refusals.items(),
    )
    yield _counter(
        "pointsman_label_overflow",
        "Counts recorded under `overflow` because the limit of label sets was reached.",
        tallies.overflowed,
    )


def _latencies(tallies: Tallies) -> Iterator[Metric]:
    ttft = HistogramMetricFamily(
        "pointsman_time_to_first_token_seconds",
        "Time from the request's arrival to the first token of a streamed answer.",
        labels=_SERVED,
    )
    duration = HistogramMetricFamily(
        "pointsman_request_duration_seconds",
        "Time from the request's arrival to the end of its answer, without refusals.",
        labels=_SERVED,
    )
    for names, served in list(tallies.served.items()):
        ttft.add_metric(names, served.ttft.buckets(), served.ttft.sum)
        duration.add_metric(names, served.duration.buckets(), served.duration.sum)
    yield ttft
    yield duration


def _of_now(now: Standing) -> Iterator[Metric]:
    yield _gauge("pointsman_open_requests", "Requests in progress.", now.open_requests)
    yield _gauge("pointsman_open_streams", "Answers being streamed.", now.open_streams)
    yield _gauge("pointsman_draining", "1 while Pointsman is stopping.", now.draining)
    yield _gauge("pointsman_connections", "Open client connections.", now.connections)
    yield _gauge(
        "pointsman_connections_limit", "The limit of client connections.", now.most_connections
    )
    yield _gauge(
        "pointsman_descriptors_run_out",
        "1 if file descriptors ran out within the last minute.",
        now.descriptors_run_out,
    )
    yield _counters(
        "pointsman_turned_away",
        "Requests and connections refused without a receipt.",
        ("code",),
        now.turned_away.items(),
    )
    yield _gauge(
        "pointsman_request_bodies_bytes", "Memory that request bodies use.", now.bodies_held
    )
    yield _gauge(
        "pointsman_loop_stall_seconds",
        "The longest event loop stall within the last two minutes.",
        now.loop_stall_seconds,
    )
    yield _counters(
        "pointsman_session_turns",
        "Answered requests of sessions: all turns, those at another host than the one before "
        "(flips), those that a cache could have helped (followed) and did not (cold).",
        ("affinity", "kind"),
        now.turns.items(),
    )
    spent = GaugeMetricFamily(
        "pointsman_budget_spent_ratio",
        "The share of a budget that is spent in its current window; of budgets for each caller, "
        "tool or session, the highest.",
        labels=("rule", "per", "by"),
    )
    for budget, share in now.budgets.items():
        spent.add_metric(budget, share)
    yield spent
    if now.budgets_age_seconds is not None:
        yield _gauge(
            "pointsman_budgets_age_seconds",
            "Time since the sums of budgets were brought up to date with the ledger.",
            now.budgets_age_seconds,
        )
    yield _gauge("pointsman_ledger_waiting", "Receipts waiting to be written.", now.ledger_waiting)
    yield _gauge(
        "pointsman_ledger_oldest_waiting_seconds",
        "Age of the oldest receipt waiting to be written.",
        now.ledger_oldest_seconds,
    )
    yield _counter(
        "pointsman_ledger_dropped",
        "Receipts lost because the queue was full or a value did not fit the ledger.",
        now.ledger_dropped,
    )
    yield _gauge("pointsman_ledger_up", "0 while receipts can't be written.", now.ledger_well)
    yield _counters(
        "pointsman_late_costs",
        "Answers that did not name their cost: found in OpenRouter's record, not found, or dropped "
        "because too many waited or Pointsman stopped.",
        ("outcome",),
        now.late_costs.items(),
    )
    yield _gauge(
        "pointsman_late_costs_waiting",
        "Answers whose cost is waited for.",
        now.late_costs_waiting,
    )
    yield _counters(
        "pointsman_notifications",
        "Notifications: delivered, failed once and repeated, given up, or dropped.",
        ("event", "outcome"),
        now.notifications.items(),
    )
    yield _gauge(
        "pointsman_notifications_undelivered",
        "Notifications of the last day that are not delivered.",
        now.notifications_undelivered,
    )
    yield _gauge("pointsman_catalog_models", "Models known.", now.catalog_models)
    yield _gauge(
        "pointsman_catalog_listings", "Models whose endpoints are known.", now.catalog_listings
    )
    if now.catalog_oldest_seconds is not None:
        yield _gauge(
            "pointsman_catalog_oldest_listing_seconds",
            "Age of the oldest listing.",
            now.catalog_oldest_seconds,
        )
    yield _counter(
        "pointsman_catalog_drifts",
        "Catalog changes that changed which endpoints a policy allows.",
        now.catalog_drifts,
    )
    yield InfoMetricFamily(
        "pointsman_book", "The policy version in force.", value={"revision": now.book}
    )
    yield _gauge("pointsman_book_rules", "Rules in force.", now.book_rules)
    yield _gauge(
        "pointsman_book_problems", "Mistakes in the policy files as saved.", len(now.problems)
    )
    yield _counter(
        "pointsman_book_reload_failures",
        "Times that saved policy files had mistakes and the last valid policy version stayed.",
        now.book_failures,
    )
    yield InfoMetricFamily(
        "pointsman_build", "The running version of Pointsman.", value={"version": now.version}
    )
    yield _gauge("pointsman_workers", "Configured workers.", now.workers)
    yield _gauge("pointsman_workers_answering", "Workers whose gauges are included.", 1)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _counters(
    name: str,
    meaning: str,
    labels: Sequence[str],
    counts: Iterable[tuple[str | Sequence[str], float]],
) -> Metric:
    """One counter for each set of labels; the event loop may be adding some meanwhile."""
    family = CounterMetricFamily(name, meaning, labels=labels)
    for named, count in list(counts):
        family.add_metric((named,) if isinstance(named, str) else named, count)
    return family


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(name, meaning, value=value)
