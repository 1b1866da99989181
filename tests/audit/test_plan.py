"""A plan: which endpoints are asked, what they are compared with, what it costs."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.audit import words
from app.audit.plan import Asked, Plan, Subject, Unplanned, plan, repriced
from tests.audit.listing import PARAMETERS, endpoint

MODEL = "qwen/qwen3-coder"
FULL, EIGHT = endpoint("deepinfra/bf16", "bf16"), endpoint("novita/fp8", "fp8")
OWN = endpoint("alibaba", "unknown")


def planned(*endpoints: Any, asked: Asked | None = None, **known: Any) -> Plan:
    found = plan(Subject(**{"model": MODEL, "endpoints": endpoints} | known), asked or Asked())
    assert isinstance(found, Plan), found
    return found


def unplanned(*endpoints: Any, asked: Asked | None = None, **known: Any) -> Unplanned:
    found = plan(Subject(**{"model": MODEL, "endpoints": endpoints} | known), asked or Asked())
    assert isinstance(found, Unplanned), found
    return found


# --- the reference ----------------------------------------------------------------------------


def test_the_reference_is_the_one_that_is_named() -> None:
    found = planned(OWN, FULL, EIGHT, asked=Asked(reference="novita/fp8"))
    assert found.reference is not None
    assert (found.reference.tag, found.chosen) == ("novita/fp8", "named")
    assert {each.tag for each in found.compared} == {"alibaba", "deepinfra/bf16"}


def test_else_it_is_the_authors_own() -> None:
    found = planned(FULL, EIGHT, OWN)
    assert found.reference is not None
    assert (found.reference.tag, found.chosen) == ("alibaba", "author")


def test_else_it_is_the_best_that_is_listed_in_full() -> None:
    down = endpoint("azure/fp16", "fp16", uptime=80.0)
    unknown = endpoint("atlas/bf16", "bf16", uptime=None)
    found = planned(unknown, down, EIGHT, FULL)
    assert found.reference is not None
    assert (found.reference.tag, found.chosen) == ("deepinfra/bf16", "listed")


def test_of_the_authors_endpoints_it_is_the_one_in_full() -> None:
    own = (endpoint("alibaba/fp8", "fp8"), endpoint("alibaba/bf16", "bf16", uptime=1.0))
    found = planned(*own, EIGHT)
    assert found.reference is not None
    assert found.reference.tag == "alibaba/bf16"


def test_else_there_is_no_audit() -> None:
    found = unplanned(EIGHT, endpoint("together", None))
    assert found.reason == "no_reference"
    assert "--reference" in words.unplanned(found)


def test_a_reference_that_is_refused_or_not_listed_gives_no_audit() -> None:
    broken = endpoint("down/bf16", "bf16", status=-2)
    for named, reason in (("down/bf16", "degraded"), ("no/such", "not_listed")):
        found = unplanned(FULL, EIGHT, broken, asked=Asked(reference=named))
        assert found.reason == "reference_refused"
        assert found.reference == named
        assert reason in {each.reason for each in found.refused if each.tag == named}


def test_a_single_endpoint_can_only_be_compared_with_its_own_answers() -> None:
    assert unplanned(FULL).reason == "single_endpoint"
    assert unplanned(FULL, endpoint("x", status=-5)).reason == "single_endpoint"
    found = planned(FULL, asked=Asked(since=True))
    assert (found.reference, found.chosen) == (None, None)
    assert found.compared == found.endpoints
    assert len(found.compared) == 1


# --- refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"supported_parameters": ("max_tokens",)}, "no_temperature"),
        ({"supported_parameters": ("temperature",)}, "no_max_tokens"),
        ({"tier": "flex"}, "tier"),
        ({"prompt_price": None}, "no_price"),
        ({"completion_price": None}, "no_price"),
        ({"prompt_price": Decimal(0), "completion_price": Decimal(0)}, "free"),
        ({"status": -1}, "degraded"),
    ],
)
def test_each_refusal_says_why(fields: dict[str, Any], reason: str) -> None:
    found = planned(FULL, EIGHT, endpoint("odd/fp8", "fp8", **fields))
    assert [(each.tag, each.reason) for each in found.refused] == [("odd/fp8", reason)]
    (said,) = words.refusals(found.refused)
    assert said.startswith("Not audited, ")
    assert ": odd/fp8." in said
    assert "odd/fp8" not in {each.tag for each in found.endpoints}


def test_reasoning_that_can_not_be_switched_off_refuses_all() -> None:
    found = unplanned(FULL, EIGHT, reasoning_mandatory=True)
    assert found.reason == "no_endpoint"
    assert {each.reason for each in found.refused} == {"reasoning_mandatory"}


def test_a_free_model_is_refused_unless_included() -> None:
    assert unplanned(FULL, EIGHT, model=f"{MODEL}:free").reason == "no_endpoint"
    both = Asked(include=frozenset({FULL.tag, EIGHT.tag}))
    assert len(planned(FULL, EIGHT, model=f"{MODEL}:free", asked=both).endpoints) == 2


def test_an_endpoint_that_is_degraded_can_be_included() -> None:
    slow = endpoint("slow/fp8", "fp8", status=-1)
    assert not planned(FULL, EIGHT, slow, asked=Asked(include=frozenset({slow.tag}))).refused
    assert not planned(FULL, endpoint("a/fp8", "fp8", status=None)).refused


def test_an_endpoint_outside_the_policy_is_skipped_unless_named() -> None:
    shut = frozenset({"novita/fp8"})
    other = endpoint("together/fp8", "fp8")
    found = planned(FULL, EIGHT, other, shut_out=shut)
    assert [(each.tag, each.reason) for each in found.refused] == [("novita/fp8", "outside_policy")]
    (said,) = words.refusals(found.refused)
    assert said == (
        "Not audited, outside your own policy: novita/fp8. --outside-policy TAG audits one all the "
        "same: the prompts have no data of yours."
    )
    named = Asked(outside_policy=shut)
    assert not planned(FULL, EIGHT, other, shut_out=shut, asked=named).refused


def test_a_tag_that_selects_other_endpoints_too_is_refused() -> None:
    base, turbo = endpoint("novita"), endpoint("novita/turbo")
    found = planned(FULL, base, turbo)
    assert [(each.tag, each.reason) for each in found.refused] == [("novita", "tag_not_unique")]
    (said,) = words.refusals(found.refused)
    assert said == (
        "Not audited, since requests for the tag could be served by other endpoints, too: novita "
        "(novita/turbo)."
    )
    twice = planned(FULL, OWN, turbo, turbo)
    assert {each.reason for each in twice.refused} == {"tag_not_unique"}
    (said,) = words.refusals(twice.refused)
    assert said.endswith(", too: novita/turbo (more than one of this tag).")
    tier = endpoint("novita/flex", tier="flex")
    assert [each.tag for each in planned(FULL, base, tier).refused] == ["novita/flex"]


# --- closed models ----------------------------------------------------------------------------


def test_a_closed_model_is_audited_without_a_line_on_quantization() -> None:
    found = planned(
        endpoint("anthropic"),
        endpoint("google-vertex"),
        model="anthropic/claude-sonnet-4.5",
        closed=True,
    )
    assert found.closed
    assert found.chosen == "author"


# --- requests and their price -----------------------------------------------------------------


def test_what_the_default_costs() -> None:
    """Twelve endpoints: 1,200 requests of 30 + 16 tokens for 3 cents."""
    found = planned(FULL, *(endpoint(f"host{number}/fp8", "fp8") for number in range(11)))
    assert (found.requests_each, found.requests, found.tokens) == (100, 1200, 55_200)
    assert found.expected_usd == Decimal("0.0300")
    assert found.most_usd == 2 * 1200 * (100 * Decimal("3E-7") + 16 * Decimal("1E-6"))
    assert words.planned(found) == (
        "1,200 requests to 12 endpoints of qwen/qwen3-coder, about 55,200 tokens: about $0.030, at "
        "most $0.11 by the listed prices."
    )


def test_a_deep_audit_asks_more_often() -> None:
    found = planned(FULL, EIGHT, asked=Asked(deep=True))
    assert (found.prompts, found.answers, found.requests) == (200, 3, 1200)


def test_a_fee_for_each_request_counts() -> None:
    fee = endpoint("fee/fp8", "fp8", request_price=Decimal("0.01"))
    assert planned(FULL, fee).expected_usd - planned(FULL, EIGHT).expected_usd == 1


def test_a_plan_knows_what_requests_may_say() -> None:
    plain = endpoint("plain/fp8", "fp8", supported_parameters=("max_tokens", "temperature"))
    varies = endpoint("night/fp8", "fp8", price_varies=True)
    found = {each.tag: each for each in planned(FULL, plain, varies).endpoints}
    assert found["deepinfra/bf16"].reasoning_off
    assert "reasoning" in PARAMETERS
    assert not found["plain/fp8"].reasoning_off
    assert found["night/fp8"].price_varies
    assert found["night/fp8"].prompt_price == Decimal("0.3")


def test_an_audit_that_goes_on_is_reckoned_at_the_prices_of_today() -> None:
    known = planned(FULL, EIGHT)
    dearer = endpoint(
        EIGHT.tag, "fp8", prompt_price=Decimal("0.000009"), completion_price=Decimal("0.00001")
    )
    gone_mad = endpoint(FULL.tag, "bf16", prompt_price=None)
    today = repriced(known, [gone_mad, dearer])
    assert [each.prompt_price for each in today.endpoints] == [
        known.endpoints[0].prompt_price,
        Decimal(9),
    ]
    assert today.reference == today.endpoints[0]
    assert len(today.compared) == 1
    assert repriced(known, []) == known
    assert repriced(replace(known, reference=None), []).reference is None
