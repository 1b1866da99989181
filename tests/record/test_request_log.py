"""One line per request, which no caller can forge."""

import logging
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.ledger.receipt import Receipt
from app.record.request_log import line_of, log_request

KNOWN: dict[str, Any] = {
    "id": "rcp_1",
    "started_at": datetime(2026, 11, 21, tzinfo=UTC),
    "path": "/v1/chat/completions",
    "dialect": "chat",
    "ending": "complete",
}


def test_a_line_has_everything_a_person_looks_for_in_one_order() -> None:
    receipt = Receipt(
        **KNOWN,
        caller="anna",
        model_asked="acme/sim-1",
        model_sent="acme/sim-1",
        rules=("first", "second"),
        provider="deepinfra",
        verdict="kept",
        status=200,
        ttft_ms=12.4,
        duration_ms=99.6,
        prompt_tokens=7,
        completion_tokens=2,
        cost_usd=Decimal("0.0000021"),
    )
    assert line_of(receipt) == (
        "caller=anna model=acme/sim-1 rule=first,second provider=deepinfra verdict=kept "
        "status=200 ending=complete ttft=12ms took=100ms tokens=7+2 cost=$0.0000021 receipt=rcp_1"
    )


def test_with_an_own_key_the_line_has_all_that_was_paid() -> None:
    charged: dict[str, Any] = {"cost_usd": Decimal("0.01"), "upstream_cost_usd": Decimal("0.2")}
    assert "cost=$0.21 " in line_of(Receipt(**KNOWN, is_byok=True, **charged))
    assert "cost=$0.01 " in line_of(Receipt(**KNOWN, is_byok=False, **charged))


@pytest.mark.parametrize(("level", "written"), [(logging.INFO, 1), (logging.WARNING, 0)])
def test_a_requests_line_is_a_record_of_its_own_written_at_once(
    caplog: pytest.LogCaptureFixture, level: int, written: int
) -> None:
    caplog.set_level(level, logger="pointsman.requests")
    log_request(Receipt(**KNOWN))
    assert caplog.messages == ["ending=complete receipt=rcp_1"] * written


def test_an_alias_shows_what_was_sent() -> None:
    receipt = Receipt(**KNOWN, model_asked="quick", alias="quick", model_sent="acme/sim-1")
    assert "model=quick>acme/sim-1 " in line_of(receipt)


def test_what_is_not_known_is_left_out() -> None:
    assert line_of(Receipt(**KNOWN)) == "ending=complete receipt=rcp_1"


@pytest.mark.parametrize("model", ["a\nforged=1", "a status=500", "a\x1b[2J", "a\u2028b"])
def test_a_callers_text_can_not_forge_a_field_or_a_line(model: str) -> None:
    line = line_of(Receipt(**KNOWN, model_asked=model))
    assert line.isprintable()
    assert line.split(" ")[0].startswith("model='a") or "model='a" in line
    assert " forged=1" not in line
    assert len(line.splitlines()) == 1


def test_a_path_without_a_policy_is_named_with_the_reason() -> None:
    receipt = Receipt(
        **{**KNOWN, "path": "/v1/files", "dialect": None, "reason": "no policy on this route"}
    )
    assert line_of(receipt) == (
        "path=/v1/files reason='no policy on this route' ending=complete receipt=rcp_1"
    )
