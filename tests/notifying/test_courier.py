"""Each event is told once: by two processes, after a process died, and while the ledger is away."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.errors import LedgerError
from app.ledger.notices import LEASE, NewNotice
from app.ledger.store import Store
from app.notices.again import MOST_TRIES, Answer
from app.notices.event import Event
from app.notices.events import broken_further, ledger_trouble
from app.notifying.claims import Claims
from app.notifying.courier import Courier
from app.notifying.notices import Notices
from app.notifying.sender import Sender
from app.notifying.webhook import Webhook
from tests.ledger.receipts import START
from tests.notifying.receiver import OK, Receiver, receiving, status
from tests.waiting import until

ROOT = Path(__file__).parents[2]
DOWN = LedgerError("no room")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START.timestamp()

    def __call__(self) -> float:
        return self.now


class Sends:
    """Accepts or refuses messages, and keeps them."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[Event] = []

    async def send(self, event: Event, *, at: str, sent_at: str) -> Answer:
        del at, sent_at
        self.sent.append(event)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def told(number: int) -> Event:
    return broken_further(rule="careful", hour=f"{number}", further=1)


def courier_of(
    store: Store,
    sends: Sends,
    clock: Clock,
    claim: Callable[[str], bool] = lambda _: True,
) -> tuple[Courier, Notices]:
    notices = Notices(on=True)
    return Courier(notices, lambda: store, sends, claim=claim, clock=clock), notices


async def test_two_couriers_on_a_ledger_tell_an_event_once(
    open_store: Callable[[], Store],
) -> None:
    sends, clock = Sends(Answer(200)), Clock()
    both = [courier_of(open_store(), sends, clock) for _ in range(2)]
    for courier, notices in both:
        notices.tell(told(1))
        await courier.put()
    await asyncio.gather(*(courier.deliver() for courier, _ in both))
    assert sends.sent == [told(1)]
    clock.now += 3600
    for courier, _ in both:
        await courier.deliver()
    assert len(sends.sent) == 1


async def test_a_message_is_repeated_until_it_is_accepted(store: Store) -> None:
    sends, clock = Sends(Answer(500), Answer(error="timed out"), Answer(204)), Clock()
    courier, notices = courier_of(store, sends, clock)
    notices.tell(told(1))
    await courier.put()
    await courier.deliver()
    assert notices.undelivered == 1
    assert notices.error == "HTTP 500"
    await courier.deliver()
    assert len(sends.sent) == 1  # not before its pause is over
    for _ in range(2):
        clock.now += 20
        await courier.deliver()
    (kept,) = store.newest_notices(limit=9)
    assert (kept.outcome, kept.tries, kept.error) == ("delivered", 3, None)
    assert notices.outcomes == {("broken", "failed"): 2, ("broken", "delivered"): 1}
    assert notices.undelivered == 0


async def test_a_message_is_given_up_after_an_hour_or_at_once_if_it_is_refused(
    store: Store,
) -> None:
    sends, clock = Sends(Answer(error="timed out")), Clock()
    courier, notices = courier_of(store, sends, clock)
    notices.tell(told(1))
    await courier.put()
    while not notices.outcomes["broken", "given_up"]:
        await courier.deliver()
        clock.now += 60
    assert len(sends.sent) == MOST_TRIES
    assert clock.now - START.timestamp() < 2 * 3600
    sends.answers = [Answer(404)]
    notices.tell(told(2))
    await courier.put()
    await courier.deliver()
    assert {each.error for each in store.newest_notices(limit=9)} == {"HTTP 404", "timed out"}
    assert notices.undelivered == 2


async def test_a_process_that_dies_with_a_notice_in_hand_is_followed_by_another(
    open_store: Callable[[], Store],
) -> None:
    sends, clock = Sends(Answer(200)), Clock()
    dead = open_store()
    courier, notices = courier_of(dead, sends, clock)
    notices.tell(told(1))
    await courier.put()
    assert len(dead.take_notices(START, most=1)) == 1  # and that was its last act
    other, _ = courier_of(open_store(), sends, clock)
    await other.deliver()
    assert sends.sent == []
    clock.now += LEASE.total_seconds()
    await other.deliver()
    assert sends.sent == [told(1)]


async def test_a_clock_that_jumps_neither_loses_nor_repeats_a_notice(
    open_store: Callable[[], Store],
) -> None:
    sends, ahead, right = Sends(Answer(500), Answer(200)), Clock(), Clock()
    ahead.now += timedelta(days=40).total_seconds()
    one, notices = courier_of(open_store(), sends, ahead)
    notices.tell(told(1))
    await one.put()
    await one.deliver()
    other, _ = courier_of(open_store(), sends, right)
    await other.deliver()  # its next try is due in 40 days, which no pause ever is
    assert len(sends.sent) == 2
    ahead.now += 3600
    await one.deliver()
    assert len(sends.sent) == 2


