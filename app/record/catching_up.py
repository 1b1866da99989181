"""Observers that have fallen behind read on between other work, each for a moment in its turn.

An upstream that sends thousands of tiny events at once, by mistake or on purpose, must not hold up
everybody else's streams: their bytes are passed on at once, and read here, a millisecond or two in
each round of the loop, however many answers are behind.
"""

import asyncio

from app.record.exchange import Exchange


class CatchingUp:
    """The exchanges whose observers are behind; all of its methods are for the event loop."""

    def __init__(self) -> None:
        self._behind: dict[str, Exchange] = {}  # by id, whose turn is next first

    def note(self, exchange: Exchange) -> None:
        """Have an exchange's observer read on until it has caught up. Never waits."""
        if not self._behind:
            asyncio.get_running_loop().call_soon(self._go_on)
        self._behind[exchange.id] = exchange

    def _go_on(self) -> None:
        exchange = self._behind.pop(next(iter(self._behind)))
        exchange.read_on()
        if exchange.behind:
            self._behind[exchange.id] = exchange
        if self._behind:
            asyncio.get_running_loop().call_soon(self._go_on)


async def caught_up(exchange: Exchange) -> None:
    """Wait until all that has come of an answer is read; nearly always it is."""
    while exchange.behind:
        exchange.read_on()
        await asyncio.sleep(0)
