"""Which replies count, which are dropped, and what is kept of them."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from app.audit.answers import hashed
from app.auditing.answered import Asked, body_of, cost_of, drop_of, failure_of, has_failed
from app.auditing.order import Job
from app.auditing.sending import Reply
from tests.auditing.made import KEY, MODEL, planned, reply

ENDPOINT = planned("novita/fp8")


def test_a_request_asks_one_endpoint_alone_at_temperature_0() -> None:
    asked = json.loads(body_of(MODEL, ENDPOINT, "Why?"))
    assert asked == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Why?"}],
        "temperature": 0,
        "max_tokens": 16,
        "provider": {"only": ["novita/fp8"], "allow_fallbacks": False, "require_parameters": True},
    }
    reasons = json.loads(body_of(MODEL, planned(reasoning_off=True), "Why?"))
    assert reasons["reasoning"] == {"enabled": False}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, None),
        ({"cache_status": "HIT"}, "cached"),
        ({"cache_status": "hit"}, "cached"),
        ({"cache_status": "MISS"}, None),
        ({"provider": "groq"}, "other_provider"),
        ({"provider": None}, "other_provider"),
        ({"prompt_tokens": 0, "completion_tokens": 0}, "no_usage"),
        ({"prompt_tokens": None, "completion_tokens": None}, "no_usage"),
        ({"completion_tokens": 0}, None),
    ],
    ids=str,
)
def test_answers_that_prove_nothing_of_the_endpoint_are_dropped(
    fields: dict[str, Any], why: str | None
) -> None:
    one = reply(**fields)
    assert one.receipt is not None
    assert drop_of(ENDPOINT, one.receipt) == why
    kept = Asked("aud_1", ENDPOINT, Job(3, 1)).answer(one, KEY, Decimal("0.5"))
    assert kept.dropped == why
    assert bool(kept.hashes) == (why is None)
    assert (kept.prompt, kept.round, kept.cost_usd) == (3, 1, Decimal("0.5"))


def test_an_answer_is_kept_as_hashes_and_never_as_text() -> None:
    kept = Asked("aud_1", ENDPOINT, Job(0, 0)).answer(reply("canary-91bc"), KEY, Decimal(0))
    assert kept.hashes == hashed("canary-91bc", KEY)
    assert b"canary" not in msgspec.msgpack.encode(kept)
    assert kept.receipt is not None


def test_an_empty_answer_is_an_answer() -> None:
    kept = Asked("aud_1", ENDPOINT, Job(0, 0)).answer(reply(""), KEY, Decimal(0))
    assert (kept.dropped, kept.hashes) == (None, b"")


@pytest.mark.parametrize(
    "failed",
    [reply(status=502), reply(status=429), reply(text=None), reply(unfiled=True)],
    ids=["error", "busy", "no text", "no receipt"],
)
def test_a_failure_is_kept_as_one(failed: Reply) -> None:
    assert has_failed(failed)
    kept = Asked("aud_1", ENDPOINT, Job(0, 0)).answer(failed, KEY, Decimal(0))
    assert (kept.dropped, kept.hashes) == ("failed", b"")


def test_what_a_request_cost_is_what_openrouter_says() -> None:
    assert cost_of(reply()) == Decimal("0.00006")
    assert cost_of(reply(status=502)) == 0
    assert cost_of(reply(status=502, cost_usd=Decimal(1))) == 1
    assert cost_of(reply(status=502, generation_id="gen-2")) is None  # it may be charged later
    assert cost_of(reply(cost_usd=None)) is None
    assert cost_of(Reply(None, None, None, None)) is None


@pytest.mark.parametrize("code", ["upstream_unreachable", "upstream_timeout", "upstream_garbage"])
def test_a_lost_connection_is_no_error_of_openrouters_and_may_be_charged(code: str) -> None:
    lost = reply(status=502, error_code=code)
    assert cost_of(lost) is None
    assert failure_of(lost) == "without an answer from OpenRouter"


def test_with_a_key_of_the_account_the_providers_own_charge_counts() -> None:
    fee, charge = Decimal("0.000003"), Decimal("0.00006")
    assert cost_of(reply(cost_usd=fee, is_byok=True, upstream_cost_usd=charge)) == fee + charge


def test_a_failure_is_named_by_its_status_and_by_nothing_that_a_provider_says() -> None:
    assert failure_of(reply(status=402, error_code="pay\nme")) == "with status 402"
    assert failure_of(reply(text=None)) == "without a whole answer"
    assert failure_of(Reply(None, None, None, None)) == "without an answer from OpenRouter"
