"""All of /dashboard, loaded when somebody first asks for it.

Templates, figures and routes cost a tenth of a start-up and some memory, and most proxies are
never looked at.
"""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class OnDemand:
    """An ASGI app that is made by its first request, beside the event loop."""

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
        """The app, made now if it is not yet."""
        if self._made is None:
            self._made = self._make()
        return self._made
