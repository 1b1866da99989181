"""Audits on the ledger come into use while serving, and the last known ones hold without it."""

import asyncio
from contextlib import suppress
from datetime import date

import pytest

from app.catalog.audits import Audits
from app.errors import LedgerError
from app.ledger.audits import Audit, EndpointVerdict
from app.record import audit_feed
from app.record.audit_feed import AuditFeed
from tests.ledger.test_audits import MODEL, audit, verdict
from tests.waiting import until


class Kept:
    """A ledger as a list."""

    def __init__(self, *verdicts: EndpointVerdict) -> None:
        self.rows = list(verdicts)
        self.trouble: Exception | None = None
        self.reads = 0

    def __call__(self) -> "Kept":
        return self

    def verdicts(self, _model: str | None = None, /) -> list[EndpointVerdict]:
        self.reads += 1
        if self.trouble is not None:
            raise self.trouble
        return self.rows

    def audit(self, _name: str, /) -> Audit | None:
        return None


SAME, DIFFERENT = (verdict(audit(), "groq", word) for word in ("same", "different"))


def feed_of(ledger: Kept, used: list[Audits], *, wanted: bool = True) -> AuditFeed:
    today = date(2026, 11, 21)
    return AuditFeed(ledger, used.append, today=lambda: today, wanted=lambda: wanted)


def words(used: list[Audits]) -> list[str]:
    return [each.verdict for audits in used for each in audits.of(MODEL).audits]


async def test_they_are_read_before_the_first_request_only_if_a_policy_needs_them() -> None:
    for wanted in (True, False):
        ledger, used = Kept(SAME), list[Audits]()
        await feed_of(ledger, used, wanted=wanted).begin()
        assert words(used) == ["same"] * wanted
        assert ledger.reads == wanted


async def test_a_start_does_not_wait_for_a_ledger_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit_feed, "_FIRST_SECONDS", 0.01)
    used: list[Audits] = []
    feed = feed_of(Kept(SAME), used)
    async with feed._one_at_a_time:  # noqa: SLF001 - as a read that takes long
        await feed.begin()
        assert used == []
    await until(lambda: words(used) == ["same"])


async def test_they_are_followed_while_a_policy_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_feed, "_READ_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(audit_feed, "_TICK_SECONDS", 0.01)
    ledger, used, wanted = Kept(SAME), list[Audits](), [False]
    feed = AuditFeed(
        ledger, used.append, today=lambda: date(2026, 11, 21), wanted=lambda: wanted[0]
    )
    chore = asyncio.create_task(feed.keep_fresh())
    await asyncio.sleep(0.05)
    assert ledger.reads == 0
    wanted[0] = True
    await until(lambda: words(used) == ["same"])
    ledger.rows = [DIFFERENT]
    await until(lambda: words(used) == ["same", "different"])
    seen = ledger.reads
    await until(lambda: ledger.reads > seen + 2)
    assert len(used) == 2  # the same audits are not used anew
    chore.cancel()
    with suppress(asyncio.CancelledError):
        await chore


async def test_the_last_known_ones_hold_while_the_ledger_is_away() -> None:
    ledger, used = Kept(SAME), list[Audits]()
    feed = feed_of(ledger, used)
    ledger.trouble = LedgerError("it is away")
    await feed.look()
    await feed.look()
    assert [each.why_none for each in used] == ["it is away"]
    ledger.trouble = None
    await feed.look()
    ledger.trouble = LedgerError("it is away")
    await feed.look()
    assert words(used) == ["same"]
    assert len(used) == 2


async def test_a_defect_is_logged_and_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    ledger, used = Kept(), list[Audits]()
    ledger.trouble = ValueError("x")
    await feed_of(ledger, used).look()
    assert used == []
    assert "can't be read; trying again" in caplog.text


async def test_to_show_them_they_are_read_if_no_policy_needs_them() -> None:
    ledger, used = Kept(SAME), list[Audits]()
    shown = await feed_of(ledger, used, wanted=False).now()
    assert shown == used[0]
    assert await feed_of(ledger, used).now() is None
