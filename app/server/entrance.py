"""The way in: the door, then a fork by path.

OpenRouter's API is what nearly every request is for. What programs ask us again and again, whether
we are well and what we have counted, has a plain answer under its exact path. Everything else of
ours is framed by FastAPI: a quarter of a start-up, a tenth of the memory, and a way in that costs
more than the rest of a request together. It is loaded when it is first asked for something (ADR
0009), and hands on what it has no route for.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from app.server.process import Traffic
from app.telemetry.stalls import Stalls

_OPENROUTERS = ("/v1/", "/api/v1/")
_FRAMED = ("/pointsman/", "/dashboard")


class Fork:
    """Plain ASGI: sends a request to `v1`, to one of `exact`, or to what FastAPI frames."""

    def __init__(self, *, v1: ASGIApp, exact: Mapping[str, ASGIApp], framed: ASGIApp) -> None:
        self._v1 = v1
        self._exact = exact
        self._framed = framed

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass one request on."""
        path: str = scope["path"]
        if path.startswith(_OPENROUTERS):
            return self._v1(scope, receive, send)
        way = self._framed if path.startswith(_FRAMED) else self._exact.get(path, self._v1)
        return way(scope, receive, send)


@dataclass(frozen=True, slots=True)
class State:
    """What whoever runs the app may ask it."""

    traffic: Traffic
    stalls: Stalls


class App:
    """All of Pointsman as one ASGI app: requests go in by `entrance`, between start and stop."""

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
