"""From what other rooms notice to events."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from app.budget.event import BudgetEvent
from app.notices.event import Event
from app.notifying.told_by import by_budget

SPENT = BudgetEvent(
    rule="careful",
    budget="$5 a day, for each caller",
    spent=Decimal("5.1"),
    limit=Decimal(5),
    share=1.02,
    window_end=datetime(2026, 11, 29, tzinfo=UTC),
    kind="spent",
    caller="ci",
    key="ci",
    name="day caller careful\0123\0ci\0spent",
)


def words_of(event: Event) -> str:
    return repr((event.title, event.text, event.facts, event.window, event.subject))


def test_a_spent_budget_names_its_caller() -> None:
    told = by_budget(SPENT)
    assert told.facts["caller"] == "ci"
    assert told.text == (
        "$5.10 of $5 a day, for each caller (102 %) is spent by ci. "
        "Requests that count for it are refused until it begins anew at 2026-11-29T00:00:00.000Z."
    )


def test_each_caller_is_told_of_once() -> None:
    other = replace(SPENT, caller="me", key="me", name="day caller careful\0123\0me\0spent")
    assert by_budget(other).id != by_budget(SPENT).id
    assert by_budget(SPENT).id == by_budget(SPENT).id


def test_what_a_client_chose_is_not_told() -> None:
    by_tool = replace(SPENT, caller=None, key="my-secret-tool/1", name="x\0my-secret-tool/1\0spent")
    assert "secret" not in words_of(by_budget(by_tool))
    assert by_budget(by_tool).text.startswith(
        "$5.10 of $5 a day, for each caller (102 %) is spent. Requests that count for it are"
    )


def test_a_session_has_no_end_of_its_window() -> None:
    told = by_budget(replace(SPENT, caller=None, window_end=None, budget="$5 a session"))
    assert (
        told.text
        == "$5.10 of $5 a session (102 %) is spent. Requests of that session are refused now."
    )
    assert told.facts["window_end"] is None
