"""Reads a request's body within its limit, and notices when the caller has gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CancelScope
from starlette.types import Receive, Scope

from app.api.decoding import decoded
from app.errors import BodyTooLarge, UnsupportedContent
from app.wire.headers import RawHeaders


class CallerLeft(Exception):
    """The caller closed the connection before its answer was complete."""


def must_be_json(headers: RawHeaders) -> None:
    """Raise `UnsupportedContent` unless the body says it is JSON.

    A web page can send text/plain, a form or an untyped blob to any address without asking (T-42).
    """
    named = dict(headers)
    kind = named.get(b"content-type", b"").split(b";")[0].strip().lower()
    if kind != b"application/json" and not kind.endswith(b"+json"):
        shown = kind.decode("latin-1") or "(none)"
        raise UnsupportedContent(
            f"the content type is {shown}; send the request as JSON "
            "with 'Content-Type: application/json'"
        )


async def read_json(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body of a request that says it is JSON, its compression undone.

    Raises as `read_body` and `decoded` do.
    """
    body = await read_body(scope, receive, limit)
    encoding = dict(scope["headers"]).get(b"content-encoding")
    if encoding is None:
        return body
    return await asyncio.to_thread(decoded, body, encoding.decode("latin-1"), limit)


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body.

    Raises `BodyTooLarge` as soon as that is certain (T-31, T-32), and `CallerLeft`.
    """
    declared = dict(scope["headers"]).get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the request body is over {limit / 1e6:g} MB; POINTSMAN_MAX_BODY_MB sets the limit"
    )


@asynccontextmanager
async def while_caller_stays(receive: Receive) -> AsyncIterator[None]:
    """Run the block, cancelling it the moment the caller leaves; raises `CallerLeft` then (T-17).

    A cancel scope rather than a bare `Task.cancel`: the client below shields its own cleaning up
    from scopes only, and would lose sockets. The answer's last message must be sent after the
    block: an ASGI server tells of a "disconnect" once an answer is complete, too.
    """
    with CancelScope() as stay:

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            stay.cancel()

        watcher = asyncio.create_task(watch())
        try:
            yield
        finally:
            watcher.cancel()
    if stay.cancelled_caught:
        raise CallerLeft
