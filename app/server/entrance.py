"""All of Pointsman as one ASGI app: open between the start and the stop of its server."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from ..telemetry.stalls import Stalls
from .on_demand import OnDemand
from .process import Traffic


@dataclass(frozen=True, slots=True)
class State:
    """The state that the app exposes to its server."""

    traffic: Traffic
    stalls: Stalls


class App:
    """The ASGI app: requests enter through `entrance`, the door, between start and stop."""

    def __init__(
        self,
        entrance: ASGIApp,
        opened: Callable[[], AbstractAsyncContextManager[None]],
        state: State,
        framed: OnDemand,
    ) -> None:
        """`opened()` is entered when the server starts and left when it stops.

        `framed` is the part served by FastAPI, for use as a complete FastAPI application.
        """
        self.state = state
        self.framed = framed
        self._entrance = entrance
        self._opened = opened

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request, or the lifespan."""
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        return self._entrance(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Run the lifespan; the server reports an error raised here and exits."""
        await receive()  # lifespan.startup
        async with self._opened():
            await send({"type": "lifespan.startup.complete"})
            await receive()  # lifespan.shutdown
        await send({"type": "lifespan.shutdown.complete"})
