"""Receipts for tests, and the two engines' own words where tests look behind the store."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from app.ledger.receipt import Receipt, new_receipt_id

START = datetime(2026, 11, 21, 9, 30, 0, 125_000, tzinfo=UTC)
_RANDOM = random.Random(0)


def receipt(seconds: float = 0.0, **fields: Any) -> Receipt:
    """A receipt of a request that began `seconds` after START."""
    started_at = START + timedelta(seconds=seconds)
    named = {
        "id": new_receipt_id(started_at.timestamp(), _RANDOM),
        "started_at": started_at,
        "path": "/v1/chat/completions",
        "ending": "complete",
    }
    return Receipt(**{**named, **fields})


# Every field has a value that is not its default, but for the audit: an audit's receipts are left
# out of most answers.
FULL = receipt(
    caller="aider",
    user_agent="OpenAI/Python 3.1",
    dialect="chat",
    model_asked="qwen-precise",
    alias="qwen-precise",
    model_sent="qwen/qwen3-coder",
    rules=("precise-open-weights", "private"),
    book="3f9a1c",
    preferences_sent={"only": ["novita/fp8"], "max_price": {"prompt": 0.5}, "zdr": True},
    overruled=({"field": "sort", "asked": "price", "sent": None},),
    streamed=True,
    status=200,
    generation_id="gen-1795000000-abcdefghijklmnopqrst",
    provider="novita",
    model_served="qwen/qwen3-coder-480b-a35b-07-25",
    quantizations_listed=("fp8",),
    verdict="kept",
    reason="served by Novita (novita/fp8), listed as fp8",
    evidence=("router_metadata", "body.provider", "catalog"),
    attempts=({"provider": "Novita", "model": None, "status": 200},),
    router_strategy="direct",
    cache_status="MISS",
    ttfb_ms=81.25,
    ttft_ms=412.5,
    duration_ms=2048.75,
    prompt_tokens=687,
    cached_tokens=679,
    completion_tokens=2**53 - 1,
    reasoning_tokens=17,
    tokens_per_second=61.33,
    cost_usd=Decimal("0.002053250001"),
    finish_reason="stop",
    error_code="502",
    error_message="Provider returned error 上游",
    bytes_in=280_000,
    bytes_out=2**40,
    session="0123456789abcdef",
    native_finish_reason="end_turn",
    service_tier="priority",
    region="iad",
    cache_write_tokens=120,
    is_byok=True,
    upstream_cost_usd=Decimal("0.020000000003"),
    unread="an event is not JSON",
    tool_calls=2,
    defects=("tool_call_not_offered",),
    max_tokens_asked=4096,
    context_tokens=700,
    tools_offered=11,
    response_format="json_schema",
    modalities=("text", "image"),
    session_source="body.session_id",
    subagent="fedcba9876543210",
    pinned_to="novita",
    pin_reason="served the previous turn",
    affinity="pin",
    explanation={"step": "Filter by price", "told": ["Listed endpoints of a/b: 2 -> 0."]},
    token_prices={"prompt": "0.22", "completion": "0.95", "cache_read": "0.022"},
    listing="5f0c2a9e8b1d4c77",
    cost_source="record",
)
AUDITED = replace(FULL, id="rcp_0audited", audit="aud_0123456789")