async def test_what_was_delivered_is_not_sent_again_if_the_ledger_fails_then(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sends, clock = Sends(Answer(200)), Clock()
    courier, notices = courier_of(store, sends, clock)
    notices.tell(told(1))
    await courier.put()

    def fails(*_: object) -> None:
        raise DOWN

    with monkeypatch.context() as patched:
        patched.setattr(store, "notice_delivered", fails)
        with pytest.raises(LedgerError):
            await courier.deliver()
    clock.now += 600
    await courier.deliver()
    assert len(sends.sent) == 1
    assert store.newest_notices(limit=1)[0].outcome == "delivered"


async def test_events_wait_for_the_ledger_and_its_own_trouble_does_not(tmp_path: Path) -> None:
    def away() -> Store:
        raise DOWN

    sends, clock, claims = Sends(Answer(200)), Clock(), Claims(tmp_path / "told")
    trouble = ledger_trouble(hour="2026-11-28T09", waiting=3, seconds=11)
    workers = []
    for _ in range(3):
        notices = Notices(on=True)
        courier = Courier(notices, away, sends, claim=claims.claim, clock=clock)
        notices.tell(told(1))
        notices.tell(trouble)
        await courier.put()
        workers.append((courier, notices))
    await until(lambda: sends.sent)
    await asyncio.sleep(0.1)
    assert sends.sent == [trouble]  # by one of three workers on this machine
    assert [len(notices.waiting) for _, notices in workers] == [1, 1, 1]
    back = Store.open(f"sqlite:///{tmp_path}/back.db")
    courier = Courier(workers[0][1], lambda: back, sends, claim=claims.claim, clock=clock)
    await courier.put()
    await courier.deliver()
    assert sends.sent == [trouble, told(1)]
    back.close()


async def test_an_event_of_another_version_is_given_up(store: Store) -> None:
    store.put_notice(NewNotice("comet", "a", "b", '{"kind": "comet"}'), START)
    sends = Sends(Answer(200))
    courier, _ = courier_of(store, sends, Clock())
    await courier.deliver()
    assert sends.sent == []
    assert store.newest_notices(limit=1)[0].outcome == "given_up"


def test_a_folder_that_can_not_be_written_makes_every_claim_good(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    claims = Claims(tmp_path / "file")
    assert claims.claim("a")
    assert claims.claim("a")


def test_old_claims_are_deleted(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    assert claims.claim("a")
    assert not claims.claim("a")
    os.utime(tmp_path / "a", (0, 0))
    assert claims.claim("b")
    assert not (tmp_path / "a").exists()


async def test_what_waits_at_the_end_is_put_on_the_ledger(store: Store) -> None:
    courier, notices = courier_of(store, Sends(Answer(200)), Clock())
    notices.tell(told(1))
    await courier.aclose()
    assert [each.outcome for each in store.newest_notices(limit=9)] == ["waiting"]


_PROCESS = """
import asyncio, os, sys, time
from app.ledger.store import Store
from app.notices.events import broken_further
from app.notifying.courier import Courier
from app.notifying.notices import Notices
from app.notifying.sender import Sender
from app.notifying.webhook import Webhook

ledger, hook, dies = sys.argv[1], sys.argv[2], sys.argv[3] == "dies"

class Dies:
    async def send(self, event, *, at, sent_at):
        os._exit(9)

async def main():
    store, notices = Store.open(ledger), Notices(on=True)
    sender = Dies() if dies else Sender(Webhook(hook, "json"))
    clock = (lambda: time.time() - 120) if dies else time.time
    courier = Courier(notices, lambda: store, sender, claim=lambda _: True, clock=clock)
    for number in range(5):
        notices.tell(broken_further(rule="careful", hour=f"{number}", further=1))
    await courier.put()
    while await courier.deliver():
        pass
    await asyncio.sleep(0.3)
    await courier.deliver()

asyncio.run(main())
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(OK) as receiver:
        yield receiver


def start(ledger: str, hook: str, how: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", _PROCESS, ledger, hook, how], env=env)  # noqa: S603


def test_two_processes_tell_once_what_a_third_died_with(url: str, receiver: Receiver) -> None:
    Store.open(url).close()
    assert start(url, receiver.url, "dies").wait(60) == 9
    both = [start(url, receiver.url, "delivers") for _ in range(2)]
    assert [each.wait(60) for each in both] == [0, 0]
    told_of = [each.headers["x-pointsman-notice"] for each in receiver.arrived]
    assert len(told_of) == len(set(told_of)) == 5


async def test_a_receiver_that_is_down_for_a_while_gets_everything(store: Store) -> None:
    clock, notices = Clock(), Notices(on=True)
    with receiving(status(503), b"", OK) as receiver:
        sender = Sender(Webhook(receiver.url, "json"))
        courier = Courier(notices, lambda: store, sender, claim=lambda _: True, clock=clock)
        notices.tell(told(1))
        await courier.put()
        for _ in range(3):
            await courier.deliver()
            clock.now += 60
        await sender.aclose()
    assert len({each.json()["id"] for each in receiver.arrived}) == 1
    assert len(receiver.arrived) == 3
    assert receiver.arrived[0].json()["at"] == receiver.arrived[2].json()["at"]
