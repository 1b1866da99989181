"""Everything that delivers, made once the server runs, and only if there is a webhook."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..catalog.catalog import Catalog
from ..ledger.writer import Writer
from ..policy.book import Book
from .notices import Notices
from .webhook import Webhook

if TYPE_CHECKING:
    from ..ledger.store import Store
    from .courier import Courier


class Notifying:
    """Delivers the events of this process for as long as it runs."""

    def __init__(
        self,
        notices: Notices,
        webhook: Webhook,
        *,
        ledger: "Callable[[], Store]",
        writer: Writer,
        book: Callable[[], Book],
        catalog: Callable[[], Catalog],
        scores_hosts: bool,
        on_duty: Callable[[], bool],
        folder: Path,
        clock: Callable[[], float],
    ) -> None:
        """`folder` is shared by all workers on this machine; `clock` never jumps.

        `scores_hosts` and `on_duty` as in `Seen`.
        """
        self._notices = notices
        self._webhook = webhook
        self._ledger = ledger
        self._writer = writer
        self._book = book
        self._catalog = catalog
        self._scores_hosts = scores_hosts
        self._on_duty = on_duty
        self._folder = folder
        self._clock = clock
        self._courier: Courier | None = None

    async def run(self) -> None:
        """Look, put and deliver, until cancelled."""
        await asyncio.to_thread(_load)
        from .claims import Claims  # noqa: PLC0415 - see the module
        from .courier import Courier  # noqa: PLC0415
        from .lookout import Lookout, Seen  # noqa: PLC0415
        from .sender import Sender  # noqa: PLC0415

        sender = Sender(self._webhook)
        claims = Claims(self._folder)
        self._courier = courier = Courier(
            self._notices, self._ledger, sender, claim=claims.claim, clock=self._clock
        )
        seen = Seen(
            ledger=self._ledger,
            writer=self._writer,
            book=self._book,
            catalog=self._catalog,
            scores_hosts=self._scores_hosts,
            on_duty=self._on_duty,
        )
        lookout = Lookout(seen, self._notices, self._clock)
        try:
            await asyncio.gather(
                lookout.keep_looking(), courier.keep_putting(), courier.keep_delivering()
            )
        finally:
            await sender.aclose()

    async def aclose(self) -> None:
        """Put what waits on the ledger, so that another process or a later run tells it."""
        if self._courier is not None:
            await self._courier.aclose()


def _load() -> None:
    """Load what takes long, beside the event loop."""
    from . import courier, lookout, sender  # noqa: PLC0415 - see the module

    del courier, lookout, sender
