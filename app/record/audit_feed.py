"""Keeps the catalog's audits as the ledger has them, for policies that admit endpoints by them.

Another worker or a command on another machine may add an audit to the ledger. It is in use here
within about a second; requests never wait. If the ledger can't be read, the last known audits hold.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from ..catalog.audits import Audits
from ..errors import LedgerError

if TYPE_CHECKING:
    from ..known_audits import AuditReader, Ledger

log = logging.getLogger("pointsman")

_TICK_SECONDS = 0.25
_READ_EVERY_SECONDS = 1.0
_FIRST_SECONDS = 2.0


class AuditFeed:
    """Reads the ledger for audits as long as a policy needs any."""

    def __init__(
        self,
        ledger: "Callable[[], Ledger]",
        keep: Callable[[Audits], None],
        *,
        today: Callable[[], date],
        wanted: Callable[[], bool],
    ) -> None:
        """`keep` is called with the audits, on the event loop; `today` is the day in UTC."""
        self._ledger = ledger
        self._keep = keep
        self._today = today
        self._wanted = wanted
        self._reader: AuditReader | None = None
        self._known: Audits | None = None
        self._one_at_a_time = asyncio.Lock()

    async def begin(self) -> None:
        """Read them before the first request if a policy needs them; waits two seconds at most."""
        if self._wanted():
            await asyncio.wait((asyncio.create_task(self.look()),), timeout=_FIRST_SECONDS)

    async def keep_fresh(self) -> None:
        """Follow the ledger until cancelled."""
        while True:
            wanted = self._wanted()
            if wanted:
                await self.look()
            await asyncio.sleep(_READ_EVERY_SECONDS if wanted else _TICK_SECONDS)

    async def look(self) -> None:
        """Read the audits once, and use them from now on; never raises."""
        async with self._one_at_a_time:
            try:
                found = await asyncio.to_thread(self._read)
            except LedgerError as error:
                if self._known is not None and not self._known.why_none:
                    return  # the last known ones hold
                found = Audits(why_none=str(error))
            except Exception:
                log.exception("the audits on the ledger can't be read; trying again")
                return
            if found != self._known:
                self._known = found
                self._keep(found)

    async def now(self) -> Audits | None:
        """The audits to show, also if no policy needs them; None if none could be read yet."""
        if not self._wanted():
            await self.look()
        return self._known

    def _read(self) -> Audits:
        if self._reader is None:
            from ..known_audits import AuditReader  # noqa: PLC0415 - it loads the database

            self._reader = AuditReader()
        return self._reader.read(self._ledger(), self._today())
