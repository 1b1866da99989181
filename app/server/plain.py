"""Pointsman's own complete replies over bare ASGI, for routes without FastAPI."""

import logging

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import InternalError
from ..wire.headers import RawHeaders
from .replies import error_body, openai_error

log = logging.getLogger("pointsman")


async def send_json(
    send: Send, status: int, content: object, headers: RawHeaders | None = None
) -> int:
    """Send `content` as JSON and return the number of body bytes."""
    body = msgspec.json.encode(content)
    await send_bytes(send, status, body, [(b"content-type", b"application/json"), *(headers or [])])
    return len(body)


async def send_bytes(send: Send, status: int, body: bytes, headers: RawHeaders) -> None:
    """Send a complete reply; `headers` must not include a content length."""
    head = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def guarded(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Call `app`; a defect is answered here and logged with its path.

    `app` sends its whole answer at once, so nothing has been sent when it raises. A web page of
    another origin could not read the server's own answer to a defect.
    """
    try:
        await app(scope, receive, send)
    except Exception:
        log.exception("%s failed inside Pointsman", scope["path"])
        error = InternalError("see the process log")
        await send_json(send, error.status, error_body(error, "openai", None))


async def method_not_allowed(_scope: Scope, _: Receive, send: Send, allowed: bytes) -> None:
    """Send the 405 of paths that FastAPI serves, which names the allowed methods."""
    kind = "invalid_request_error"
    body = openai_error("Method Not Allowed", code="method_not_allowed", kind=kind)
    await send_json(send, 405, body, [(b"allow", allowed)])
