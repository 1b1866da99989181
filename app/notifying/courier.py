"""Puts events on the ledger, takes from it those that are due, and delivers them.

Rule 1  Nothing here is awaited by a request. The ledger is used in worker threads.
Rule 2  The ledger decides which process tells an event. While it can't, events wait in memory; only
        trouble with the ledger itself is told at once, by one process a machine.
Rule 3  A notice that was delivered is not sent again by this process, even if that could not be
        written down.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from ..errors import LedgerError
from ..ledger.notices import NewNotice, Notice, Undelivered
from ..ledger.receipt import iso
from ..notices.again import Answer, pause_after
from ..notices.event import Event, from_json, to_json
from .notices import Notices

log = logging.getLogger("pointsman")

_LOOK_SECONDS = 0.2  # at this process's queue
_DUE_SECONDS = 5.0  # between two looks for notices that are due
_COUNT_SECONDS = 60.0  # between two counts of those that are not delivered
_LAST_SECONDS = 2.0  # at the end, to put what waits
_AT_ONCE = 5  # notices taken; each try is far shorter than a lease


class Ledger(Protocol):
    """The part of the store that keeps notices."""

    def put_notice(self, new: NewNotice, now: datetime, /) -> bool:
        """Add a notice; return False if it is no news."""
        ...

    def take_notices(self, now: datetime, /, *, most: int) -> list[Notice]:
        """Take notices that are due."""
        ...

    def notice_delivered(self, taken: Notice, now: datetime, /) -> None:
        """Note that a notice was delivered."""
        ...

    def notice_failed(self, taken: Notice, error: str, again_at: datetime | None, /) -> None:
        """Note that a notice could not be delivered, and when the next try is due."""
        ...

    def undelivered_notices(self, now: datetime, /) -> Undelivered:
        """Return how many notices of the last day could not be delivered so far."""
        ...


class Sends(Protocol):
    """The way to the webhook."""

    async def send(self, event: Event, *, at: str, sent_at: str) -> Answer:
        """Send an event; never raises."""
        ...


class Courier:
    """Delivers what `notices` takes, as one of several processes on a ledger."""

    def __init__(
        self,
        notices: Notices,
        ledger: Callable[[], Ledger],
        sender: Sends,
        *,
        claim: Callable[[str], bool],
        clock: Callable[[], float],
        longest_pause: float = float("inf"),
    ) -> None:
        """`clock` is a wall clock that never jumps; `claim` decides where the ledger can't.

        `longest_pause`, in seconds, is for tests.
        """
        self._notices = notices
        self._ledger = ledger
        self._sender = sender
        self._claim = claim
        self._clock = clock
        self._longest_pause = longest_pause
        self._random = random.Random()  # noqa: S311 - spreads tries, and is no secret
        self._news = asyncio.Event()
        self._unnoted: dict[int, tuple[Notice, datetime]] = {}  # delivered, not written down yet
        self._direct: set[asyncio.Task[None]] = set()
        self._count_at = 0.0

    async def keep_putting(self) -> None:
        """Put events on the ledger as they come, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.put()

    async def keep_delivering(self) -> None:
        """Deliver notices as they are due, until cancelled."""
        while True:
            self._news.clear()
            try:
                busy = await self.deliver()
            except LedgerError:
                busy = False  # its trouble is an event of its own
            except Exception:
                log.exception("notifications can't be delivered; trying again")
                busy = False
            if not busy:
                await self._wait_for_news()

    async def put(self) -> None:
        """Put what waits on the ledger. What can't be put now stays in its queue."""
        for queue in (self._notices.urgent, self._notices.waiting):
            while queue and await self._is_put(queue[0]):
                queue.popleft()

    async def deliver(self) -> bool:
        """Try the notices that are due; return whether there may be more."""
        await asyncio.to_thread(self._note_down)
        taken = await asyncio.to_thread(self._take)
        for notice in taken:
            if notice.seq not in self._unnoted:
                await self._try(notice)
        if taken or self._clock() >= self._count_at:
            await self._count()
        return len(taken) == _AT_ONCE

    async def aclose(self) -> None:
        """Put what waits on the ledger, where another process finds it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await self.put()
        for task in self._direct:
            task.cancel()

    async def _is_put(self, event: Event) -> bool:
        """Put one event; return whether its queue is rid of it."""
        try:
            is_news = await asyncio.to_thread(self._put, event)
        except LedgerError:
            if event.kind != "ledger":
                return False
            self._tell_directly(event)
        except Exception:
            log.exception("an event could not be kept, and is not told")
        else:
            if is_news:
                self._news.set()
        return True

    async def _wait_for_news(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_DUE_SECONDS):
                await self._news.wait()

    def _put(self, event: Event) -> bool:
        key = (event.kind, event.subject, event.window)
        return self._ledger().put_notice(NewNotice(*key, to_json(event), event.state), self._now())

    def _take(self) -> list[Notice]:
        return self._ledger().take_notices(self._now(), most=_AT_ONCE)

    def _note_down(self) -> None:
        for seq, (notice, when) in tuple(self._unnoted.items()):
            self._ledger().notice_delivered(notice, when)
            del self._unnoted[seq]

    async def _try(self, notice: Notice) -> None:
        try:
            event = from_json(notice.body)
        except msgspec.DecodeError:
            reason = "written by another version of Pointsman"
            await asyncio.to_thread(self._ledger().notice_failed, notice, reason, None)
            return
        answer = await self._sender.send(event, at=iso(notice.told_at), sent_at=iso(self._now()))
        if answer.is_accepted:
            self._unnoted[notice.seq] = (notice, self._now())
            self._notices.note(event, "delivered")
            await asyncio.to_thread(self._note_down)
            return
        pause = self._pause(event, answer, notice.tries)
        again_at = None if pause is None else self._now() + timedelta(seconds=pause)
        await asyncio.to_thread(self._ledger().notice_failed, notice, str(answer), again_at)

    def _pause(self, event: Event, answer: Answer, tries: int) -> float | None:
        """Count and log a failed try; return the seconds until the next one, if there is one."""
        pause = pause_after(answer, tries, self._random.random())
        self._notices.note(event, "given_up" if pause is None else "failed")
        if pause is None:
            log.error("a notification was given up (%s): %s", event.title, answer)
            return None
        return min(pause, self._longest_pause)

    def _tell_directly(self, event: Event) -> None:
        """Deliver without the ledger, which is the trouble to be told of."""
        task = asyncio.get_running_loop().create_task(self._directly(event, iso(self._now())))
        self._direct.add(task)
        task.add_done_callback(self._direct.discard)

    async def _directly(self, event: Event, at: str) -> None:
        if not await asyncio.to_thread(self._claim, event.id):
            return
        tries = 0
        while True:
            tries += 1
            answer = await self._sender.send(event, at=at, sent_at=iso(self._now()))
            if answer.is_accepted:
                self._notices.note(event, "delivered")
                return
            pause = self._pause(event, answer, tries)
            if pause is None:
                return
            await asyncio.sleep(pause)

    async def _count(self) -> None:
        self._count_at = self._clock() + _COUNT_SECONDS
        found = await asyncio.to_thread(self._undelivered)
        self._notices.undelivered, self._notices.error = found

    def _undelivered(self) -> Undelivered:
        return self._ledger().undelivered_notices(self._now())

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
