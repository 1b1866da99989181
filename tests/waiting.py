"""Waiting for what comes in its own time: looked at again and again, until it is there."""

import asyncio
import time
from collections.abc import Awaitable, Callable

_LOOK_SECONDS = 0.005


async def until(holds: Callable[[], object], within: float = 60.0) -> None:
    """Return once `holds()` is true; fails when it is not within so many seconds."""

    async def looked() -> object:
        return holds()

    await until_seen(looked, within)


async def until_seen(look: Callable[[], Awaitable[object]], within: float = 60.0) -> None:
    """The same for what has to be asked for, such as a page."""
    late = time.monotonic() + within
    while not await look():
        assert time.monotonic() < late, f"it has not come about within {within:g} s"
        await asyncio.sleep(_LOOK_SECONDS)


def wait_until(holds: Callable[[], object], within: float = 60.0) -> float:
    """As `until`, for tests without an event loop; returns the seconds that it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, f"it has not come about within {within:g} s"
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - began
