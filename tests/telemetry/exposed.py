"""What a scrape finds, read back by prometheus_client's own parser."""

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from app.telemetry.metrics import exposition
from app.telemetry.standing import Standing
from app.telemetry.tallies import Tallies
from tests.ledger.receipts import FULL, receipt

STANDING = Standing(
    version="0.1.0",
    open_requests=3,
    open_streams=2,
    draining=False,
    connections=13,
    most_connections=14,
    descriptors=1024,
    descriptors_run_out=False,
    connections_full=False,
    turned_away={"head_too_large": 15},
    bodies_held=16,
    loop_stall_seconds=0.25,
    ledger_waiting=4,
    ledger_oldest_seconds=0.25,
    ledger_dropped=5,
    ledger_error=None,
    catalog_models=6,
    catalog_listings=7,
    catalog_oldest_seconds=8.5,
    catalog_drifts=9,
    book="3f9a1c",
    book_rules=10,
    book_aliases=2,
    problems=("a.yaml:1: wrong",) * 11,
    book_failures=12,
    budgets={("careful", "day", "rule"): 0.75},
    budgets_age_seconds=0.5,
    notifications={("broken", "delivered"): 17, ("broken", "failed"): 18},
    notifications_undelivered=19,
    late_costs={"found": 21, "not_found": 22},
    late_costs_waiting=23,
    turns={("pin", "turns"): 20, ("pin", "flips"): 1},
)

Labels = frozenset[tuple[str, str]]


def busy() -> Tallies:
    """Tallies in which every metric has something."""
    tallies = Tallies(lambda name: name)
    tallies.note(FULL)
    tallies.note(receipt(ending="refused", status=403, error_code="policy_conflict"))
    return tallies


def families(text: str) -> dict[str, Metric]:
    """Metrics by the names that are scraped: a counter's ends in `_total`."""
    return {
        f"{found.name}_total" if found.type == "counter" else found.name: found
        for found in text_string_to_metric_families(text)
    }


def values(text: str) -> dict[tuple[str, Labels], float]:
    """Every sample's value, by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for found in text_string_to_metric_families(text)
        for sample in found.samples
    }


def scraped() -> str:
    """A scrape in which no metric is missing."""
    return exposition(busy(), STANDING, "")[1].decode()
