"""Exchange of counts between the workers of one Pointsman.

Each worker listens on its own socket in a folder that only this user can enter.

Rule 1  A worker saves its counts to a file before it reports them. So no reported count is lost
        with its worker: its replacement, which has the same number, continues from there.
Rule 2  For a worker that does not answer in time, its last saved counts are used, without gauges.
Rule 3  Until metrics are requested, nothing is added up, sent or written.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from ..server.process import Worker
from ..telemetry.sums import Telling, across, carried_on, counted_in, from_bytes, to_bytes

log = logging.getLogger("pointsman")

_PATIENCE_SECONDS = 1.0


class Teller(Protocol):
    """The source of this worker's metrics."""

    async def telling(self, *, scraped: bool) -> Telling:
        """All current metrics; `scraped`: this worker is the one that answers a scrape."""
        ...


class Peers:
    """Reports this worker's counts to the other workers, and theirs to this one."""

    def __init__(
        self,
        worker: Worker,
        teller: Callable[[], Teller],
        *,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        """`teller` may be slow: it is called in a thread, when it is first needed."""
        self._worker = worker
        self._teller = teller
        self._patience = patience
        self._before: Telling = ()
        self._server: asyncio.Server | None = None
        self._telling = asyncio.Lock()

    async def open(self) -> None:
        """Continue from the previous worker's counts, and answer the other workers."""
        number = self._worker.number
        self._before = await asyncio.to_thread(self._put_down_by, number)
        path = self._socket(number)
        try:
            path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._answer, path)
        except OSError as error:
            log.warning("other workers can't read the metrics of this one: %s", error)

    async def close(self) -> None:
        """Stop answering; the counts are saved for the replacement worker."""
        if self._server is not None:
            self._server.close()
        with suppress(Exception):  # no failure to report may keep a worker from ending
            await self._tell_now()

    async def told(self) -> Telling:
        """The counts and status of all workers."""
        others = [n for n in range(1, self._worker.of + 1) if n != self._worker.number]
        asking = asyncio.gather(*map(self._ask, others))
        mine = await self._tell_now(scraped=True)
        return await asyncio.to_thread(self._added_up, mine, await asking)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        try:
            writer.write(await self._tell_now())
            await writer.drain()
        except OSError:
            pass  # the other worker has closed the connection
        finally:
            writer.close()

    async def _tell_now(self, *, scraped: bool = False) -> bytes:
        async with self._telling:
            teller = await asyncio.to_thread(self._teller)
            now = await teller.telling(scraped=scraped)
            return await asyncio.to_thread(self._put_down, now)

    def _put_down(self, now: Telling) -> bytes:
        told = to_bytes(carried_on(self._before, now))
        with suppress(OSError):  # it is reported anyway, and lost only if the worker dies now
            draft = self._file(self._worker.number).with_suffix(".draft")
            draft.write_bytes(told)
            draft.replace(self._file(self._worker.number))
        return told

    async def _ask(self, number: int) -> tuple[int, bytes]:
        """Another worker's report; empty if it does not arrive in time."""
        try:
            async with asyncio.timeout(self._patience):
                reader, writer = await asyncio.open_unix_connection(self._socket(number))
                try:
                    return number, await reader.read()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return number, b""

    def _added_up(self, mine: bytes, others: list[tuple[int, bytes]]) -> Telling:
        return across([from_bytes(mine), *(self._heard(*each) for each in others)])

    def _heard(self, number: int, told: bytes) -> Telling:
        with suppress(msgspec.DecodeError):
            return from_bytes(told)
        return counted_in(self._put_down_by(number))

    def _put_down_by(self, number: int) -> Telling:
        with suppress(OSError, msgspec.DecodeError):
            return from_bytes(self._file(number).read_bytes())
        return ()

    def _file(self, number: int) -> Path:
        return self._worker.folder / f"{number}.counts"

    def _socket(self, number: int) -> Path:
        return self._worker.folder / f"{number}.socket"
