"""The way in: the door, then a fork. OpenRouter's API to the left, pages and figures of ours right.

FastAPI's own way in, its error middleware and its matching of a path against all routes, costs more
than the rest of a request together, and something for every streamed chunk. What is surely
OpenRouter's never gets there. What is written in an odd way still arrives: FastAPI hands on what
it has no route for.
"""

from collections.abc import Awaitable

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

_OPENROUTERS = ("/v1/", "/api/v1/")


class Fork:
    """Plain ASGI: sends a request to `v1` or to `app`."""

    def __init__(self, app: ASGIApp, *, v1: ASGIApp) -> None:
        self._app = app
        self._v1 = v1

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass one request on."""
        ours = scope["type"] != "http" or not scope["path"].startswith(_OPENROUTERS)
        return (self._app if ours else self._v1)(scope, receive, send)


class App(FastAPI):
    """FastAPI, entered by a door of ours."""

    entrance: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        await self.entrance(scope, receive, send)

    async def inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        """FastAPI's own way in, for whom the door has let through."""
        await super().__call__(scope, receive, send)
