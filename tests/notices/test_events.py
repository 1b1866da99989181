"""What is told of each event: its words, what names it, and nothing that a client wrote."""

from decimal import Decimal
from typing import Any

import pytest

from app.notices import events
from app.notices.event import KINDS, LONGEST_NAME, LONGEST_TEXT, Event, event, from_json, to_json
from app.notices.events import Share

BROKEN: dict[str, Any] = {
    "rules": ("precise", "careful"),
    "hour": "2026-11-28T09",
    "receipt": "rcp_1",
    "model": "qwen/qwen3-coder",
    "provider": "deepinfra",
    "listed_as": ("fp4",),
}
DRIFT: dict[str, Any] = {
    "model": "qwen/qwen3-coder",
    "gone": ("novita/fp8",),
    "come": (),
    "admitted": ("groq", "chutes"),
    "why": 'quantizations by rule "careful" (a.yaml:3)',
    "rules": ("careful",),
    "book": "3f9a1c",
    "now": "2026-11-28T09:31:04.120Z",
}
BUDGET: dict[str, Any] = {
    "rule": "careful",
    "budget": "$20 a day",
    "spent": Decimal("16.1"),
    "limit": Decimal(20),
    "share": 0.805,
    "window_end": "2026-11-29T00:00:00Z",
}
HOST: dict[str, Any] = {
    "model": "qwen/qwen3-coder",
    "provider": "novita",
    "day": "2026-11-28",
    "today": Share(12, 40, 0.181, 0.454),
    "before": Share(3, 700, 0.0015, 0.0125),
}


def expiring(days: int) -> Event | None:
    return events.expiration(model="a/b", date="2026-12-31", days=days, rules=("careful",))


EVERY: list[Event | None] = [
    events.broken(**BROKEN),
    events.broken_further(rule="precise", hour="2026-11-28T09", further=41),
    events.budget(kind="near", **BUDGET),
    events.budget(kind="spent", **BUDGET),
    events.drift(**DRIFT),
    expiring(30),
    events.ledger_trouble(hour="2026-11-28T09", waiting=12, seconds=10.2),
    events.ledger_over(hour="2026-11-28T09", seconds=95),
    events.receipts_lost(hour="2026-11-28T09", lost=3),
    events.host(**HOST),
    events.trial(now="2026-11-28T09:31:04.120Z"),
]


def test_there_is_an_event_of_each_kind_and_all_are_told_apart() -> None:
    told = [each for each in EVERY if each is not None]
    assert {each.kind for each in told} == set(KINDS)
    assert len({each.id for each in told}) == len(EVERY)


@pytest.mark.parametrize("told", EVERY, ids=lambda each: each.title)
def test_an_event_is_kept_and_read_again(told: Event) -> None:
    assert from_json(to_json(told)) == told


def test_a_broken_rule_is_told_with_its_receipt_and_its_provider() -> None:
    told = events.broken(**BROKEN)
    assert (told.subject, told.window) == ("precise", "2026-11-28T09")
    assert told.title == 'Rule "precise" was broken'
    assert "for qwen/qwen3-coder or was sent its prompt, served by deepinfra, listed as fp4." in (
        told.text
    )
    assert told.facts["receipt"] == "rcp_1"


@pytest.mark.parametrize("model", ["tell nobody: a secret", None, "A\nB"])
def test_a_model_that_does_not_look_like_one_is_left_out(model: str | None) -> None:
    """A client chooses the name, and could write anything."""
    told = events.broken(**{**BROKEN, "model": model, "provider": None, "listed_as": ()})
    assert "served a request for a model or was sent its prompt. " in told.text
    assert told.facts["model"] is None
    assert "nobody" not in to_json(told)


def test_a_provider_that_is_not_listed_is_told_without_a_label() -> None:
    told = events.broken(**{**BROKEN, "listed_as": ()})
    assert "served by deepinfra. " in told.text


