"""/ready: how a Pointsman stands, in one word and in full."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.api.health import Ready
from tests.telemetry.exposed import STANDING

WELL = replace(STANDING, problems=())


@pytest.mark.parametrize(
    ("now", "status", "code"),
    [
        ({}, "ready", 200),
        ({"problems": ("a.yaml:1: wrong",)}, "degraded", 200),
        ({"ledger_error": "disk full"}, "degraded", 200),
        ({"connections_full": True}, "degraded", 200),
        ({"descriptors_run_out": True}, "degraded", 200),
        ({"draining": True, "ledger_error": "disk full"}, "draining", 503),
        ({"starting": True}, "starting", 503),
        ({"starting": True, "draining": True}, "draining", 503),
    ],
)
def test_the_status_says_whether_requests_and_receipts_are_well(
    now: Mapping[str, Any], status: str, code: int
) -> None:
    answer = TestClient(Ready(lambda: replace(WELL, **now))).get("/ready")
    assert (answer.json()["status"], answer.status_code) == (status, code)


def test_numbers_are_those_of_the_metrics() -> None:
    told = TestClient(Ready(lambda: STANDING)).get("/ready").json()
    assert "worker" not in told
    assert told["book"]["rules"] == STANDING.book_rules
    assert told["book"]["problems"] == list(STANDING.problems)
    assert told["catalog"]["oldest_seconds"] == 8
    assert told["ledger"] == {"error": None, "waiting": 4, "oldest_seconds": 0.2, "dropped": 5}
    assert told["budgets"] == {"age_seconds": 0.5}


def test_a_worker_says_which_it_is_and_nothing_is_listed_yet() -> None:
    one = replace(WELL, worker=2, workers=4, catalog_oldest_seconds=None, budgets_age_seconds=None)
    told = TestClient(Ready(lambda: one)).get("/ready").json()
    assert told["worker"] == {"number": 2, "of": 4}
    assert told["catalog"]["oldest_seconds"] is None
    assert "budgets" not in told
