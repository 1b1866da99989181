"""Whole replies of our own over bare ASGI, for the routes that do without FastAPI."""

import msgspec
from starlette.types import Receive, Scope, Send

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


async def method_not_allowed(_scope: Scope, _: Receive, send: Send, allowed: bytes) -> None:
    """FastAPI's 405, which names the methods that are allowed."""
    await send_json(send, 405, {"detail": "Method Not Allowed"}, [(b"allow", allowed)])
