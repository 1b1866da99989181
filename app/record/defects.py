"""Looks for the defects of an answer after its last byte, away from the event loop."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping

import msgspec

from app.defects.offered import asked_of
from app.record.exchange import Exchange
from app.wire.kept import SPOKEN
from app.wire.observation import Observation

_AT_ONCE = 1_000  # bytes of an answer that is looked at right away, in some 25 µs
MOST_SHARED = 64  # lists of tools
_SHARED_BYTES = 4_000_000
_DEMANDS = frozenset({"tools", "functions", "response_format", "text", "output_format"})


class Defects:
    """Notes what requests offer, and finds where answers fall short of it.

    A client sends the same tools with every request, and they may be large, so that open streams
    share them.
    """

    def __init__(self) -> None:
        self._shared: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0

    def note(self, exchange: Exchange, fields: Mapping[str, msgspec.Raw]) -> None:
        """Note what a request offers; `fields` are those of its body as it is sent."""
        dialect = exchange.arrival.dialect
        if dialect is None or dialect.name not in SPOKEN:
            return
        offered = asked_of(fields)
        if "tools" in offered:
            offered["tools"] = self._share(offered["tools"])
        exchange.offered = offered

    async def of(self, exchange: Exchange, seen: Observation) -> tuple[str, ...]:
        """The names of the defects of an answer that has ended."""
        observer, offered = exchange.answer.observer, exchange.offered
        kept = observer.kept if observer is not None else None
        if kept is None or offered is None or not exchange.complete:
            return ()
        from app.defects.find import defects_in  # noqa: PLC0415 - not needed before an answer ends

        if kept.size <= _AT_ONCE and _DEMANDS.isdisjoint(offered):
            return defects_in(kept, seen, offered)
        return await asyncio.to_thread(defects_in, kept, seen, offered)

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
