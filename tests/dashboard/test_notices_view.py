"""Notifications as lines: what was told, and what became of it."""

from dataclasses import replace

import pytest

from app.dashboard.notices_view import NoticeLine, notices_of
from app.ledger.notices import Notice, Outcome
from app.notices.event import to_json
from app.notices.events import broken_further
from tests.ledger.receipts import START

EVENT = broken_further(rule="careful", hour="2026-11-21T09", further=2)
NOTICE = Notice(
    seq=1,
    event="broken",
    subject="careful",
    window="2026-11-21T09/further",
    body=to_json(EVENT),
    told_at=START,
    due_at=START,
    tries=1,
    outcome="delivered",
    delivered_at=START,
    error=None,
)


@pytest.mark.parametrize(
    ("outcome", "tries", "error", "sign", "told"),
    [
        ("delivered", 1, None, "kept", "delivered, 1 try"),
        ("waiting", 0, None, "unproven", "waiting, 0 tries"),
        ("waiting", 3, "HTTP 500", "unproven", "waiting, 3 tries: HTTP 500"),
        ("given_up", 12, "timed out", "broken", "given up after 12 tries: timed out"),
    ],
)
def test_a_line_says_what_became_of_it(
    outcome: Outcome, tries: int, error: str | None, sign: str, told: str
) -> None:
    seen = replace(NOTICE, outcome=outcome, tries=tries, error=error)
    assert notices_of([seen]) == (NoticeLine("2026-11-21T09:30:00.125Z", EVENT.title, sign, told),)


def test_an_event_of_another_version_is_shown_by_its_kind_and_subject() -> None:
    (line,) = notices_of([replace(NOTICE, body="{}")])
    assert line.title == "broken: careful"
