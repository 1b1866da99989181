"""Keeps the catalog's benchmark scores as they are kept on disk; nothing is ever fetched here."""

import asyncio
import logging
from collections.abc import Callable
from datetime import date

from ..catalog.scores import Scores
from .score_copies import ScoreCopies, State, aged

log = logging.getLogger("pointsman")

_LOOK_EVERY_SECONDS = 1.0


class ScoreFeed:
    """Reads the kept scores at the start, and again when other scores are kept or a day begins."""

    def __init__(
        self, copies: ScoreCopies, keep: Callable[[Scores], None], today: Callable[[], date]
    ) -> None:
        """`keep` is called with the scores at once, and later on the event loop."""
        self._copies = copies
        self._keep = keep
        self._today = today
        self._seen: State = copies.state()
        self._day = today()
        self._scores = copies.read(self._day)
        keep(self._scores)

    async def keep_fresh(self) -> None:
        """Poll the kept copy until cancelled; it is read in a thread."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            await self.renew()

    async def renew(self) -> None:
        """Look once, and keep what has changed."""
        found = await asyncio.to_thread(self.look)
        if found is not None:
            self._keep(found)

    def look(self) -> Scores | None:
        """The scores, if they or their age have changed since the last look."""
        state, day = self._copies.state(), self._today()
        if state == self._seen and day == self._day:
            return None
        read_again = state != self._seen
        self._scores = self._copies.read(day) if read_again else aged(self._scores, day)
        self._seen, self._day = state, day
        if read_again:
            snapshot = self._scores.snapshot
            told = f"those of {snapshot.date}" if snapshot else self._scores.why_none
            log.info("benchmark scores in use: %s", told)
        return self._scores
