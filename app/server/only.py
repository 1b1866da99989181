"""Methods, for the routes that do without FastAPI."""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.server.plain import send_json


class Only:
    """Plain ASGI: `app` for these methods; for any other, FastAPI's 405, which names them."""

    def __init__(self, app: ASGIApp, *methods: str) -> None:
        self._app = app
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] in self._methods:
            await self._app(scope, receive, send)
            return
        allowed = ", ".join(self._methods).encode()
        await send_json(send, 405, {"detail": "Method Not Allowed"}, [(b"allow", allowed)])
