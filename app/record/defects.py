"""Looks for the defects of an answer after its last byte, away from the event loop.

Clients write the schemas by which answers are checked, so a flood of costly ones must delay neither
other receipts nor other work: one thread of its own looks, and a receipt waits for it only so long.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from ..defects.offered import asked_of
from ..server.brake import Brake
from ..wire.kept import SPOKEN
from ..wire.observation import Observation
from .exchange import Exchange

log = logging.getLogger("pointsman")

PATIENCE_SECONDS = 0.5  # a receipt is filed without its defects after that
_AT_ONCE = 2_000  # bytes of an answer that is looked at right away: a thread would cost more
MOST_SHARED = 64  # lists of tools
_SHARED_BYTES = 4_000_000
MOST_HELD = 64_000_000  # bytes of what requests in progress offer, all together
_DEMANDS = frozenset({"tools", "functions", "response_format", "text", "output_format"})


class Defects:
    """Notes what requests offer, and finds where answers fall short of it.

    A client sends the same tools with every request, and they may be large, so that open streams
    share them.
    """

    def __init__(self) -> None:
        self._shared: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="defects")
        self._passed_over = Brake()
        self._held: dict[str, int] = {}  # by exchange
        self.held = 0  # bytes of it, all together

    def note(self, exchange: Exchange, fields: Mapping[str, msgspec.Raw]) -> None:
        """Note what a request offers; `fields` are those of its body as it is sent.

        Nothing is noted while requests in progress offer as much as may be held.
        """
        dialect = exchange.arrival.dialect
        if dialect is None or dialect.name not in SPOKEN:
            return
        offered = asked_of(fields)
        size = sum(map(len, offered.values()))
        if (tools := offered.get("tools")) is not None:
            offered["tools"] = self._share(tools)
            if offered["tools"] is not tools:
                size -= len(tools)
        if self.held + size > MOST_HELD:
            return
        exchange.offered = offered
        self._held[exchange.arrival.id] = size
        self.held += size

    def let_go(self, exchange: Exchange) -> None:
        """Let go of what a request offered, once its defects are known."""
        exchange.offered = None
        self.held -= self._held.pop(exchange.arrival.id, 0)

    async def of(self, exchange: Exchange, seen: Observation) -> tuple[str, ...]:
        """The names of the defects of an answer that has ended; none if that takes too long."""
        observer, offered = exchange.answer.observer, exchange.offered
        kept = observer.kept if observer is not None else None
        if kept is None or offered is None or not exchange.complete:
            return ()
        from ..defects.find import defects_in  # noqa: PLC0415 - not needed before an answer ends

        loop = asyncio.get_running_loop()
        try:
            if kept.size <= _AT_ONCE and _DEMANDS.isdisjoint(offered):
                return defects_in(kept, seen, offered)
            looking = loop.run_in_executor(self._thread, defects_in, kept, seen, offered)
            return await asyncio.wait_for(looking, PATIENCE_SECONDS)
        except TimeoutError:
            if not self._passed_over.note("", a_minute=1):
                log.warning(
                    "request %s and perhaps others are filed without their defects: these take "
                    "too long to find, at this load or with these schemas",
                    exchange.arrival.id,
                )
        except Exception as error:  # noqa: BLE001 - a mistake here must not cost the receipt
            kind = type(error).__name__  # and not its text, which may quote the answer
            log.error("the defects of request %s can't be found: %s", exchange.arrival.id, kind)  # noqa: TRY400
        return ()

    def _share(self, tools: bytes) -> bytes:
        known = self._shared.get(tools)
        if known is not None:
            self._shared.move_to_end(tools)
            return known
        self._shared[tools] = tools
        self._bytes += len(tools)
        while len(self._shared) > MOST_SHARED or self._bytes > _SHARED_BYTES:
            gone, _ = self._shared.popitem(last=False)
            self._bytes -= len(gone)
        return tools
