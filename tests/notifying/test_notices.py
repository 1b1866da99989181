"""The queue: it never waits, never raises, and never grows without end."""

from app.notices.event import Event
from app.notices.events import broken_further, drift, ledger_over
from app.notifying.notices import Notices


def told(number: int) -> Event:
    return broken_further(rule="careful", hour=f"{number}", further=1)


def drifted(number: int) -> Event:
    names = {"model": "a/b", "gone": (), "come": ("x",), "admitted": ("x",), "why": ""}
    return drift(**names, rules=(), book="1", now=f"{number}")  # type: ignore[arg-type]


def test_without_a_webhook_nothing_is_kept() -> None:
    notices = Notices(on=False)
    notices.tell(told(1))
    assert not notices.waiting
    assert not notices.outcomes


def test_what_was_told_lately_is_not_queued_again() -> None:
    notices = Notices(on=True)
    for number in (1, 1, 2, 1):
        notices.tell(told(number))
    assert [each.window for each in notices.waiting] == ["1/further", "2/further"]


def test_an_event_with_a_state_is_left_to_the_ledger() -> None:
    notices = Notices(on=True)
    for _ in range(2):
        notices.tell(drifted(1))
    assert len(notices.waiting) == 2


def test_the_queue_is_bounded_and_what_does_not_fit_is_counted() -> None:
    notices = Notices(on=True, capacity=3)
    for number in range(5):
        notices.tell(told(number))
    assert len(notices.waiting) == 3
    assert notices.outcomes == {("broken", "dropped"): 2}
    notices.waiting.clear()
    notices.tell(told(4))  # it was not told, so it is news
    assert len(notices.waiting) == 1


def test_what_concerns_the_ledger_does_not_wait_behind_the_rest() -> None:
    notices = Notices(on=True, capacity=1)
    notices.tell(told(1))
    notices.tell(ledger_over(hour="1", seconds=1))
    assert (len(notices.waiting), len(notices.urgent)) == (1, 1)


def test_what_is_remembered_is_bounded() -> None:
    notices = Notices(on=True, capacity=10_000)
    for number in range(1_200):
        notices.tell(told(number))
    notices.tell(told(0))
    assert len(notices.waiting) == 1_201


def test_what_a_policy_does_not_tell_is_left_out_and_a_defect_there_harms_nothing() -> None:
    notices = Notices(lambda event: event.window == "1/further", on=True)
    for number in (1, 2):
        notices.tell(told(number))
    assert len(notices.waiting) == 1
    failing = Notices(lambda _: bool(1 // 0), on=True)
    failing.tell(told(1))
    assert not failing.waiting
