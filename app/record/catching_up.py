"""Observers that have fallen behind catch up between other work, each for a moment in its turn.

An upstream that sends thousands of tiny events at once, by mistake or on purpose, must not delay
other streams: bytes are passed on at once, and read here for a millisecond or two in each round
of the loop, however many answers are behind.
"""

import asyncio

from .exchange import Answer


class CatchingUp:
    """The answers whose observers are behind; call its methods only on the event loop."""

    def __init__(self) -> None:
        self._behind: dict[Answer, None] = {}  # in the order of their turns

    def note(self, answer: Answer) -> None:
        """Have an answer's observer read on until it has caught up. Never waits."""
        if not self._behind:
            asyncio.get_running_loop().call_soon(self._go_on)
        self._behind[answer] = None

    def _go_on(self) -> None:
        answer = next(iter(self._behind))
        del self._behind[answer]
        answer.read_on()
        if answer.behind:
            self._behind[answer] = None
        if self._behind:
            asyncio.get_running_loop().call_soon(self._go_on)


async def caught_up(answer: Answer) -> None:
    """Wait until every received part of an answer is read; nearly always it already is."""
    while answer.behind:
        answer.read_on()
        await asyncio.sleep(0)
