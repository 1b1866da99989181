"""Whole replies of our own over bare ASGI, for the routes that do without FastAPI."""

import logging

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import InternalError
from app.server.replies import error_body
from app.wire.headers import RawHeaders

log = logging.getLogger("pointsman")


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


async def guarded(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Have `app` answer; a defect is answered here, in the log with its path.

    `app` answers in one go, so what it raises has sent nothing yet. The server's own answer to a
    defect could not be read by a web page of another origin.
    """
    try:
        await app(scope, receive, send)
    except Exception:
        log.exception("%s failed inside Pointsman", scope["path"])
        error = InternalError("see the process log")
        await send_json(send, error.status, error_body(error, "openai", None))


async def method_not_allowed(_scope: Scope, _: Receive, send: Send, allowed: bytes) -> None:
    """FastAPI's 405, which names the methods that are allowed."""
    await send_json(send, 405, {"detail": "Method Not Allowed"}, [(b"allow", allowed)])
