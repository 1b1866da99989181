"""For whom a receipt counts as spending, in which quarter of an hour, and how much. PURE."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from .bounds import MOST_WHOLE
from .receipt import Receipt, paid_usd
from .stored_values import milliseconds, storable
from .tally import PICO

KEPT_FOR = timedelta(days=62)  # longer than any window of the calendar
_SECONDS = 900

SpentBy = Literal["rule", "caller", "tool", "session"]


class Spender(NamedTuple):
    """What a row adds up, apart from the process that wrote it."""

    bucket: int  # quarters of an hour since 1970
    rule: str
    caller: str | None
    tool: str | None  # the user agent
    session: str | None


class Amount(NamedTuple):
    """How many requests, and what they cost in picodollars."""

    requests: int = 0
    pico: int = 0


class Row(NamedTuple):
    """One row of the table, with its total."""

    number: int
    spender: Spender
    amount: Amount


def key_of(by: SpentBy, caller: str | None, tool: str | None, session: str | None) -> str | None:
    """For whom spending is added up; None: for all together, or for requests that name none.

    A session belongs to its caller: what two callers name alike are two sessions. A session is a
    digest, which has no space in it.
    """
    if by == "session":
        return session if caller is None or session is None else f"{caller} {session}"
    if by == "caller":
        return caller
    return tool if by == "tool" else None


class Question(NamedTuple):
    """A sum to read: the spending of a rule from one quarter up to another, in groups."""

    rule: str
    by: SpentBy
    start: int
    stop: int


class Spent(NamedTuple):
    """All spending at one moment. A question's answer has the group that spent last at its end."""

    answers: tuple[tuple[tuple[str | None, Amount], ...], ...]  # by question
    rows: tuple[Row, ...]  # the recent ones, one by one
    cursor: int  # of changes
    seq: int  # of receipts
    settled: frozenset[str] = frozenset()  # of the receipts that were asked for, those with a cost


def bucket_of(moment: datetime) -> int:
    """The quarter of an hour that contains a moment."""
    return milliseconds(moment) // (_SECONDS * 1000)


def start_of(bucket: int) -> datetime:
    """The moment at which a quarter of an hour begins."""
    return datetime.fromtimestamp(bucket * _SECONDS, UTC)


def spent_by(receipt: Receipt) -> Iterator[tuple[Spender, Amount]]:
    """What a receipt adds to the spending of each of its rules.

    An audit has a ceiling of its own, and is no request of a client's.
    """
    paid = paid_usd(receipt)
    if not paid or not paid.is_finite() or not receipt.rules or receipt.audit is not None:
        return
    pico = min(max(round(paid * PICO), 0), MOST_WHOLE)
    amount, bucket = Amount(1, pico), bucket_of(receipt.started_at)
    caller, tool = storable(receipt.caller), storable(receipt.user_agent)
    for rule in dict.fromkeys(receipt.rules):
        yield Spender(bucket, storable(rule), caller, tool, storable(receipt.session)), amount


def more_spent(before: Receipt, after: Receipt) -> Iterator[tuple[Spender, Amount]]:
    """What a receipt adds once more is known of its cost."""
    counted = dict(spent_by(before))
    for spender, (requests, pico) in spent_by(after):
        known = counted.get(spender, Amount())
        yield spender, Amount(requests - known.requests, pico - known.pico)
