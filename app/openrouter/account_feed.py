"""The account of the configured key, fetched only for a page or a command that shows it."""

import asyncio
import time
from collections.abc import Callable

import msgspec

from ..catalog.account import Account, read_account
from ..errors import UpstreamError
from .client import OpenRouter

KEPT_SECONDS = 60.0
PATIENCE_SECONDS = 3.0
_OK = 200


class AccountFeed:
    """Asks `GET /key` at most once a minute; never on a timer, and never for a request."""

    def __init__(self, openrouter: OpenRouter, clock: Callable[[], float] = time.monotonic) -> None:
        self._openrouter = openrouter
        self._clock = clock
        self._lock = asyncio.Lock()
        self._kept: tuple[float, Account | None] | None = None

    async def current(self) -> Account | None:
        """The account; None without a configured key, or if OpenRouter does not tell it in time."""
        if self._openrouter.key is None:
            return None
        async with self._lock:
            if self._kept is None or self._clock() - self._kept[0] > KEPT_SECONDS:
                self._kept = (self._clock(), await self._fetched())
            return self._kept[1]

    async def _fetched(self) -> Account | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                status, body = await self._openrouter.read("/key")
            return read_account(msgspec.json.decode(body)) if status == _OK else None
        except (TimeoutError, UpstreamError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
