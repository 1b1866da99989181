"""Whole replies of our own over bare ASGI, and methods, for the routes that do without FastAPI."""

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from app.wire.headers import RawHeaders


async def send_json(
    send: Send, status: int, content: object, headers: RawHeaders | None = None
) -> int:
    """Send `content` as JSON and return the number of body bytes."""
    body = msgspec.json.encode(content)
    await send_bytes(send, status, body, [(b"content-type", b"application/json"), *(headers or [])])
    return len(body)


async def send_bytes(send: Send, status: int, body: bytes, headers: RawHeaders) -> None:
    """Send a complete reply; `headers` without a content length."""
    head = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body, "more_body": False})


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
