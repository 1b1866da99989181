"""Tallies and standing in Prometheus' words."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from app.telemetry.metrics import exposition
from app.telemetry.tallies import Tallies
from tests.telemetry.exposed import STANDING, busy, families, scraped, values

DOCS = Path(__file__).parents[2] / "docs"


def of(**labels: str) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def test_what_receipts_add_up_to_is_scraped() -> None:
    found = values(scraped())
    request = of(
        dialect="chat",
        model="qwen/qwen3-coder",
        provider="novita",
        status="2xx",
        ending="complete",
        verdict="kept",
    )
    served = {"model": "qwen/qwen3-coder", "provider": "novita"}
    ttft = "pointsman_time_to_first_token_seconds"
    assert found["pointsman_requests_total", request] == 1
    assert found["pointsman_tokens_total", of(**served, kind="prompt")] == 687
    assert found["pointsman_tokens_total", of(**served, kind="cached")] == 679
    assert found["pointsman_tokens_total", of(**served, kind="reasoning")] == 17
    assert found["pointsman_cost_usd_total", of(**served)] == pytest.approx(0.02205325)
    assert found[f"{ttft}_bucket", of(**served, le="0.35")] == 0
    assert found[f"{ttft}_bucket", of(**served, le="0.5")] == 1
    assert found[f"{ttft}_count", of(**served)] == 1
    assert found[f"{ttft}_sum", of(**served)] == 0.4125
    assert found["pointsman_request_duration_seconds_sum", of(**served)] == 2.04875
    assert found["pointsman_verdicts_total", of(rule="private", verdict="kept")] == 1
    assert found["pointsman_refusals_total", of(code="policy_conflict")] == 1


def test_how_things_stand_is_scraped() -> None:
    found = values(scraped())
    expected = {
        "open_requests": 3,
        "open_streams": 2,
        "draining": 0,
        "ledger_waiting": 4,
        "ledger_oldest_waiting_seconds": 0.25,
        "ledger_dropped_total": 5,
        "ledger_up": 1,
        "catalog_models": 6,
        "catalog_listings": 7,
        "catalog_oldest_listing_seconds": 8.5,
        "catalog_drifts_total": 9,
        "book_rules": 10,
        "book_problems": 11,
        "book_reload_failures_total": 12,
        "label_overflow_total": 0,
    }
    assert {name: found[f"pointsman_{name}", of()] for name in expected} == expected
    assert found["pointsman_book_info", of(revision="3f9a1c")] == 1
    assert found["pointsman_build_info", of(version="0.1.0")] == 1


def test_before_the_first_request_there_is_a_scrape_without_ages() -> None:
    nothing_listed = replace(STANDING, catalog_oldest_seconds=None, ledger_error="disk full")
    text = exposition(Tallies(lambda name: name), nothing_listed, "")[1].decode()
    found = values(text)
    assert found["pointsman_ledger_up", of()] == 0
    assert "pointsman_catalog_oldest_listing_seconds" not in text
    assert set(families(text)) | {"pointsman_catalog_oldest_listing_seconds"} == set(
        families(scraped())
    )


def test_open_metrics_are_spoken_where_they_are_asked_for() -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    content_type, body = exposition(busy(), STANDING, accept)
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert exposition(busy(), STANDING, "")[0].startswith("text/plain")


def test_the_documentation_lists_every_metric_with_its_type_and_labels() -> None:
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*?) ?\|", text, flags=re.MULTILINE)
    listed = {name: (kind, set(filter(None, labels.split(", ")))) for name, kind, labels in rows}
    exported = {
        name: (
            metric.type,
            {key for sample in metric.samples for key in sample.labels} - {"le"},
        )
        for name, metric in families(scraped()).items()
    }
    ours = {name: row for name, row in listed.items() if name.startswith("pointsman_")}
    assert ours == {name: row for name, row in exported.items() if name.startswith("pointsman_")}
    assert exported.items() <= listed.items()
