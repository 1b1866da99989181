"""Notifications as lines of a table. PURE."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from ..ledger.notices import Notice
from ..ledger.receipt import iso
from ..notices.event import from_json
from ..wording import plural

MOST = 20


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One notification, and what became of it."""

    moment: str
    title: str
    sign: str  # of a verdict, whose colour fits
    outcome: str


def notices_of(notices: Iterable[Notice]) -> tuple[NoticeLine, ...]:
    """The lines, in the order given."""
    return tuple(_line(each) for each in notices)


def _line(notice: Notice) -> NoticeLine:
    try:
        title = from_json(notice.body).title
    except msgspec.DecodeError:
        title = f"{notice.event}: {notice.subject}"
    tries = plural(notice.tries, "try", "tries")
    why = f": {notice.error}" if notice.error else ""
    sign, outcome = {
        "delivered": ("kept", f"delivered, {tries}"),
        "given_up": ("broken", f"given up after {tries}{why}"),
        "waiting": ("unproven", f"waiting, {tries}{why}"),
    }[notice.outcome]
    return NoticeLine(iso(notice.told_at), title, sign, outcome)
