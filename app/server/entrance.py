"""All of Pointsman as one ASGI app: open between the start and the stop of its server."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from app.server.process import Traffic
from app.telemetry.stalls import Stalls


@dataclass(frozen=True, slots=True)
class State:
    """What whoever runs the app may ask it."""

    traffic: Traffic
    stalls: Stalls


class App:
    """The ASGI app: requests go in by `entrance`, the door, between start and stop."""

    def __init__(
        self,
        entrance: ASGIApp,
        opened: Callable[[], AbstractAsyncContextManager[None]],
        state: State,
    ) -> None:
        """`opened()` is entered when the server starts and left when it stops."""
        self.state = state
        self._entrance = entrance
        self._opened = opened

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request, or the lifespan."""
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        return self._entrance(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """What is raised here, the server tells and ends of."""
        await receive()  # lifespan.startup
        async with self._opened():
            await send({"type": "lifespan.startup.complete"})
            await receive()  # lifespan.shutdown
        await send({"type": "lifespan.shutdown.complete"})
