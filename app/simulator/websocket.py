"""Refuse WebSockets, which OpenRouter does not offer."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .refusals import Refusal

_STATUS = 426
_HEADERS = {"Upgrade": "HTTP/1.1", "Connection": "upgrade"}


class NoWebSockets:
    """Answers 426 to a request for a WebSocket; `app` gets every other request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not _asks_for_one(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        refusal = Refusal(_STATUS, "WebSockets are not offered; send the request with POST")
        body = refusal.body("anthropic" if "/messages" in scope["path"] else "openai")
        await JSONResponse(body, _STATUS, _HEADERS)(scope, receive, send)


def _asks_for_one(headers: Headers) -> bool:
    offers = ",".join(headers.getlist("upgrade")).lower().split(",")
    return "websocket" in map(str.strip, offers)