def test_the_further_ones_of_an_hour_are_counted() -> None:
    told = events.broken_further(rule="precise", hour="2026-11-28T09", further=1)
    assert told.title == 'Rule "precise" was broken 1 more time'
    assert told.window == "2026-11-28T09/further"


def test_a_budget_is_told_when_it_is_near_and_when_it_is_spent() -> None:
    near, spent = events.budget(kind="near", **BUDGET), events.budget(kind="spent", **BUDGET)
    assert near.text == (
        "$16.10 of $20 a day (80 %) is spent. The budget begins anew at 2026-11-29T00:00:00Z."
    )
    assert spent.text.endswith(
        "Requests that count for it are refused until it begins anew at 2026-11-29T00:00:00Z."
    )
    assert (near.level, spent.level) == ("warning", "problem")
    assert near.window != spent.window


def test_a_budget_of_small_amounts_is_told_in_digits_that_say_something() -> None:
    small = {**BUDGET, "spent": Decimal("0.00099"), "limit": Decimal("0.001"), "share": 0.999}
    told = events.budget(kind="near", **{**small, "budget": "$0.001 a day"}, caller="ann")
    assert told.text.startswith("$0.00099 of $0.001 a day (99 %) is spent by ann. ")


@pytest.mark.parametrize(("kind", "when"), [("near", "beyond it"), ("spent", "now")])
def test_what_follows_from_a_budget_of_a_session_is_told(
    kind: events.BudgetKind, when: str
) -> None:
    told = events.budget(kind=kind, **{**BUDGET, "window_end": None})
    assert told.text.endswith(f"Requests of that session are refused {when}.")


def test_a_drift_is_news_if_what_is_allowed_is_not_what_was_told_last() -> None:
    told = events.drift(**DRIFT)
    seen_later = events.drift(**{**DRIFT, "gone": (), "come": ("groq",), "now": "later"})
    assert told.state == seen_later.state
    for other in ({"admitted": ("groq",)}, {"book": "4a"}):
        assert events.drift(**{**DRIFT, **other}).state != told.state
    assert 'Gone: novita/fp8 (quantizations by rule "careful" (a.yaml:3)).' in told.text
    assert "New: groq." in seen_later.text
    assert (told.level, events.drift(**{**DRIFT, "admitted": ()}).level) == ("warning", "problem")


@pytest.mark.parametrize(
    ("days", "window", "when"),
    [
        (31, None, None),
        (30, "2026-12-31/30", "in 30 days"),
        (8, "2026-12-31/30", "in 8 days"),
        (7, "2026-12-31/7", "in 7 days"),
        (2, "2026-12-31/7", "in 2 days"),
        (1, "2026-12-31/1", "tomorrow"),
        (0, "2026-12-31/1", "today"),
        (-1, None, None),
    ],
)
def test_an_expiration_is_told_30_7_and_1_days_before(
    days: int, window: str | None, when: str | None
) -> None:
    told = expiring(days)
    assert (told and told.window) == window
    assert told is None or told.title == f"a/b expires {when}"


def test_a_host_is_told_with_both_intervals() -> None:
    told = events.host(**HOST)
    assert "today: 12 of 40 (18 % to 45 %). In the seven days before: 3 of 700 (0 % to 1 %)." in (
        told.text
    )
    assert events.host(**{**HOST, "model": "what a client wrote"}).facts["model"] is None


def test_everything_is_bounded_and_safe_to_show() -> None:
    long = event(
        "host",
        "a\x1b[31m\n" + "x" * 999,
        "\ud800",
        level="warning",
        title="t" * 999,
        text="line\nline\x07" + "x" * 9999,
        facts={"a": "y" * 999, "b": ["z" * 999] * 99, "c": 1},
    )
    assert len(long.title) == len(long.subject) == LONGEST_NAME
    assert "\x1b" not in long.subject
    assert "\n" not in long.subject
    assert long.text.startswith("line\nline\N{REPLACEMENT CHARACTER}x")
    assert len(long.text) == LONGEST_TEXT
    assert from_json(to_json(long)) == long
    assert len(to_json(long)) < 10_000
