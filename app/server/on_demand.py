"""Parts of Pointsman that are loaded on first use: metrics, FastAPI's paths, the dashboard.

They cost much of the start-up time and of the memory, and many proxies never need them (ADR 0009).
"""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class OnDemand:
    """An ASGI app that is created in a thread on its first request."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._made: ASGIApp | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        async with self._making:
            made = await asyncio.to_thread(self.made) if self._made is None else self._made
        await made(scope, receive, send)

    def made(self) -> ASGIApp:
        """The app, created now if it does not exist yet."""
        if self._made is None:
            self._made = self._make()
        return self._made
