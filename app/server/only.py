"""Methods and defects, for the routes that do without FastAPI."""

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import InternalError
from app.server.plain import send_json
from app.server.replies import error_body

log = logging.getLogger("pointsman")


class Only:
    """Plain ASGI: `app` for these methods; for any other, FastAPI's 405, which names them.

    `app` answers in one go, so what it raises has sent nothing yet. It is answered here and not by
    the server, whose answer a web page of another origin could not read.
    """

    def __init__(self, app: ASGIApp, *methods: str) -> None:
        self._app = app
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] in self._methods:
            try:
                await self._app(scope, receive, send)
            except Exception:
                log.exception("%s failed inside Pointsman", scope["path"])
                error = InternalError("see the process log")
                await send_json(send, error.status, error_body(error, "openai", None))
            return
        allowed = ", ".join(self._methods).encode()
        await send_json(send, 405, {"detail": "Method Not Allowed"}, [(b"allow", allowed)])
