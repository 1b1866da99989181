"""The fork behind the door: OpenRouter's API to the left, pages and figures of ours to the right.

Matching a path against all of FastAPI's routes costs more than the rest of a request together, so
what is surely OpenRouter's never gets there. What is written in an odd way still arrives: the
app hands on what it has no route for.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

_OPENROUTERS = ("/v1/", "/api/v1/")


class Fork:
    """Plain ASGI, in front of `app`."""

    def __init__(self, app: ASGIApp, *, v1: ASGIApp) -> None:
        self._app = app
        self._v1 = v1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        ours = scope["type"] != "http" or not scope["path"].startswith(_OPENROUTERS)
        await (self._app if ours else self._v1)(scope, receive, send)
