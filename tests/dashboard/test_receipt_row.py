"""A receipt in one line."""

from typing import Any

import pytest

from app.dashboard.receipt_row import ended, row_of
from app.errors import (
    DeadlineMissed,
    UpstreamError,
    UpstreamGarbage,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from tests.ledger.receipts import FULL, receipt


def test_a_row_says_who_served_and_what_it_took() -> None:
    row = row_of(FULL)
    assert row.model == "qwen-precise → qwen/qwen3-coder"
    assert (row.provider, row.served) == ("novita", "fp8")
    assert (row.tool, row.tool_word, row.status) == ("OpenAI/Python 3.1", "OpenAI/Python", "200")
    assert row.started_at == "2026-11-21T09:30:00.125Z"
    assert (row.verdict, row.trouble, row.caller) == ("kept", False, "aider")
    assert row.cost == "$0.0221"  # an own key: OpenRouter's fee and the provider's charge


@pytest.mark.parametrize(
    ("fields", "served"),
    [
        ({"ending": "refused", "status": 403, "error_code": "policy_conflict"},
         "policy_conflict"),
        ({"ending": "upstream_error", "status": 429, "error_code": "429"},
         "OpenRouter answered with an error"),
        ({"ending": "upstream_error", "status": 502, "error_code": "503"},
         "OpenRouter answered with an error"),
        ({"ending": "upstream_error", "status": 200, "error_code": "stall_deadline",
          "provider": "novita", "quantizations_listed": ("fp8",)},
         "fp8 (paused for longer than the rule's deadline)"),
        ({"ending": "caller_left"}, "client disconnected"),
        ({"ending": "upstream_cut", "provider": "novita", "quantizations_listed": ("fp8", "fp4")},
         "fp8 or fp4 (OpenRouter broke off)"),
    ],
)  # fmt: skip
def test_a_row_says_why_nobody_served_or_not_to_the_end(
    fields: dict[str, Any], served: str
) -> None:
    row = row_of(receipt(**fields))
    assert row.served == served
    assert row.trouble


@pytest.mark.parametrize(
    "error",
    [UpstreamUnreachable, UpstreamTimeout, UpstreamGarbage, *DeadlineMissed.__subclasses__()],
)
def test_where_openrouter_sent_no_error_none_is_claimed(error: type[UpstreamError]) -> None:
    told = ended(receipt(ending="upstream_error", error_code=error.code))
    assert told != ended(receipt(ending="upstream_error", error_code="502"))


def test_a_complete_answer_without_a_provider_is_no_trouble() -> None:
    row = row_of(receipt(status=200))
    assert (row.served, row.trouble) == ("complete", False)


def test_what_is_not_known_is_a_dash() -> None:
    row = row_of(receipt())
    assert {row.model, row.ttft, row.cost, row.tool_word, row.status} == {"\N{EN DASH}"}
    assert row_of(receipt(alias="x")).model == "x → \N{EN DASH}"


def test_a_tools_name_is_short() -> None:
    assert row_of(receipt(user_agent="x" * 60)).tool_word == "x" * 23 + "…"
    assert row_of(receipt(user_agent=" ")).tool_word == "\N{EN DASH}"
