"""Looks for events that no request brings.

These are: trouble with the ledger, hours that are over, models that expire, hosts that got worse.

Rule 1  Every look has a bound: of receipts, of models, of time. One that fails is repeated later.
Rule 2  Every process looks at its own writer. At the rest, which is the same for all, the processes
        on duty look and tell what they find; the ledger keeps each event once. The look at hosts,
        which reads many receipts, is left to one worker.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from ..catalog.catalog import Catalog
from ..catalog.providers import slug_of
from ..errors import LedgerError
from ..ledger.faults import ANY
from ..ledger.rates import Rate
from ..ledger.scorecard import Host, HostDimension, Scorecard, Slug
from ..ledger.wanted import Wanted
from ..notices import events
from ..notices.event import Event
from ..notices.ledger_watch import LedgerWatch
from ..policy.book import Book
from ..policy.request import request_for
from .notices import Notices
from .told_by import BROKEN, day_of, hour_of, share_of

log = logging.getLogger("pointsman")

MOST_SCORED = 50_000  # newest receipts of eight days
MOST_MODELS = 500  # that policies name in full
_LOOK_SECONDS = 1.0
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_LATE = _MINUTE  # after an hour, in which the last of its receipts are written
_BEFORE = 7  # days that today is compared with
_LOOKED_BACK = timedelta(hours=24)  # for hours that ended while nothing ran
_EPOCH = datetime.fromtimestamp(0, UTC)


class Ledger(Protocol):
    """The part of the store that is looked at."""

    def notices_told(self, event: str, windows: Sequence[str], /) -> list[tuple[str, str]]:
        """Return the subjects and windows of an event's notices in these windows."""
        ...

    def broken_by_rule(self, since: datetime, until: datetime, /) -> dict[str, int]:
        """Count the broken receipts of a time by their most specific rule."""
        ...

    def scorecard(
        self, *, slug: Slug, by: Sequence[HostDimension], wanted: Wanted, most: int
    ) -> Scorecard:
        """Return how often each host was at fault."""
        ...


class Writes(Protocol):
    """The ledger's writer, as far as its health goes."""

    @property
    def pending(self) -> int:
        """The number of receipts waiting to be written."""
        ...

    @property
    def dropped(self) -> int:
        """Receipts that are lost."""
        ...

    @property
    def error(self) -> str | None:
        """The reason why receipts can't be written now; None if they can."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is looked at."""

    ledger: Callable[[], Ledger]
    writer: Writes
    book: Callable[[], Book]
    catalog: Callable[[], Catalog]
    scores_hosts: bool  # whether this worker is the one that looks at hosts
    on_duty: Callable[[], bool] = lambda: True  # whether this process looks at what is for all


class Lookout:
    """Tells what it sees, until cancelled."""

    def __init__(self, seen: Seen, notices: Notices, clock: Callable[[], float]) -> None:
        """`clock` is a wall clock that never jumps."""
        self._seen = seen
        self._notices = notices
        self._clock = clock
        self._watch = LedgerWatch()
        self._summed = self._now() - _LOOKED_BACK
        self._minute_at = self._hour_at = _EPOCH

    async def keep_looking(self) -> None:
        """Look every second, every minute and every hour."""
        while True:
            try:
                await self.look()
            except LedgerError:
                pass  # its trouble is an event of its own
            except Exception:
                log.exception("events can't be looked for; trying again")
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Tell what is to be seen now."""
        now = self._now()
        self._look_at_writer(now)
        if not self._seen.on_duty():
            return  # and once it is, hours that are over are looked at from the last look on
        if now >= self._minute_at:
            self._minute_at = now + _MINUTE
            self._tell(expirations(self._seen.book(), self._seen.catalog(), now.date()))
            self._tell(await asyncio.to_thread(self._hours_over, now))
        if self._seen.scores_hosts and now >= self._hour_at:
            self._hour_at = now + _MINUTE  # if it fails
            self._tell(await asyncio.to_thread(self._worse_hosts, now))
            self._hour_at = now + _HOUR

    def _look_at_writer(self, now: datetime) -> None:
        writer, moment = self._seen.writer, self._clock()
        fails, waiting, dropped = writer.error is not None, writer.pending, writer.dropped
        self._tell(
            self._watch.look(
                fails=fails, waiting=waiting, dropped=dropped, now=moment, hour=hour_of(now)
            )
        )

    def _tell(self, found: Iterable[Event]) -> None:
        for event in found:
            self._notices.tell(event)

    def _hours_over(self, now: datetime) -> list[Event]:
        """The further broken answers of each hour that has ended since the last look."""
        hours = list(_hours(max(self._summed, now - _LOOKED_BACK), now - _LATE))
        if not hours:
            return []
        ledger, found = self._seen.ledger(), []
        told = ledger.notices_told(BROKEN, [hour_of(each) for each in hours])
        for hour in hours:
            rules = [rule for rule, window in told if window == hour_of(hour)]
            counted = ledger.broken_by_rule(hour, hour + _HOUR) if rules else {}
            for rule in rules:
                further = counted.get(rule, 0) - 1
                if further > 0:
                    found.append(
                        events.broken_further(rule=rule, hour=hour_of(hour), further=further)
                    )
        self._summed = hours[-1] + _HOUR
        return found

    def _worse_hosts(self, now: datetime) -> list[Event]:
        card = self._seen.ledger().scorecard(
            slug=slug_of,
            by=("provider",),
            wanted=Wanted(since=_midnight(now) - _BEFORE * _DAY),
            most=MOST_SCORED,
        )
        return list(worse_hosts(card, now))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def worse_hosts(card: Scorecard, now: datetime) -> Iterator[Event]:
    """The hosts whose defects have left their interval.

    Today's interval (UTC) then lies wholly above that of the seven days before.
    """
    today = (_midnight(now) - _EPOCH).days
    for model in card.models:
        for host in model.hosts:
            new = _defects_of(host, today, today + 1)
            old = _defects_of(host, today - _BEFORE, today)
            if new.is_surely_above(old):
                yield events.host(
                    model=model.model,
                    provider=host.names[0] or "",
                    day=day_of(now),
                    today=share_of(new),
                    before=share_of(old),
                )


def expirations(book: Book, catalog: Catalog, today: date) -> Iterator[Event]:
    """The models that policies name in full and that OpenRouter will stop offering soon."""
    for name in book.models_named[:MOST_MODELS]:
        model = catalog.model(catalog.id_of(name) or name)
        if model is None or model.expires_on is None:
            continue
        try:
            days = (date.fromisoformat(model.expires_on) - today).days
        except ValueError:  # such as the 30th of February
            continue
        route = book.route_for(request_for(name), caller=None, user_agent="", catalog=catalog)
        event = events.expiration(model=name, date=model.expires_on, days=days, rules=route.rules)
        if event is not None:
            yield event


def _defects_of(host: Host, since: int, until: int) -> Rate:
    rates = [score.rate(ANY) for day, score in host.days.items() if since <= day < until]
    return Rate(sum(each.found for each in rates), sum(each.of for each in rates))


def _hours(since: datetime, until: datetime) -> Iterator[datetime]:
    """The whole hours that have ended by `until`, from the one of `since`."""
    hour = since.replace(minute=0, second=0, microsecond=0)
    while hour + _HOUR <= until:
        yield hour
        hour += _HOUR


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
