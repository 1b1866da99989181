"""The scorecard: what counts against a host, and over which requests."""

from datetime import timedelta
from typing import Any

import pytest

from app.ledger.faults import ALL, COLUMNS, DETAILS
from app.ledger.rates import Rate
from app.ledger.scorecard import (
    Host,
    Outcome,
    Scorecard,
    host_dimensions,
    scorecard,
    scorecard_as_json,
    within_days,
)
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from tests.ledger.receipts import START, receipt


def outcome(count: int = 1, **said: Any) -> Outcome:
    """An answer without a fault to a request with tools."""
    usual: dict[str, Any] = {
        "model": "a/b",
        "provider": "novita",
        "quantizations": ("fp8",),
        "day": 20_000,
        "dialect": "chat",
        "ending": "complete",
        "status": 200,
        "with_tools": True,
        "with_json": False,
        "defects": (),
        "attempts": (),
        "number": count,
    }
    return Outcome(**(usual | said))


def card(*outcomes: Outcome, by: Any = ("provider", "quantization"), most: int = 100) -> Scorecard:
    return scorecard(outcomes, by, str.lower, most=most)


def only(found: Scorecard) -> Host:
    ((host,),) = (each.hosts for each in found.models)
    return host


def rates(host: Host) -> dict[str, Rate]:
    return {fault.name: host.score.rate(fault.name) for fault in COLUMNS}


def test_a_defect_counts_over_the_answers_that_it_applies_to() -> None:
    host = only(
        card(
            outcome(10),
            outcome(4, defects=("tool_call_as_text", "finish_mismatch")),
            outcome(5, with_tools=False),
            outcome(3, with_tools=False, with_json=True, defects=("structure_off_schema",)),
            outcome(2, dialect="completions", with_tools=False),
            outcome(7, dialect="embeddings", with_tools=False),
        )
    )
    assert host.names == ("novita", "fp8")
    assert rates(host) == {
        "any_defect": (7, 24),
        "tool_calls": (4, 14),  # once, although such an answer has two of them
        "json": (3, 3),
        "text": (0, 24),
        "ending": (0, 24),
        "failed": (0, 31),
    }
    assert host.score.rate("reasoning_as_text") == Rate(0, 22)  # not looked for in completions
    assert host.score.rate("repetition") == Rate(0, 24)
    assert host.score.rate("finish_mismatch") == Rate(4, 14)


@pytest.mark.parametrize("ending", ["caller_left", "upstream_cut", "upstream_error", "draining"])
def test_an_answer_that_did_not_come_to_its_end_is_no_answer_without_defects(ending: str) -> None:
    host = only(card(outcome(3, ending=ending)))
    assert host.score.rate("any_defect") == Rate(0, 0)
    assert host.score.requests == 3


def test_a_defect_of_tools_counts_although_no_tools_were_noted() -> None:
    host = only(card(outcome(with_tools=False, dialect=None, defects=("tool_call_as_text",))))
    assert host.score.rate("tool_calls") == Rate(1, 1)


def test_failures_count_over_all_requests_with_their_status() -> None:
    host = only(
        card(
            outcome(6),
            outcome(2, ending="upstream_error", status=503),
            outcome(ending="upstream_error", status=200),
            outcome(3, ending="empty", defects=("empty",)),
            outcome(ending="unfinished"),
            outcome(ending="caller_left"),
        )
    )
    assert host.score.rate("failed") == Rate(7, 14)
    assert host.score.rate("ended_empty") == Rate(3, 14)
    assert host.score.rate("ended_unfinished") == Rate(1, 14)
    assert host.score.rate("empty") == Rate(3, 10)
    assert host.score.statuses == {"503": 2, "upstream_error": 1, "empty": 3, "unfinished": 1}


def test_a_failed_attempt_counts_against_the_host_that_failed() -> None:
    tried = (("Baseten", 429), ("Baseten", None), ("Novita", 200))
    found = card(outcome(5, attempts=tried), outcome(9))
    novita, baseten = sorted(found.models[0].hosts, key=lambda each: each.score.attempts)
    assert rates(novita)["failed"] == (0, 14)
    assert baseten.names == ("baseten", None)
    assert rates(baseten) == {**dict.fromkeys(rates(baseten), (0, 0)), "failed": (10, 10)}
    assert (baseten.score.requests, baseten.score.attempts) == (10, 10)
    assert baseten.score.statuses == {"429": 5, "no status": 5}


def test_a_requests_own_failure_is_not_counted_again_as_an_attempt() -> None:
    tried = (("Novita", 500), ("Baseten", 500), ("Novita", 503))
    found = card(outcome(ending="upstream_error", status=503, attempts=tried), by=("provider",))
    counted = {host.names: tuple(host.score.rate("failed")) for host in found.models[0].hosts}
    assert counted == {("novita",): (2, 2), ("baseten",): (1, 1)}


def test_where_no_host_is_named_only_its_attempts_count() -> None:
    lost = outcome(provider=None, ending="upstream_error", status=502, attempts=(("Novita", 502),))
    assert only(card(lost)).score.rate("failed") == Rate(1, 1)
    assert card(outcome(provider=None)).models == ()


