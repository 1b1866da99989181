"""The account of a run adds up its receipts, and says what it does not know."""

from decimal import Decimal

from app.tools.account import MOST_BROKEN, Account, Entry, account_lines


def lines(*entries: Entry, unread: int = 0, unanswered: int = 0) -> list[str]:
    account = Account(unread=unread, unanswered=unanswered)
    for entry in entries:
        account.add(entry)
    return list(account_lines(account, "pointsman log"))


def test_requests_are_added_up_by_provider_and_verdict() -> None:
    assert lines(
        Entry("rcp_1", "novita", "kept", Decimal("0.5")),
        Entry("rcp_2", "baseten", "unproven", Decimal("0.25")),
        Entry("rcp_3", "novita", "broken", Decimal("0.001")),
    ) == [
        "3 requests, $0.7510",
        "served by novita 2, baseten 1",
        "policy: kept 1, unproven 1, broken 1",
        "broken: pointsman log rcp_3",
    ]


def test_small_money_is_shown_to_the_millionth_and_unknown_money_is_said() -> None:
    told = lines(Entry("rcp_1", "novita", "kept", Decimal("0.000032")), Entry("b", "x", None, None))
    assert told[0] == "2 requests, $0.000032 (the cost of 1 is not known)"


def test_what_was_refused_or_failed_is_said() -> None:
    assert lines(
        Entry("rcp_1", None, None, None, refused=True),
        Entry("rcp_2", None, None, None, failed=True),
    ) == [
        "2 requests, $0.000000",
        "policy: nothing to judge",
        "1 refused by Pointsman, 1 failed",
    ]


def test_a_run_without_requests_has_nothing_to_judge() -> None:
    assert lines() == ["no request of this run is known to have reached Pointsman"]


def test_what_is_not_in_the_figures_is_said() -> None:
    assert lines(unread=2, unanswered=1)[1:] == [
        "2 receipts of this run could not be read, so the figures are without them",
        "1 request had no answer when the tool left, so the figures are without them",
    ]


def test_many_broken_receipts_are_not_all_named() -> None:
    entries = [Entry(f"rcp_{number}", "x", "broken", None) for number in range(MOST_BROKEN + 2)]
    told = lines(*entries)
    assert told[-1] == "and 2 more: pointsman log --verdict broken"
    assert sum(line.startswith("broken: ") for line in told) == MOST_BROKEN
