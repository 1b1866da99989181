"""The workers of one Pointsman, as one of them sees the others: who has counted what.

Each listens on a socket of its own in a folder that only this user can enter.

Rule 1  What a worker tells, it has put down in a file first. So no count that anybody has heard of
        is lost with its worker: the next one of the same number goes on from there.
Rule 2  Who doesn't answer in time is taken for what it put down last; its gauges are left out.
Rule 3  Until somebody asks, nothing is counted together, sent or written.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from app.server.process import Worker
from app.telemetry.sums import Telling, across, carried_on, counted_in, from_bytes, to_bytes

log = logging.getLogger("pointsman")

_PATIENCE_SECONDS = 1.0


class Teller(Protocol):
    """What knows this worker's metrics."""

    async def telling(self, *, scraped: bool) -> Telling:
        """All of them now; `scraped` says that it is this worker who answers a scrape."""
        ...


class Peers:
    """This worker's counts for the others, and the others' for this one."""

    def __init__(
        self,
        worker: Worker,
        teller: Callable[[], Teller],
        *,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        """`teller` may take a while: it is asked in a thread, when it is first needed."""
        self._worker = worker
        self._teller = teller
        self._patience = patience
        self._before: Telling = ()
        self._server: asyncio.Server | None = None
        self._telling = asyncio.Lock()

    async def open(self) -> None:
        """Go on where the one before stopped, and answer whoever asks."""
        number = self._worker.number
        self._before = await asyncio.to_thread(self._put_down_by, number)
        path = self._socket(number)
        try:
            path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._answer, path)
        except OSError as error:
            log.warning("other workers can't read the metrics of this one: %s", error)

    async def close(self) -> None:
        """Answer no more; what was counted is put down for whoever comes next."""
        if self._server is not None:
            self._server.close()
        with suppress(Exception):  # nothing that is told may keep a worker from ending
            await self._tell_now()

    async def told(self) -> Telling:
        """What all workers have counted, and how they stand."""
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
            pass  # it asks no more
        finally:
            writer.close()

    async def _tell_now(self, *, scraped: bool = False) -> bytes:
        async with self._telling:
            teller = await asyncio.to_thread(self._teller)
            now = await teller.telling(scraped=scraped)
            return await asyncio.to_thread(self._put_down, now)

    def _put_down(self, now: Telling) -> bytes:
        told = to_bytes(carried_on(self._before, now))
        with suppress(OSError):  # it is told all the same, and lost only if the worker dies now
            draft = self._file(self._worker.number).with_suffix(".draft")
            draft.write_bytes(told)
            draft.replace(self._file(self._worker.number))
        return told

    async def _ask(self, number: int) -> tuple[int, bytes]:
        """What another worker tells; nothing, where it doesn't in time."""
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
