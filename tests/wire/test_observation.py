"""What each part of an answer says, and that values of the wrong kind count as not sent."""

from decimal import Decimal

import pytest

from app.wire.observation import (
    Attempt,
    ObservedError,
    Usage,
    read_error,
    read_metadata,
    read_usage,
    text,
)
from tests.wire.recordings import CHAT, RESPONSES, recorded_json


def test_a_retried_request_names_every_provider_that_received_the_prompt() -> None:
    account = recorded_json("json/router_metadata_composed.json")["success_after_fallback"]
    metadata = read_metadata(account)
    model = "deepseek/deepseek-v4.1-flash-20260910"
    assert metadata is not None
    assert metadata.attempts == (
        Attempt("DeepInfra", model, 429),
        Attempt("Novita", model, 200),
    )
    assert (metadata.selected, metadata.region) == ("Novita", None)


def test_two_rows_of_one_provider_leave_no_doubt_which_provider_was_selected() -> None:
    account = recorded_json("json/router_metadata_composed.json")["two_rows_same_provider"]
    metadata = read_metadata(account)
    assert metadata is not None
    assert (metadata.selected, metadata.unclear) == ("BaseTen", None)


def test_rows_without_a_provider_are_left_out() -> None:
    odd = [{"provider": 3, "selected": True}, "Novita", {"provider": "Novita", "selected": "yes"}]
    metadata = read_metadata({"endpoints": {"available": odd}, "attempts": {}})
    assert metadata is not None
    assert (metadata.selected, metadata.attempts, metadata.unclear) == (None, (), None)
    rows = [*odd, {"provider": "DeepInfra", "selected": True}]
    metadata = read_metadata({"endpoints": {"available": rows}})
    assert metadata is not None
    assert metadata.selected == "DeepInfra"


@pytest.mark.parametrize("value", [None, "enabled", [], 1])
def test_metadata_that_is_no_object_is_none(value: object) -> None:
    assert read_metadata(value) is None


@pytest.mark.parametrize("value", [None, "", {}, [], 500, True])
def test_an_error_that_says_nothing_is_none(value: object) -> None:
    assert read_error(value) is None


def test_an_error_that_is_a_text_is_its_message() -> None:
    assert read_error("bad gateway") == ObservedError("", "bad gateway")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": 429, "type": "x", "error_type": "y"}, "429"),
        ({"code": "server_error"}, "server_error"),
        ({"code": None, "type": "overloaded_error", "error_type": "y"}, "overloaded_error"),
        ({"error_type": "not_found", "http_status": 404}, "not_found"),
        ({"code": {}, "message": 5, "metadata": "x"}, ""),
    ],
)
def test_the_code_of_an_error_is_upstreams_own_word(error: object, code: str) -> None:
    seen = read_error(error)
    assert seen is not None
    assert (seen.code, seen.message) == (code, "")


@pytest.mark.parametrize("count", [-1, 1.5, Decimal("1.5"), "7", True, None, [], 2**53])
def test_a_count_that_is_no_count_is_not_sent(count: object) -> None:
    assert read_usage({"prompt_tokens": count}, CHAT.usage) == Usage()


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (0, Decimal(0)),
        (Decimal("4.06e-06"), Decimal("0.00000406")),
        (Decimal("1e400"), None),
        (Decimal(-1), None),
        ("0.1", None),
        (True, None),
        (None, None),
    ],
)
def test_a_cost_is_a_number_of_dollars_or_not_sent(cost: object, expected: Decimal | None) -> None:
    assert read_usage({"cost": cost}, CHAT.usage).cost_usd == expected


def test_a_flag_is_true_false_or_not_sent() -> None:
    assert read_usage({"is_byok": True}, CHAT.usage).is_byok is True
    assert read_usage({"is_byok": "no"}, CHAT.usage).is_byok is None


@pytest.mark.parametrize(
    ("counts", "ran"),
    [({"web_search_requests": 1}, True), ({"n": 0, "m": None}, False), (1, False)],
)
def test_server_tools_ran_where_one_is_counted(counts: object, *, ran: bool) -> None:
    usage = read_usage({"server_tool_use_details": counts}, RESPONSES.usage)
    assert usage.server_tools is ran


def test_a_text_is_cut_at_a_length_that_a_record_can_bear() -> None:
    assert text("x" * 10_000) == "x" * 256
    assert (text(""), text(None), text(3)) == (None, None, None)


@pytest.mark.parametrize(
    ("status", "failed"), [(200, False), (399, False), (400, True), (None, True)]
)
def test_an_attempt_whose_status_is_not_told_counts_as_failed(
    status: int | None, *, failed: bool
) -> None:
    assert Attempt("A", None, status).failed is failed
