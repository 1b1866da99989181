"""Notices on the ledger: told once, taken once, and never lost with a process."""

import multiprocessing
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.synchronize import Barrier

import pytest

from app.ledger import notices
from app.ledger.notices import LEASE, LONGEST_PAUSE, NewNotice
from app.ledger.store import Store
from tests.ledger.receipts import START, receipt

NEW = NewNotice("broken", "careful", "2026-11-21T09", '{"title": "broken"}')
SECOND = timedelta(seconds=1)


def test_an_event_is_told_once_for_its_subject_and_window(
    open_store: Callable[[], Store],
) -> None:
    one, other = open_store(), open_store()
    assert one.put_notice(NEW, START)
    assert not other.put_notice(NEW, START + SECOND)
    assert other.put_notice(NEW._replace(window="2026-11-21T10"), START)
    assert other.put_notice(NEW._replace(subject="private"), START)
    assert other.put_notice(NEW._replace(event="budget"), START)
    assert len(one.newest_notices(limit=10)) == 4


def test_an_event_with_a_state_is_news_only_if_the_state_is_another(store: Store) -> None:
    def told(state: str, second: int) -> bool:
        window = f"{second}"
        return store.put_notice(NEW._replace(state=state, window=window), START)

    assert [told("a", 1), told("a", 2), told("b", 3), told("a", 4)] == [True, False, True, True]


def test_a_notice_is_taken_once_until_its_lease_is_over(
    open_store: Callable[[], Store],
) -> None:
    one, other = open_store(), open_store()
    one.put_notice(NEW, START)
    (taken,) = one.take_notices(START, most=10)
    assert (taken.tries, taken.body, taken.due_at) == (1, NEW.body, START + LEASE)
    assert other.take_notices(START + LEASE - SECOND, most=10) == []
    (again,) = other.take_notices(START + LEASE, most=10)
    assert again.tries == 2


def test_a_result_counts_only_while_no_other_process_has_taken_it(store: Store) -> None:
    store.put_notice(NEW, START)
    (taken,) = store.take_notices(START, most=10)
    (again,) = store.take_notices(START + LEASE, most=10)
    store.notice_failed(taken, "late", None)
    assert store.newest_notices(limit=1)[0].outcome == "waiting"
    store.notice_failed(again, "timed out", START + 2 * LEASE)
    (seen,) = store.newest_notices(limit=1)
    assert (seen.outcome, seen.error, seen.due_at) == ("waiting", "timed out", START + 2 * LEASE)
    store.notice_delivered(taken, START + LEASE)  # it did arrive, so no further try is needed
    (seen,) = store.newest_notices(limit=1)
    assert (seen.outcome, seen.error, seen.delivered_at) == ("delivered", None, START + LEASE)
    assert store.take_notices(START + 10 * LEASE, most=10) == []


def test_a_notice_that_was_given_up_is_not_taken_again_and_reported_for_a_day(
    store: Store,
) -> None:
    store.put_notice(NEW, START)
    assert store.undelivered_notices(START).number == 0  # not tried yet
    (taken,) = store.take_notices(START, most=10)
    store.notice_failed(taken, "HTTP 404", None)
    assert store.take_notices(START + 10 * LEASE, most=10) == []
    assert store.undelivered_notices(START) == (1, "HTTP 404")
    assert store.undelivered_notices(START + timedelta(days=2)) == (0, None)


def test_a_notice_of_a_clock_that_was_ahead_does_not_wait_for_it(store: Store) -> None:
    ahead = START + timedelta(days=30)
    store.put_notice(NEW, ahead)
    (taken,) = store.take_notices(ahead, most=10)
    store.notice_failed(taken, "HTTP 500", ahead + LONGEST_PAUSE)
    assert len(store.take_notices(START, most=10)) == 1


@pytest.mark.parametrize("text", ["nul \0", "half \ud800 pair", "x" * 5000])
def test_any_text_can_be_a_key(store: Store, text: str) -> None:
    assert store.put_notice(NewNotice("drift", text, text, "{}"), START)
    assert not store.put_notice(NewNotice("drift", text, text, "{}"), START)


def test_old_notices_are_deleted_by_age_and_number(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "MOST_KEPT", 3)
    store.put_notice(NEW, START)
    later = START + notices.KEPT_FOR + SECOND
    for number in range(5):
        store.put_notice(NEW._replace(window=f"{number}"), later)
    assert [each.window for each in store.newest_notices(limit=10)] == ["4", "3", "2"]


def test_the_windows_that_were_told_are_found(store: Store) -> None:
    for window in ("1", "2", "3"):
        store.put_notice(NEW._replace(window=window), START)
    assert sorted(store.notices_told("broken", ["1", "3", "9"])) == [
        ("careful", "1"),
        ("careful", "3"),
    ]


def test_broken_receipts_are_counted_by_their_most_specific_rule(store: Store) -> None:
    store.write(
        [
            receipt(0, verdict="broken", rules=("a", "all")),
            receipt(1, verdict="broken", rules=("all",)),
            receipt(2, verdict="broken", rules=("a",)),
            receipt(3, verdict="kept", rules=("a",)),
            receipt(4, verdict="broken", rules=()),
            receipt(4000, verdict="broken", rules=("a",)),
        ]
    )
    counted = store.broken_by_rule(START, START + timedelta(hours=1))
    assert counted == {"a": 2, "all": 1}


def _tell(url: str, start: Barrier, number: int) -> None:
    store = Store.open(url)
    start.wait()
    for window in range(30):
        store.put_notice(NEW._replace(window=f"{window}"), START)
    taken: list[str] = []
    while found := store.take_notices(START, most=4):
        taken += [each.window for each in found]
    for each in taken:
        store.put_notice(NewNotice("taken", each, f"{number}", "{}"), START + LEASE)
    store.close()


def test_two_processes_tell_and_take_each_event_once(url: str) -> None:
    spawning = multiprocessing.get_context("spawn")
    Store.open(url).close()
    start = spawning.Barrier(2)
    both = [spawning.Process(target=_tell, args=(url, start, number)) for number in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(60)
        assert each.exitcode == 0
    store = Store.open(url)
    found = store.newest_notices(limit=1000)
    store.close()
    taken = [each.subject for each in found if each.event == "taken"]
    assert sorted(taken, key=int) == [f"{window}" for window in range(30)]
