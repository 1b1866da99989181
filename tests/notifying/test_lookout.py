"""What is looked for: hours that are over, models that expire, hosts that got worse."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.ledger.notices import NewNotice
from app.ledger.receipt import Receipt
from app.ledger.store import Store
from app.notifying.lookout import Lookout, Seen, expirations
from app.notifying.notices import Notices
from app.notifying.told_by import by_receipt
from app.policy.book import EMPTY_BOOK
from app.policy.file.parse import read_book
from tests.ledger.receipts import receipt

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BOOK = read_book(
    {
        "a.yaml": """
version: 1
rules:
  - {name: pinned, models: [a/b, a/c], zdr: true}
  - {name: all, models: ["*"]}
aliases:
  mine: {model: a/d}
"""
    }
)


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now.timestamp()


class Writer:
    """A writer in the state that a test wants."""

    def __init__(self) -> None:
        self.pending = 0
        self.dropped = 0
        self.error: str | None = None


def lookout(
    store: Store,
    clock: Clock,
    *,
    scores_hosts: bool = True,
    catalog: Catalog = EMPTY,
    on_duty: Callable[[], bool] = lambda: True,
) -> tuple[Lookout, Notices, Writer]:
    notices, writer = Notices(on=True), Writer()
    seen = Seen(
        ledger=lambda: store,
        writer=writer,
        book=lambda: BOOK,
        catalog=lambda: catalog,
        scores_hosts=scores_hosts,
        on_duty=on_duty,
    )
    return Lookout(seen, notices, clock), notices, writer


def at(moment: datetime, **fields: Any) -> Receipt:
    return receipt(**{"started_at": moment, "dialect": "chat", "status": 200, **fields})


def broken(moment: datetime, rule: str = "pinned") -> Receipt:
    return at(moment, verdict="broken", rules=(rule, "all"))


def tell_first(store: Store, one: Receipt) -> None:
    event = by_receipt(one)
    assert event is not None
    new = NewNotice(event.kind, event.subject, event.window, "{}")
    assert store.put_notice(new, one.started_at)


async def test_the_further_ones_of_an_hour_are_told_once_it_is_over(store: Store) -> None:
    hour = NOON - timedelta(hours=1)
    found = [broken(hour + timedelta(minutes=each)) for each in range(5)]
    store.write([*found, broken(hour, rule="all"), broken(NOON)])
    for one in (found[0], store.recent(limit=1)[0]):
        tell_first(store, one)
    clock = Clock(NOON + timedelta(seconds=30))
    looks, notices, _ = lookout(store, clock)
    await looks.look()
    assert not notices.waiting  # the last receipts of the hour may still be on their way
    clock.now += timedelta(minutes=1)
    await looks.look()
    (event,) = notices.waiting
    assert event.title == 'Rule "pinned" was broken 4 more times'
    assert event.window == "2026-11-21T11/further"
    clock.now += timedelta(minutes=5)
    await looks.look()
    assert len(notices.waiting) == 1


async def test_one_broken_answer_alone_has_no_further_ones(store: Store) -> None:
    one = broken(NOON - timedelta(minutes=90))
    store.write([one])
    tell_first(store, one)
    looks, notices, _ = lookout(store, Clock(NOON))
    await looks.look()
    assert not notices.waiting


async def test_hours_that_ended_while_nothing_ran_are_told_after_a_start(store: Store) -> None:
    found = [broken(NOON - timedelta(hours=20, minutes=each)) for each in (1, 2, 3)]
    store.write(found)
    tell_first(store, found[0])
    looks, notices, _ = lookout(store, Clock(NOON))
    await looks.look()
    assert [each.facts["further"] for each in notices.waiting] == [2]


async def test_after_a_long_sleep_no_more_than_a_day_is_looked_at(store: Store) -> None:
    clock = Clock(NOON)
    looks, notices, _ = lookout(store, clock)
    await looks.look()
    clock.now += timedelta(days=3650)
    await looks.look()
    assert not notices.waiting


async def test_trouble_of_the_writer_is_told(store: Store) -> None:
    clock = Clock(NOON)
    looks, notices, writer = lookout(store, clock)
    writer.error = "canary: what a driver says can hold anything"
    writer.pending = 3
    await looks.look()
    clock.now += timedelta(seconds=11)
    await looks.look()
    writer.error = None
    writer.dropped = 2
    await looks.look()
    titles = [each.title for each in notices.urgent]
    assert titles == ["Receipts can't be written", "2 receipts lost", "Receipts are written again"]
    assert "canary" not in str(notices.urgent)


def answers(day: datetime, of: int, found: int, provider: str = "novita") -> list[Receipt]:
    defect = {"defects": ("reasoning_as_text",)}
    return [
        at(
            day + timedelta(seconds=each),
            model_sent="a/b",
            provider=provider,
            **(defect if each < found else {}),
        )
        for each in range(of)
    ]


async def test_a_host_is_told_if_todays_interval_lies_above_that_of_seven_days(
    store: Store,
) -> None:
    for back in range(1, 8):
        store.write(answers(NOON - timedelta(days=back), 40, 1))
        store.write(answers(NOON - timedelta(days=back), 40, 10, "groq"))
    store.write(answers(NOON - timedelta(days=9), 40, 40, "novita"))  # too long ago to count
    store.write(answers(NOON - timedelta(hours=2), 40, 14))
    store.write(answers(NOON - timedelta(hours=2), 40, 14, "groq"))
    clock = Clock(NOON)
    looks, notices, _ = lookout(store, clock)
    await looks.look()
    (event,) = notices.waiting
    assert event.subject == "novita a/b"
    assert (event.facts["found"], event.facts["of"]) == (14, 40)
    assert (event.facts["before_found"], event.facts["before_of"]) == (7, 280)
    assert event.window == "2026-11-21"


async def test_a_new_host_has_nothing_to_leave_and_one_worker_looks(store: Store) -> None:
    store.write(answers(NOON - timedelta(hours=2), 40, 40))
    looks, notices, _ = lookout(store, Clock(NOON))
    await looks.look()
    assert not notices.waiting
    store.write([each for back in (1, 2) for each in answers(NOON - timedelta(days=back), 40, 0)])
    other, told_by_other, _ = lookout(store, Clock(NOON), scores_hosts=False)
    await other.look()
    assert not told_by_other.waiting
    one, told_by_one, _ = lookout(store, Clock(NOON))
    await one.look()
    assert len(told_by_one.waiting) == 1


async def test_only_the_process_on_duty_looks_at_what_is_for_all_and_each_at_its_own_writer(
    store: Store,
) -> None:
    """Once it has the duty, it looks at what the one before it may not have seen any more."""
    store.write([each for back in (1, 2) for each in answers(NOON - timedelta(days=back), 40, 0)])
    store.write(answers(NOON - timedelta(hours=2), 40, 40))
    duty, clock = [False], Clock(NOON)
    looks, notices, writer = lookout(store, clock, on_duty=lambda: duty[0])
    await looks.look()
    assert not notices.waiting
    assert not notices.urgent
    writer.error = "the disk is full"
    for _ in range(120):
        clock.now += timedelta(seconds=1)
        await looks.look()
    assert [event.kind for event in notices.urgent] == ["ledger"]
    assert not notices.waiting
    duty[0] = True
    await looks.look()
    assert [event.kind for event in notices.waiting] == ["host"]


ROWS = [
    {"id": "a/b", "expiration_date": "2026-12-21"},
    {"id": "a/c", "expiration_date": "2026-02-30"},
    {"id": "a/d", "expiration_date": "2026-11-22"},
    {"id": "a/e", "expiration_date": "2026-11-22"},
]


def test_models_that_policies_name_are_told_before_they_expire() -> None:
    catalog = EMPTY.with_models(ROWS)
    told = list(expirations(BOOK, catalog, date(2026, 11, 21)))
    assert [(each.subject, each.window, each.rules) for each in told] == [
        ("a/b", "2026-12-21/30", ("pinned", "all")),
        ("a/d", "2026-11-22/1", ("all",)),
    ]
    assert list(expirations(EMPTY_BOOK, catalog, date(2026, 11, 21))) == []


def test_only_a_broken_verdict_of_a_rule_is_told_and_no_words_of_a_client() -> None:
    assert by_receipt(at(NOON, verdict="kept", rules=("a",))) is None
    assert by_receipt(at(NOON, verdict="broken", rules=())) is None
    words = "canary words of a client"
    one = at(
        NOON,
        verdict="broken",
        rules=("a",),
        **dict.fromkeys(("model_sent", "model_asked", "user_agent", "reason"), words),
        **dict.fromkeys(("error_message", "session", "provider", "caller"), words),
        quantizations_listed=(words,),
        preferences_sent={"only": [words]},
    )
    assert "canary" not in str(by_receipt(one))


@pytest.mark.parametrize("hours", [0, 23])
def test_the_window_is_the_hour_in_which_the_request_began(hours: int) -> None:
    event = by_receipt(broken(NOON.replace(hour=hours, minute=59)))
    assert event is not None
    assert event.window == f"2026-11-21T{hours:02}"
