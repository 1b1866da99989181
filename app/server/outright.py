"""Answers to requests that never reach the app: not HTTP, too large, too late or too many."""

from http import HTTPStatus

import msgspec
from starlette.types import Receive, Scope, Send

from ..errors import ConnectionsFull, RequestError
from ..wire.headers import RawHeaders
from ..wire.paths import error_shape
from .plain import send_json
from .replies import error_body


def refusal(error: RequestError, target: bytes, headers: RawHeaders | None) -> bytes:
    """A whole answer, as bytes; `target` and `headers` are the parts of the request read so far."""
    path = target.partition(b"?")[0].decode("latin-1")
    shape = error_shape(path, dict(headers or ()))
    body = msgspec.json.encode(error_body(error, shape, None))
    lines = [
        b"HTTP/1.1 %d %b" % (error.status, HTTPStatus(error.status).phrase.encode()),
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        b"connection: close",
    ]
    return b"\r\n".join([*lines, b"", body])


async def turn_away(scope: Scope, receive: Receive, send: Send) -> None:
    """Plain ASGI: answer that there are too many connections, and end this one."""
    del receive
    error = ConnectionsFull(
        "too many connections are open; retry in a moment, or raise POINTSMAN_MAX_CONNECTIONS"
    )
    body = error_body(error, error_shape(scope["path"], dict(scope["headers"])), None)
    await send_json(send, error.status, body, [*error.headers, (b"connection", b"close")])
