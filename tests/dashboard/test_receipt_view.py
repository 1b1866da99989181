"""A receipt in full."""

import dataclasses
import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from app.dashboard.receipt_view import Whole, whole_of
from app.ledger.receipt import FIELDS, Receipt, as_json_object
from tests.ledger.receipts import AUDITED, FULL, receipt


def facts_of(whole: Whole) -> dict[str, dict[str, str]]:
    return {
        section.title: {fact.label: fact.value for fact in section.facts}
        for section in whole.sections
    }


def test_every_field_that_a_receipt_has_is_on_its_page() -> None:
    whole = whole_of(FULL)
    assert json.loads(whole.json) == json.loads(json.dumps(as_json_object(FULL)))
    assert set(json.loads(whole.json)) == set(FIELDS)


@pytest.mark.parametrize("field", msgspec.structs.fields(Receipt), ids=lambda field: field.name)
def test_every_field_can_be_seen_without_reading_json(field: msgspec.structs.FieldInfo) -> None:
    """Every page and `log` of one receipt print these facts."""
    if field.required:
        return
    other = not AUDITED.streamed if field.name == "streamed" else field.default
    without = whole_of(replace(AUDITED, **{field.name: other}))
    assert replace_json(without) != replace_json(whole_of(AUDITED))


def replace_json(whole: Whole) -> Whole:
    return dataclasses.replace(whole, json="")


def test_an_explanation_is_shown_in_sentences() -> None:
    shown = facts_of(whole_of(FULL))["Why no endpoint was left"]
    assert shown == {
        "Step": "Filter by price",
        "Explanation": "Listed endpoints of a/b: 2 -> 0.",
    }


def test_the_sections_come_in_the_order_in_which_one_asks() -> None:
    facts = facts_of(whole_of(FULL))
    assert list(facts) == [
        "Provider",
        "Request",
        "Session",
        "Policy",
        "Speed",
        "Tokens and cost",
        "Result",
        "Why no endpoint was left",
    ]
    assert facts["Provider"]["Listed as"] == "fp8"
    assert facts["Request"]["Streamed"] == "yes"
    assert facts["Policy"]["Preferences sent"].startswith('{\n  "only": ["novita/fp8"]')
    assert facts["Tokens and cost"]["Cached share"].startswith("98.8")
    assert facts["Tokens and cost"]["Cost"] == "$0.022"  # with an own key, both
    assert facts["Tokens and cost"]["OpenRouter's fee"] == "$0.0021"
    assert facts["Tokens and cost"]["Provider's charge"] == "$0.020"
    assert facts["Result"]["Sent"].startswith("280.0")


def test_what_is_not_known_is_not_on_the_page() -> None:
    facts = facts_of(whole_of(receipt()))
    assert list(facts) == ["Request", "Result"]
    assert facts["Request"] == {"Path": "/v1/chat/completions", "Streamed": "no"}
    assert "Cached share" not in facts_of(whole_of(receipt(prompt_tokens=9)))["Tokens and cost"]


def test_no_tokens_at_all_are_no_share_of_anything() -> None:
    shown = facts_of(whole_of(receipt(prompt_tokens=0, cached_tokens=0)))["Tokens and cost"]
    assert shown == {"Prompt": "0", "of it cached": "0"}


def test_an_empty_preferences_object_was_sent_too() -> None:
    assert facts_of(whole_of(receipt(preferences_sent={})))["Policy"]["Preferences sent"] == "{}"


@pytest.mark.parametrize(
    ("reason", "headline"),
    [
        ("served by Novita", "Served by Novita"),
        (None, "Refused by Pointsman; nothing was sent"),
    ],
)
def test_the_headline_is_the_reason_or_how_it_ended(reason: str | None, headline: str) -> None:
    assert whole_of(receipt(reason=reason, ending="refused")).headline == headline


def test_attempts_and_overruled_wishes_are_shown_as_they_were() -> None:
    whole = whole_of(FULL)
    dash = "\N{EN DASH}"
    assert whole.attempts == ({"provider": "Novita", "model": dash, "status": "200"},)
    (overruled,) = whole.overruled
    assert (overruled["field"], overruled["asked"], overruled["sent"]) == ("sort", "price", dash)
    assert whole.evidence == FULL.evidence


def test_the_bar_of_time_is_filled_without_gaps() -> None:
    moments = whole_of(FULL).timeline
    assert [moment.label for moment in moments] == [
        "until the first byte",
        "until the first token",
        "until the end",
    ]
    ends = [moment.start + moment.width for moment in moments]
    assert [moment.start for moment in moments] == pytest.approx([0, *ends[:-1]])
    assert ends[-1] == pytest.approx(100)


@pytest.mark.parametrize(
    "times",
    [
        {"ttfb_ms": None, "ttft_ms": None},
        {"duration_ms": None},
        {"duration_ms": 0.0},
        {"ttfb_ms": 2048.0, "ttft_ms": None},
        {"ttfb_ms": 1.0, "ttft_ms": 1.0},
    ],
)
def test_a_bar_of_one_stretch_says_nothing_and_is_left_out(times: dict[str, Any]) -> None:
    assert whole_of(replace(FULL, **times)).timeline == ()


def test_a_clock_that_went_wrong_breaks_no_bar() -> None:
    moments = whole_of(replace(FULL, ttfb_ms=1000.0, ttft_ms=9000.0)).timeline
    assert [moment.label for moment in moments] == ["until the first byte", "until the first token"]
    assert sum(moment.width for moment in moments) == pytest.approx(100)
