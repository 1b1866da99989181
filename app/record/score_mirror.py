"""Keeps the copy of benchmark scores in the state folder like the one on the ledger.

Loaded only with a PostgreSQL ledger, which has the scores in use for all replicas: what `pointsman
scores fetch` keeps there is in use at each of them within some seconds, and a replica that starts
with an empty state folder gets them before its first request. While the ledger can't be read, the
copy in the state folder is in use.

Rule 1  What the ledger has goes. A ledger that has none gets the copy of the first that has one.
Rule 2  Nothing is written that does not have the checksum noted for it.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from ..errors import LedgerError, reason_of
from ..ledger.score_exports import ScoreExport
from ..openrouter.score_copies import Kept, ScoreCopies

log = logging.getLogger("pointsman")

_LOOK_SECONDS = 2.0
_FIRST_SECONDS = 2.0


class Ledger(Protocol):
    """The part of the store that has scores."""

    def kept_scores(self, upstream: str, /) -> bytes | None:
        """Return what is said of the scores in use."""
        ...

    def scores(self, upstream: str, /) -> ScoreExport | None:
        """Return the scores in use."""
        ...

    def keep_scores(self, upstream: str, export: ScoreExport, /, *, replace: bool) -> None:
        """Keep scores."""
        ...


class ScoreMirror:
    """Follows the ledger's scores of one upstream."""

    def __init__(self, ledger: Callable[[], Ledger], copies: ScoreCopies) -> None:
        self._ledger = ledger
        self._copies = copies
        self._trouble: str | None = None

    async def begin(self) -> None:
        """Look once, for two seconds at most."""
        await asyncio.wait((asyncio.create_task(self._try()),), timeout=_FIRST_SECONDS)

    async def keep_fresh(self) -> None:
        """Follow the ledger until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self._try()

    def look(self) -> None:
        """Bring both copies into line. Raises `LedgerError`, and `OSError` from the folder."""
        ledger, upstream = self._ledger(), self._copies.upstream
        there = ledger.kept_scores(upstream)
        if there is None:
            here = self._copies.raw()
            if here is not None:
                ledger.keep_scores(upstream, export_of(*here), replace=False)
        elif there != self._copies.said():
            self._take(ledger.scores(upstream))

    def _take(self, export: ScoreExport | None) -> None:
        if export is None:
            return
        kept = msgspec.json.decode(export.kept, type=Kept)
        checksum = hashlib.sha256(export.body).hexdigest()
        if checksum != kept.sha256 or Path(kept.file).name != kept.file:
            raise OSError("the scores on the ledger do not have the checksum noted for them")
        self._copies.put(kept, export.body)

    async def _try(self) -> None:
        """Look; log a trouble once. What the ledger can't do is reported by its writer."""
        try:
            await asyncio.to_thread(self.look)
        except LedgerError:
            return
        except (OSError, msgspec.MsgspecError) as error:
            trouble: str | None = reason_of(error)
        else:
            trouble = None
        if trouble is not None and trouble != self._trouble:
            log.error("benchmark scores can't be taken over from the ledger: %s", trouble)
        self._trouble = trouble


def export_of(kept: bytes, body: bytes) -> ScoreExport:
    """An export and what is said of it, as the ledger keeps them."""
    return ScoreExport(hashlib.sha256(body).hexdigest(), kept, body)
