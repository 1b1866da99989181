"""What receipts add up to, and that no caller can make it grow without end."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.ledger.receipt import Receipt
from app.telemetry.tallies import OTHER, OVERFLOW, Histogram, Labels, Tallies
from tests.ledger.receipts import FULL, receipt

QWEN = "qwen/qwen3-coder"
REFUSED = receipt(model_asked="no/such", status=403, ending="refused", error_code="policy_conflict")


def known(asked: str) -> str | None:
    """Whatever begins with qwen is the one model that is known."""
    return QWEN if asked.lower().startswith("qwen") else None


def tallied(*receipts: Receipt, most: int = 2_000) -> Tallies:
    tallies = Tallies(known, most=most)
    for each in receipts:
        tallies.note(each)
    return tallies


def test_a_request_is_counted_under_all_that_tells_it_apart() -> None:
    tallies = tallied(FULL, FULL, REFUSED)
    assert dict(tallies.requests) == {
        Labels("chat", QWEN, "novita", "2xx", "complete", "kept"): 2,
        Labels("none", OTHER, "none", "4xx", "refused", "none"): 1,
    }


def test_tokens_and_cost_add_up_by_model_and_provider() -> None:
    one = receipt(model_sent=QWEN, provider="novita", prompt_tokens=10, completion_tokens=3)
    two = receipt(
        model_sent=QWEN,
        provider="novita",
        prompt_tokens=5,
        cached_tokens=4,
        completion_tokens=2,
        reasoning_tokens=1,
        cost_usd=Decimal("0.25"),
    )
    served = tallied(one, two).served[QWEN, "novita"]
    assert (served.prompt, served.cached, served.completion, served.reasoning) == (15, 4, 5, 1)
    assert served.cost == 0.25


def test_latencies_are_in_seconds_and_a_refusal_has_none() -> None:
    slow = receipt(model_sent=QWEN, ttft_ms=1500.0, duration_ms=2500.0)
    refused = receipt(model_sent=QWEN, ending="refused", duration_ms=0.4)
    served = tallied(slow, refused).served[QWEN, "none"]
    assert (served.ttft.sum, served.duration.sum) == (1.5, 2.5)
    assert sum(served.duration.counts) == 1


def test_a_verdict_counts_for_each_rule_that_took_part() -> None:
    judged = [
        receipt(verdict="kept", rules=("a", "b")),
        receipt(verdict="broken", rules=("a",)),
        receipt(verdict="kept"),
        receipt(rules=("a",)),
    ]
    assert tallied(*judged).verdicts == {
        ("a", "kept"): 1,
        ("b", "kept"): 1,
        ("a", "broken"): 1,
        ("none", "kept"): 1,
    }


def test_only_refusals_of_our_own_are_counted_by_code() -> None:
    upstreams = receipt(status=502, ending="upstream_error", error_code="anything upstream says")
    unnamed = receipt(ending="refused")
    assert tallied(REFUSED, REFUSED, upstreams, unnamed).refusals == {
        "policy_conflict": 2,
        "none": 1,
    }


@pytest.mark.parametrize("asked", [QWEN, "Qwen/Qwen3-Coder", "qwen/qwen3-coder:nitro"])
def test_a_model_has_one_label_however_it_was_asked_for(asked: str) -> None:
    assert tallied().note(receipt(model_asked=asked)).model == QWEN


@pytest.mark.parametrize("name", ["Nobody Inc.", "x" * 65, "-", "\n", 'a"b', "Novita"])
def test_a_provider_that_does_not_look_like_one_is_no_label(name: str) -> None:
    assert tallied().note(receipt(provider=name)).provider == OTHER


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=40))
def test_no_text_of_a_caller_becomes_a_label(asked: list[tuple[str, str, str]]) -> None:
    tallies = Tallies(lambda _: None)
    for model, alias, agent in asked:
        tallies.note(receipt(model_asked=model, alias=alias, user_agent=agent, session=agent))
    assert {labels.model for labels, _ in tallies.requests} <= {OTHER, "none"}


def test_there_is_a_bound_to_the_sets_of_labels_and_nothing_is_lost_beyond_it() -> None:
    everything = Tallies(lambda name: name, most=40)
    for number in range(500):
        everything.note(
            receipt(
                model_sent=f"a/m{number}",
                provider=f"p{number}",
                rules=(f"r{number}",),
                verdict="kept",
                prompt_tokens=1,
            )
        )
    assert len(everything.served) == 11
    assert len(everything.verdicts) == 41
    assert sum(count for _, count in everything.requests) == 500
    assert everything.served[OVERFLOW, OVERFLOW].prompt == 490
    assert everything.overflowed == 490 + 460


def test_what_has_its_labels_keeps_them_when_there_is_no_more_room() -> None:
    endings = [receipt(model_sent=QWEN, status=status) for status in (100, 200, 300, 400, 500)]
    tallies = tallied(*endings, *endings, most=4)
    assert [(labels.model, labels.status, count) for labels, count in tallies.requests] == [
        *((QWEN, status, 2) for status in ("1xx", "2xx", "3xx", "4xx")),
        (OVERFLOW, "5xx", 2),
    ]
    assert tallies.overflowed == 2


@given(st.lists(st.floats(0, 1000)))
def test_a_histogram_counts_what_is_at_most_each_bound(values: list[float]) -> None:
    bounds = (0.5, 1.0, 100.0)
    histogram = Histogram(bounds)
    for value in values:
        histogram.note(value)
    expected = [sum(value <= bound for value in values) for bound in (*bounds, float("inf"))]
    assert [count for _, count in histogram.buckets()] == expected
    assert [bound for bound, _ in histogram.buckets()] == ["0.5", "1.0", "100.0", "+Inf"]
    assert histogram.sum == pytest.approx(sum(values))


def test_with_an_own_key_the_cost_is_all_that_was_paid() -> None:
    cost, charge = Decimal("0.25"), Decimal("0.5")
    both = (
        receipt(model_sent=QWEN, is_byok=own, cost_usd=cost, upstream_cost_usd=charge)
        for own in (True, False)
    )
    assert tallied(*both).served[QWEN, "none"].cost == 1.0


def test_what_is_learned_of_a_receipt_adds_tokens_and_money_and_no_request() -> None:
    tallies = Tallies(lambda name: name)
    before = receipt(model_sent="a/b", provider="novita", prompt_tokens=5, ending="caller_left")
    tallies.note(before)
    after = replace(before, cost_usd=Decimal("0.25"), completion_tokens=7)
    tallies.learned(before, after)
    served = tallies.served["a/b", "novita"]
    assert (served.cost, served.prompt, served.completion) == (0.25, 5, 7)
    assert [count for _, count in tallies.requests] == [1]