def test_an_attempt_goes_to_the_one_quantization_that_is_known_of_its_host() -> None:
    tried = outcome(provider="baseten", attempts=(("Novita", 500), ("Baseten", 200)))
    one = card(outcome(), tried).models[0]
    assert {host.names for host in one.hosts} == {("novita", "fp8"), ("baseten", "fp8")}
    two = card(outcome(), outcome(quantizations=("fp4",)), tried).models[0]
    assert ("novita", None) in {host.names for host in two.hosts}


def test_hosts_are_sorted_by_what_is_sure_and_models_by_their_requests() -> None:
    bad = ("tool_call_as_text",)
    found = card(
        *(outcome(1, provider="unsure", defects=bad), outcome(1, provider="unsure")),
        *(outcome(30, provider="bad", defects=bad), outcome(70, provider="bad")),
        outcome(200, provider="good"),
        *(outcome(20, provider="down", ending="upstream_cut"), outcome(2, provider="down")),
        outcome(2, model="c/d"),
        by=("provider",),
    )
    assert [each.model for each in found.models] == ["a/b", "c/d"]
    first = found.models[0]
    assert [host.names[0] for host in first.hosts] == ["down", "bad", "unsure", "good"]
    by_tools = [host.names[0] for host in first.sorted_by("tool_calls")]
    assert by_tools == ["bad", "unsure", "down", "good"]
    assert first.total.rate("tool_calls") == Rate(31, 304)
    assert first.others(first.hosts[1]).rate("tool_calls") == Rate(1, 204)


def test_days_add_up_to_the_whole() -> None:
    host = only(card(outcome(3), outcome(2, day=20_001, defects=("empty",))))
    assert {day: score.requests for day, score in host.days.items()} == {20_000: 3, 20_001: 2}
    assert host.days[20_001].rate("ending") == Rate(2, 2)


def test_it_says_if_older_receipts_are_left_out() -> None:
    assert not card(outcome(9), most=10).cut
    assert card(outcome(10), most=10).cut


def test_as_json_each_rate_has_its_counts_and_interval() -> None:
    found = scorecard_as_json(card(outcome(4, defects=("empty",)), outcome(5)))
    host = found["models"][0]["hosts"][0]
    assert (host["provider"], host["quantization"], host["requests"]) == ("novita", "fp8", 9)
    assert list(host["rates"]) == [fault.name for fault in ALL]
    assert host["rates"]["empty"].keys() == {"found", "of", "rate", "low", "high"}
    assert host["rates"]["empty"]["rate"] == 4 / 9
    assert [each["day"] for each in host["days"]] == ["2024-10-04"]
    assert found["models"][0]["total"]["requests"] == 9


def test_every_fault_of_a_column_is_among_its_details() -> None:
    assert {fault.name for each in DETAILS.values() for fault in each} == {
        fault.name for fault in ALL
    } - {column.name for column in COLUMNS}


def test_without_a_time_the_last_week_is_counted() -> None:
    week = Wanted(provider="novita", since=START - timedelta(days=7))
    assert within_days(Wanted(provider="novita"), START) == week
    for given in (Wanted(since=START), Wanted(until=START)):
        assert within_days(given, START) == given


def test_dimensions_are_read_in_one_order_and_hosts_are_needed() -> None:
    assert host_dimensions("quantization, provider") == ("provider", "quantization")
    assert host_dimensions("provider") == ("provider",)
    with pytest.raises(ValueError, match="'model' is not one of provider, quantization"):
        host_dimensions("model")
    with pytest.raises(ValueError, match="provider is missing"):
        host_dimensions("quantization")


# --- from receipts ----------------------------------------------------------------------------


def test_receipts_are_read_as_they_ended(store: Store) -> None:
    fields: dict[str, Any] = {
        "dialect": "chat",
        "model_asked": "fast",
        "model_sent": "a/b",
        "provider": "novita",
        "quantizations_listed": ("fp8", "bf16"),
        "status": 200,
    }
    store.write(
        [
            receipt(0, **fields, tools_offered=2),
            receipt(1, **fields, tool_calls=1, defects=("tool_call_not_json",)),
            receipt(2, **fields, response_format="json_schema"),
            receipt(3, **fields, response_format="text"),
            receipt(4, **fields, cache_status="HIT", defects=("empty",)),
            receipt(5, **fields, ending="empty", attempts=({"provider": "Xai", "status": 500},)),
            receipt(6, **{**fields, "provider": None, "status": 403, "ending": "refused"}),
            receipt(86_400, **fields, defects=("repetition",)),
        ]
    )
    found = store.scorecard(slug=str.lower)
    (each,) = found.models
    novita, xai = sorted(each.hosts, key=lambda host: str(host.names))
    assert (each.model, novita.names, xai.names) == (
        "a/b",
        ("novita", "bf16 or fp8"),
        ("xai", None),
    )
    assert rates(novita) == {
        "any_defect": (2, 6),
        "tool_calls": (1, 2),
        "json": (0, 1),
        "text": (1, 6),
        "ending": (0, 6),
        "failed": (1, 6),
    }
    assert len(novita.days) == 2
    assert xai.score.statuses == {"500": 1}
    newest = store.scorecard(slug=str.lower, by=("provider",), most=2)
    assert newest.cut
    assert newest.models[0].total.rate("any_defect") == Rate(1, 2)
    nothing = store.scorecard(slug=str, wanted=Wanted(until=START))
    assert (nothing.models, nothing.cut) == ((), False)
    only_bad = store.scorecard(slug=str, wanted=Wanted(defect="text"))
    assert only_bad.models[0].total.rate("text") == Rate(1, 1)
